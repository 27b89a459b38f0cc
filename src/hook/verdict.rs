//! What an authenticated body is taken for on arrival, and the row it becomes. Pure.
//!
//! A notification is one row: `(subscription, notification)` names it. Where either is missing, the event's id, its kind and the whole
//! body do: the id alone does not, for test deliveries of strangers share the sample's.

use jiff::Timestamp;

use super::auth::digest;
use super::keys::Granted;
use crate::ado::event::{self, Envelope, Read};
use crate::domain::hook::DeliveryState;
use crate::store::NewDelivery;

/// A body as it arrived.
pub enum Arrived {
    Whole(Vec<u8>),
    /// Too large: its beginning, and what was read or announced of it.
    Cut {
        beginning: Vec<u8>,
        bytes: u64,
    },
}

/// Where a body was sent to, and what is known besides.
pub struct Addressed<'a> {
    /// What the secret opens; never empty.
    pub granted: &'a [Granted],
    /// The project is named by the path. Without, the body has to name it.
    pub by_path: bool,
    pub purpose: Option<String>,
    /// As the header says it.
    pub encoding: Option<String>,
    /// The largest body that is kept whole.
    pub limit: usize,
}

/// What is to be done with a body.
pub enum Verdict {
    Keep(Box<NewDelivery>),
    /// It is of a project that was taken off the board.
    Gone,
}

/// Decides. `unique` makes the key of a test delivery, which is never the same as another one.
pub fn verdict(arrived: Arrived, to: Addressed<'_>, unique: &str, now: Timestamp) -> Verdict {
    let (body, envelope, mut judged) = match arrived {
        Arrived::Whole(body) => {
            let envelope = event::envelope(&body);
            let judged = if envelope.readable { None } else { Some((DeliveryState::Dead, unreadable(&body, &to))) };
            (body, envelope, judged)
        }
        Arrived::Cut { beginning, bytes } => {
            let words = format!("the body is larger than what is taken ({bytes} bytes, at most {}); its beginning was kept", to.limit);
            (beginning, Envelope::default(), Some((DeliveryState::Dead, words)))
        }
    };
    let fits = |granted: &&Granted| !envelope.is_of_another_than(&granted.guid) && (to.by_path || envelope.project.is_some());
    let standing = |granted: &&Granted| !granted.removed;
    let named = to.granted.iter().filter(fits).find(standing).or_else(|| to.granted.iter().find(fits));
    let granted = match named.or_else(|| to.granted.iter().find(standing)) {
        Some(granted) if !granted.removed => granted,
        _ => return Verdict::Gone,
    };
    if envelope.is_test_at(&granted.guid) {
        judged = Some((DeliveryState::Test, "a test from the page of the subscription".to_owned()));
    } else if judged.is_none() && named.is_none() {
        let words = match (&envelope.project, to.by_path) {
            (_, true) => "it says that it is of another project than its address; nothing of it was believed",
            (Some(_), false) => "it is of a project that its secret does not open; nothing of it was believed",
            // Its secret may open several; with one there is no doubt.
            (None, false) if to.granted.len() == 1 => "",
            (None, false) => "it names no project, and its secret opens several; nothing of it was believed",
        };
        if !words.is_empty() {
            judged = Some((DeliveryState::Quarantined, words.to_owned()));
        }
    }
    let (state, words) = match judged {
        Some((state, words)) => (state, Some(words)),
        None => (DeliveryState::Waiting, None),
    };
    let project = granted.project;
    let dedupe = match (&envelope.subscription, envelope.notification) {
        _ if state == DeliveryState::Test => format!("{project}:test:{unique}"),
        (Some(subscription), Some(notification)) => format!("{project}:{subscription}:{notification}"),
        _ => format!("{project}:{}", fingerprint(&envelope, &body, words.as_deref())),
    };
    Verdict::Keep(Box::new(NewDelivery {
        project,
        dedupe,
        purpose: to.purpose,
        event_type: envelope.event_type,
        event_id: envelope.id,
        subscription: envelope.subscription,
        notification: envelope.notification,
        received_at: now,
        body,
        state,
        words,
    }))
}

fn unreadable(body: &[u8], to: &Addressed<'_>) -> String {
    if let Some(encoding) = &to.encoding {
        return format!("the body is compressed ({encoding}), which is never undone");
    }
    match event::read(body) {
        Read::Unreadable(words) => words,
        Read::Event(_) => "the body cannot be read".to_owned(),
    }
}

/// Of fixed length, whatever the delivery holds. The words tell bodies apart that begin the same and were cut.
fn fingerprint(envelope: &Envelope, body: &[u8], words: Option<&str>) -> String {
    let mut parts = Vec::with_capacity(3 * 32);
    for text in [envelope.id.as_deref(), envelope.event_type.as_deref(), words] {
        parts.extend(digest(text.unwrap_or_default().as_bytes()));
    }
    parts.extend(digest(body));
    digest(&parts).iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Guid, ProjectId};

    const A: &str = "0a1b2c3d-0000-4000-8000-00000000000a";
    const B: &str = "0a1b2c3d-0000-4000-8000-00000000000b";

    fn granted(project: i64, guid: &str, removed: bool) -> Granted {
        Granted { project: ProjectId(project), guid: Guid::new(guid), removed }
    }

    fn body(project: Option<&str>, notification: i64) -> String {
        let containers = project.map_or("null".to_owned(), |id| format!("{{\"project\":{{\"id\":\"{id}\"}}}}"));
        format!(
            "{{\"subscriptionId\":\"0a1b2c3d-0000-4000-8000-0000000000ff\",\"notificationId\":{notification},\
             \"id\":\"e\",\"eventType\":\"git.push\",\"resource\":{{}},\"resourceContainers\":{containers}}}"
        )
    }

    fn judge(body: &str, granted: &[Granted], by_path: bool) -> Option<NewDelivery> {
        let to = Addressed { granted, by_path, purpose: None, encoding: None, limit: 1_000 };
        match verdict(Arrived::Whole(body.as_bytes().to_vec()), to, "u", Timestamp::UNIX_EPOCH) {
            Verdict::Keep(new) => Some(*new),
            Verdict::Gone => None,
        }
    }

    #[test]
    fn a_body_of_another_project_than_its_address_is_believed_in_nothing() {
        let here = [granted(1, A, false)];
        assert_eq!(judge(&body(Some(&A.to_uppercase()), 1), &here, true).unwrap().state, DeliveryState::Waiting);
        assert_eq!(judge(&body(None, 1), &here, true).unwrap().state, DeliveryState::Waiting);
        let strange = judge(&body(Some(B), 1), &here, true).unwrap();
        assert_eq!((strange.state, strange.project), (DeliveryState::Quarantined, ProjectId(1)));
    }

    #[test]
    fn without_an_address_the_body_names_the_project_and_the_secret_must_open_it() {
        let both = [granted(1, A, false), granted(2, B, false)];
        let of_b = judge(&body(Some(B), 1), &both, false).unwrap();
        assert_eq!((of_b.state, of_b.project), (DeliveryState::Waiting, ProjectId(2)));
        assert_eq!(judge(&body(Some(B), 1), &both[..1], false).unwrap().state, DeliveryState::Quarantined);
        assert_eq!(judge(&body(None, 1), &both, false).unwrap().state, DeliveryState::Quarantined);
        let alone = judge(&body(None, 1), &both[..1], false).unwrap();
        assert_eq!((alone.state, alone.project), (DeliveryState::Waiting, ProjectId(1)));
    }

    #[test]
    fn only_a_project_that_was_taken_off_the_board_is_gone() {
        let both = [granted(1, A, true), granted(2, B, false)];
        assert!(judge(&body(Some(A), 1), &both, false).is_none());
        assert_eq!(judge(&body(Some(B), 1), &both, false).unwrap().project, ProjectId(2));
        assert!(judge("broken", &both[..1], true).is_none());
    }

    #[test]
    fn a_notification_has_one_key_and_two_have_two() {
        let here = [granted(1, A, false)];
        let key = |text: &str| judge(text, &here, true).unwrap().dedupe;
        assert_eq!(key(&body(None, 1)), key(&body(Some(A), 1)), "the same notification, however it is told");
        assert_ne!(key(&body(None, 1)), key(&body(None, 2)));
        let bare = |id: &str, more: &str| key(&format!("{{\"id\":\"{id}\",\"eventType\":\"git.push\",\"more\":\"{more}\"}}"));
        assert_eq!(bare("x", "1"), bare("x", "1"));
        assert_ne!(bare("x", "1"), bare("x", "2"), "the id alone is no key");
        let long = "y".repeat(5_000);
        assert_ne!(bare(&long, "1"), bare(&long, "2"), "nor a long one");
        assert!(bare(&long, "1").len() < 100);
        assert_ne!(key("nonsense"), key("nonsense."));
    }

    #[test]
    fn bodies_that_were_cut_at_the_same_place_are_told_apart_by_their_size() {
        let here = [granted(1, A, false)];
        let key = |bytes| {
            let to = Addressed { granted: &here, by_path: true, purpose: None, encoding: None, limit: 10 };
            match verdict(Arrived::Cut { beginning: b"{\"a\":".to_vec(), bytes }, to, "u", Timestamp::UNIX_EPOCH) {
                Verdict::Keep(new) => {
                    assert_eq!(new.state, DeliveryState::Dead);
                    new.dedupe
                }
                Verdict::Gone => String::new(),
            }
        };
        assert_eq!(key(11), key(11));
        assert_ne!(key(11), key(12));
    }
}
