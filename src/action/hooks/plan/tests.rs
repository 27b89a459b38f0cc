//! Every situation of a purpose, and what is done about it.

use std::collections::BTreeMap;

use super::super::look::hook;
use super::super::secret::user;
use super::super::url::address;
use super::*;
use crate::domain::id::ProjectId;

const BASE: &str = "https://kanado.example.com";
const PROJECT: &str = "5c9a7e0f-0000-4000-8000-000000000001";
const VOTE: Purpose = Purpose::PullRequestVote;

fn project() -> Guid {
    Guid::new(PROJECT)
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

fn want(purpose: Purpose) -> Wanted {
    Wanted { purpose, hook: hook(&project(), BASE, purpose) }
}

/// A row of ours; its id decides its secret.
fn row(id: i64, remote: Option<&str>, state: SubscriptionState) -> Known {
    Known {
        row: Subscription {
            id,
            project: ProjectId(1),
            purpose: VOTE,
            remote: remote.map(Guid::new),
            url: address(BASE, &project(), VOTE),
            state,
            problem: None,
            identity: None,
            created_at: at(id),
            verified_at: None,
            checked_at: None,
        },
        user: Some(name(id)),
    }
}

fn name(id: i64) -> String {
    user(&[id as u8; 32])
}

/// What Azure DevOps would answer for a row, with the inputs it adds by itself.
fn there(id: i64, remote: &str, status: &str) -> HookSubscription {
    let new = hook(&project(), BASE, VOTE);
    let mut publisher_inputs = new.publisher_inputs.clone();
    publisher_inputs.insert("tfsSubscriptionId".to_owned(), "99999999-0000-4000-8000-000000000000".to_owned());
    publisher_inputs.insert("repository".to_owned(), String::new());
    let mut consumer_inputs: BTreeMap<String, String> = BTreeMap::new();
    consumer_inputs.insert("basicAuthUsername".to_owned(), name(id));
    consumer_inputs.insert("resourceDetailsToSend".to_owned(), String::new());
    HookSubscription {
        id: Guid::new(remote),
        state: match status {
            "enabled" => Some(SubscriptionState::Enabled),
            "onProbation" => Some(SubscriptionState::OnProbation),
            "disabledByUser" => Some(SubscriptionState::DisabledByUser),
            "disabledBySystem" => Some(SubscriptionState::DisabledBySystem),
            "disabledByInactiveIdentity" => Some(SubscriptionState::DisabledByInactiveIdentity),
            _ => None,
        },
        status: status.to_owned(),
        publisher: "tfs".to_owned(),
        event_type: "git.pullrequest.updated".to_owned(),
        resource_version: Some("1.0".to_owned()),
        consumer: "webHooks".to_owned(),
        url: Some(new.url),
        publisher_inputs,
        consumer_inputs,
        probation_retries: 0,
        created_by: None,
    }
}

fn steps(known: &[Known], all: &[HookSubscription]) -> Vec<Step> {
    plan(&[want(VOTE)], known, &Remote { subscriptions: all.to_vec(), ..Remote::default() }, BASE, None)
}

fn old(row: Option<i64>, remote: &str, works: bool) -> Old {
    Old { row, remote: Some(Guid::new(remote)), publisher: Publisher::Tfs, works }
}

#[test]
fn what_is_there_and_enabled_is_kept_however_often_it_is_looked_at() {
    let known = [row(1, Some("r1"), SubscriptionState::Enabled)];
    assert_eq!(steps(&known, &[there(1, "r1", "enabled")]), [Step::Keep { purpose: VOTE, row: 1 }]);
}

#[test]
fn each_status_value_leads_to_its_action() {
    for (status, why) in [
        ("onProbation", Why::OnProbation),
        ("disabledByUser", Why::DisabledByUser),
        ("disabledBySystem", Why::DisabledBySystem),
        ("disabledByInactiveIdentity", Why::InactiveIdentity),
    ] {
        // Whatever our row says: what Azure DevOps says counts.
        for state in [SubscriptionState::Enabled, SubscriptionState::OnProbation, SubscriptionState::Missing] {
            let done = steps(&[row(1, Some("r1"), state)], &[there(1, "r1", status)]);
            assert_eq!(done, [Step::Recreate { purpose: VOTE, why, old: vec![old(Some(1), "r1", false)], stale: vec![] }], "{status}");
        }
    }
    for status in ["enabled", "somethingNew", ""] {
        let done = steps(&[row(1, Some("r1"), SubscriptionState::Enabled)], &[there(1, "r1", status)]);
        assert_eq!(done, [Step::Keep { purpose: VOTE, row: 1 }], "{status}");
    }
}

#[test]
fn what_somebody_deleted_is_made_again_and_its_row_forgotten() {
    let done = steps(&[row(1, Some("r1"), SubscriptionState::Enabled)], &[]);
    assert_eq!(done, [Step::Create { purpose: VOTE, stale: vec![1] }]);
    assert_eq!(steps(&[], &[]), [Step::Create { purpose: VOTE, stale: vec![] }]);
}

#[test]
fn a_request_whose_answer_was_lost_is_taken_over_by_its_user_name() {
    let known = [row(1, None, SubscriptionState::Making)];
    let done = steps(&known, &[there(1, "r9", "enabled")]);
    assert_eq!(done, [Step::Adopt { purpose: VOTE, row: 1, remote: Guid::new("r9") }]);
    // It never arrived.
    assert_eq!(steps(&known, &[]), [Step::Create { purpose: VOTE, stale: vec![1] }]);
    // Another one of the same event and address, with another secret, is not taken for it.
    let done = steps(&known, &[there(2, "r9", "enabled")]);
    assert_eq!(done, [Step::Recreate { purpose: VOTE, why: Why::Orphan, old: vec![old(None, "r9", false)], stale: vec![1] }]);
}

#[test]
fn of_two_crashed_attempts_the_one_that_arrived_is_kept_with_its_own_secret() {
    let known = [row(1, None, SubscriptionState::Making), row(2, None, SubscriptionState::Making)];
    let done = steps(&known, &[there(1, "r9", "enabled")]);
    assert_eq!(done, [Step::Adopt { purpose: VOTE, row: 1, remote: Guid::new("r9") }]);
}

#[test]
fn of_two_for_the_same_the_newer_stays() {
    let known = [row(1, Some("r1"), SubscriptionState::Enabled), row(2, Some("r2"), SubscriptionState::Enabled)];
    let all = [there(1, "r1", "enabled"), there(2, "r2", "enabled")];
    let delete = |row, remote, why, works| Step::Delete { purpose: VOTE, why, old: old(Some(row), remote, works) };
    assert_eq!(steps(&known, &all), [Step::Keep { purpose: VOTE, row: 2 }, delete(1, "r1", Why::Twice, true)]);
    // The newer one does not work: then the older one stays.
    let all = [there(1, "r1", "enabled"), there(2, "r2", "disabledBySystem")];
    assert_eq!(steps(&known, &all), [Step::Keep { purpose: VOTE, row: 1 }, delete(2, "r2", Why::DisabledBySystem, false)]);
}

#[test]
fn what_was_to_be_removed_goes_and_does_not_count() {
    let done = steps(&[row(1, Some("r1"), SubscriptionState::Removing)], &[there(1, "r1", "enabled")]);
    assert_eq!(
        done,
        [Step::Create { purpose: VOTE, stale: vec![] }, Step::Delete { purpose: VOTE, why: Why::Removing, old: old(Some(1), "r1", false) }]
    );
}

#[test]
fn what_somebody_changed_is_made_anew_and_what_azure_devops_added_is_not_a_change() {
    let known = [row(1, Some("r1"), SubscriptionState::Enabled)];
    let changed = |change: &dyn Fn(&mut HookSubscription)| {
        let mut found = there(1, "r1", "enabled");
        change(&mut found);
        match steps(&known, &[found]).as_slice() {
            [Step::Recreate { why: Why::Changed(what), .. }] => Some(*what),
            [Step::Keep { .. }] => None,
            other => panic!("{other:?}"),
        }
    };
    let put = |inputs: &mut BTreeMap<String, String>, name: &str, value: &str| {
        inputs.insert(name.to_owned(), value.to_owned());
    };
    assert!(changed(&|found| put(&mut found.publisher_inputs, "repository", "only-this")).unwrap().contains("filter"));
    assert!(changed(&|found| put(&mut found.publisher_inputs, "notificationType", "PushNotification")).unwrap().contains("something else"));
    assert!(changed(&|found| put(&mut found.publisher_inputs, "projectId", "another")).unwrap().contains("something else"));
    assert!(changed(&|found| put(&mut found.consumer_inputs, "resourceDetailsToSend", "minimal")).unwrap().contains("details"));
    assert!(changed(&|found| put(&mut found.consumer_inputs, "basicAuthUsername", "kanado")).unwrap().contains("user name"));
    assert!(changed(&|found| found.resource_version = Some("2.0".to_owned())).unwrap().contains("version"));
    for harmless in [
        (&|found: &mut HookSubscription| put(&mut found.publisher_inputs, "hostId", "77777777")) as &dyn Fn(&mut HookSubscription),
        &|found| put(&mut found.publisher_inputs, "branch", ""),
        &|found| put(&mut found.publisher_inputs, "projectId", &PROJECT.to_uppercase()),
        &|found| put(&mut found.consumer_inputs, "resourceDetailsToSend", "all"),
        &|found| found.resource_version = None,
        &|found| found.url = found.url.as_ref().map(|url| format!("{url}/")),
        &|found| {
            found.consumer_inputs.remove("basicAuthUsername");
        },
    ] {
        assert_eq!(changed(harmless), None);
    }
}

#[test]
fn a_new_address_of_the_receiver_moves_every_webhook() {
    let mut known = row(1, Some("r1"), SubscriptionState::Enabled);
    let mut found = there(1, "r1", "enabled");
    known.row.url = address("https://before.example.com", &project(), VOTE);
    found.url = Some(known.row.url.clone());
    let done = steps(&[known], &[found]);
    let why = Why::Changed("it delivers to another address");
    assert_eq!(done, [Step::Recreate { purpose: VOTE, why, old: vec![old(Some(1), "r1", true)], stale: vec![] }]);
}

#[test]
fn one_that_somebody_pointed_elsewhere_is_theirs_now() {
    let mut found = there(1, "r1", "enabled");
    found.url = Some("https://elsewhere.example.com/hook".to_owned());
    let done = steps(&[row(1, Some("r1"), SubscriptionState::Enabled)], &[found]);
    assert_eq!(done, [Step::Create { purpose: VOTE, stale: vec![1] }]);
}

#[test]
fn a_secret_that_is_not_accepted_any_more_is_replaced() {
    let mut known = row(1, Some("r1"), SubscriptionState::Enabled);
    known.user = None;
    let mut found = there(1, "r1", "enabled");
    found.consumer_inputs.remove("basicAuthUsername");
    assert!(matches!(steps(&[known], &[found]).as_slice(), [Step::Recreate { why: Why::Changed(_), .. }]));
}

#[test]
fn a_rotation_renews_what_is_older_than_it_and_nothing_twice() {
    let known = [row(1, Some("r1"), SubscriptionState::Enabled)];
    let remote = Remote { subscriptions: vec![there(1, "r1", "enabled")], ..Remote::default() };
    let rotation = |moment| plan(&[want(VOTE)], &known, &remote, BASE, Some(moment));
    assert_eq!(rotation(at(2)), [Step::Recreate { purpose: VOTE, why: Why::Rotation, old: vec![old(Some(1), "r1", true)], stale: vec![] }]);
    assert_eq!(rotation(at(1)), [Step::Keep { purpose: VOTE, row: 1 }]);
}

#[test]
fn hooks_of_others_that_deliver_here_are_told_and_never_touched() {
    let by_hand = |change: &dyn Fn(&mut HookSubscription)| {
        let mut found = there(1, "theirs", "enabled");
        found.consumer_inputs.insert("basicAuthUsername".to_owned(), "kanado".to_owned());
        change(&mut found);
        steps(&[], &[found])
    };
    let elsewhere = |url: &'static str| move |found: &mut HookSubscription| found.url = Some(url.to_owned());
    // Exactly what we would make, but made by a person: there are two then, and theirs stays.
    for done in [
        by_hand(&|_| {}),
        by_hand(&|found| found.url = Some(format!("{BASE}/api/webhooks/ado/{PROJECT}"))),
        by_hand(&elsewhere("https://kanado.example.com/v1/azure/webhook/boards")),
        by_hand(&elsewhere("https://kanado.example.com/mistyped")),
        // Another project's, at this one's address.
        by_hand(&|found| {
            found.publisher_inputs.insert("projectId".to_owned(), "another".to_owned());
        }),
    ] {
        assert!(matches!(done.as_slice(), [Step::Create { .. }, Step::Foreign { .. }]), "{done:?}");
        assert!(!done[1].changes());
    }
    // Elsewhere, or another project's at its own address: nobody's business here.
    for done in [
        by_hand(&elsewhere("https://hooks.chat.example.com/services/T0/B0/x")),
        by_hand(&|found| {
            found.publisher_inputs.insert("projectId".to_owned(), "another".to_owned());
            found.url = Some(format!("{BASE}/api/webhooks/ado/another/pull-request-vote"));
        }),
    ] {
        assert_eq!(done, [Step::Create { purpose: VOTE, stale: vec![] }]);
    }
}

#[test]
fn what_is_not_published_here_is_left_out_with_words() {
    let release = Purpose::DeploymentCompleted;
    let wanted = [want(VOTE), want(release)];
    let remote = Remote { events: vec!["git.pullrequest.updated".to_owned()], ..Remote::default() };
    let done = plan(&wanted, &[], &remote, BASE, None);
    assert!(matches!(&done[0], Step::Create { .. }));
    assert!(matches!(&done[1], Step::Skip { purpose, why } if *purpose == release && why.contains("not published")), "{done:?}");
    // Where it is not told what is published, trying will tell.
    assert!(plan(&wanted, &[], &Remote::default(), BASE, None).iter().all(|step| matches!(step, Step::Create { .. })));
}

#[test]
fn nothing_is_changed_of_a_publisher_that_could_not_be_asked() {
    let release = Purpose::DeploymentCompleted;
    let mut known = row(1, Some("r1"), SubscriptionState::Enabled);
    known.row.purpose = release;
    let unavailable = vec![(Publisher::ReleaseManagement, "no connection".to_owned())];
    let remote = Remote { unavailable, ..Remote::default() };
    let done = plan(&[want(release)], &[known], &remote, BASE, None);
    assert_eq!(done, [Step::Leave { purpose: release, why: "no connection".to_owned() }]);
    let done = plan(&[want(release)], &[], &remote, BASE, None);
    assert_eq!(done, [Step::Skip { purpose: release, why: "no connection".to_owned() }]);
}

#[test]
fn a_full_set_registers_each_purpose_once() {
    let wanted: Vec<Wanted> = Purpose::ALL.into_iter().map(want).collect();
    let done = plan(&wanted, &[], &Remote::default(), BASE, None);
    assert_eq!(done.len(), Purpose::ALL.len());
    let urls: std::collections::BTreeSet<&str> = wanted.iter().map(|want| want.hook.url.as_str()).collect();
    assert_eq!(urls.len(), Purpose::ALL.len(), "each purpose has an address of its own");
}
