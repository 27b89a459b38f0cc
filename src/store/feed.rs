//! Hearing on PostgreSQL what other processes commit, for as long as somebody subscribes.
//!
//! Each write sends its changes with `pg_notify` inside its transaction, under the sender's name; a task listens on a connection of its
//! own and announces what others sent. Where notifications do not come through (a pooler that hands connections round keeps nobody's
//! `LISTEN`), the server's own counter of transactions is looked at instead: less exact, since other databases move it too.
//!
//! Limits: while the connection is lost nothing is heard; [`Change::Elsewhere`] at its end and afterwards makes everybody read everything
//! again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::AnyConnection;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::connect::{Feed, Target};
use super::error::Result;
use super::{Inner, watch};
use crate::domain::change::Change;
use crate::domain::id::{OrganisationId, ProjectId, RepositoryId, TicketKey};

/// How often it is looked whether anybody still subscribes.
const LOOK: Duration = Duration::from_millis(200);
/// How long a notification to oneself may take before notifications are taken to be lost.
const ECHO: Duration = Duration::from_secs(3);
/// How often it is tried whether notifications still come: a connection can die without a sound.
const TRY_EVERY: Duration = Duration::from_secs(30);
/// Between two looks at the counter of transactions.
const COUNT_EVERY: Duration = Duration::from_millis(400);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// PostgreSQL takes less than 8000 bytes.
const MOST_BYTES: usize = 7_000;
const ELSEWHERE: &str = "elsewhere";
const ECHO_WORD: &str = "echo";

postgres_queries! {
    NOTIFY = "SELECT pg_notify($1, $2)";
    COUNTER = "SELECT CAST(txid_current_snapshot() AS TEXT)";
}

/// The channel of a schema: other stores in the same database have theirs.
pub(super) fn channel(schema: i64) -> String {
    format!("kanado_{schema}")
}

/// A change in words without `;`.
fn word(change: &Change) -> String {
    match change {
        Change::Organisation(id) => format!("organisation {id}"),
        Change::Project(id) => format!("project {id}"),
        Change::Ticket { project, key } => format!("ticket {project} {key}"),
        Change::Tickets(id) => format!("tickets {id}"),
        Change::PullRequest { repository, number } => format!("pull_request {repository} {number}"),
        Change::PullRequests(id) => format!("pull_requests {id}"),
        Change::Members(id) => format!("members {id}"),
        Change::Repositories(id) => format!("repositories {id}"),
        Change::Settings => "settings".to_owned(),
        Change::Deliveries(id) => format!("deliveries {id}"),
        Change::Facts(id) => format!("facts {id}"),
        Change::Hooks(id) => format!("hooks {id}"),
        Change::Elsewhere => ELSEWHERE.to_owned(),
    }
}

/// What a newer version says and this one does not know is some change all the same.
fn change(word: &str) -> Change {
    known(word).unwrap_or(Change::Elsewhere)
}

fn known(word: &str) -> Option<Change> {
    let mut parts = word.split(' ');
    let kind = parts.next()?;
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    Some(match kind {
        "organisation" => Change::Organisation(OrganisationId(number()?)),
        "project" => Change::Project(ProjectId(number()?)),
        "ticket" => Change::Ticket { project: ProjectId(number()?), key: TicketKey::parse(parts.next()?).ok()? },
        "tickets" => Change::Tickets(ProjectId(number()?)),
        "pull_request" => Change::PullRequest { repository: RepositoryId(number()?), number: number()? },
        "pull_requests" => Change::PullRequests(ProjectId(number()?)),
        "members" => Change::Members(ProjectId(number()?)),
        "repositories" => Change::Repositories(ProjectId(number()?)),
        "settings" => Change::Settings,
        "deliveries" => Change::Deliveries(ProjectId(number()?)),
        "facts" => Change::Facts(ProjectId(number()?)),
        "hooks" => Change::Hooks(ProjectId(number()?)),
        _ => return None,
    })
}

/// `SENDER;CHANGE;CHANGE...`
fn payload(sender: &str, changes: &[Change]) -> String {
    let mut text = sender.to_owned();
    for change in changes {
        text.push(';');
        text.push_str(&word(change));
    }
    if text.len() > MOST_BYTES { format!("{sender};{ELSEWHERE}") } else { text }
}

/// Tells the other processes, once the transaction is committed.
pub(super) async fn send(conn: &mut AnyConnection, schema: i64, sender: &str, changes: &[Change]) -> Result<()> {
    if !changes.is_empty() {
        sqlx::query(NOTIFY).bind(channel(schema)).bind(payload(sender, changes)).execute(conn).await?;
    }
    Ok(())
}

/// Why a time of listening ended.
enum End {
    /// Nobody subscribes, or the store is gone.
    Done,
    /// The connection was lost, or was never there.
    Lost,
    /// The server takes our `LISTEN`, and yet nothing comes.
    Deaf,
}

/// Whether anybody still wants to hear. Holds the store only while it looks.
fn wanted(inner: &Weak<Inner>) -> bool {
    inner.upgrade().is_some_and(|inner| watch::is_wanted(&inner))
}

fn announce(inner: &Weak<Inner>, change: Change) {
    if let Some(inner) = inner.upgrade() {
        let _ = inner.changes.send(change);
    }
}

pub(super) async fn follow(inner: Weak<Inner>, feed: Feed) {
    let mut pause = FIRST_PAUSE;
    let mut end = match feed {
        Feed::Listen => End::Lost,
        #[cfg(test)]
        Feed::Look => End::Deaf,
    };
    loop {
        end = match end {
            End::Done => return,
            End::Deaf => {
                tracing::info!("notifications of the database do not come through; looking at its counter instead");
                count(&inner).await
            }
            End::Lost => {
                let began = Instant::now();
                let end = listen(&inner).await;
                if began.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                end
            }
        };
        if matches!(end, End::Lost) {
            let until = Instant::now() + pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
            while Instant::now() < until {
                if !wanted(&inner) {
                    return;
                }
                sleep(LOOK.min(pause)).await;
            }
        }
    }
}

/// The reading end, as a task: a wait that is given up could lose half a message.
struct Reader {
    heard: mpsc::UnboundedReceiver<PgNotification>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(inner: &Weak<Inner>) -> Option<Reader> {
    let (options, channel) = {
        let inner = inner.upgrade()?;
        let Target::Server(server) = &inner.target else { return None };
        (server.options(), channel(inner.schema.number))
    };
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(LONGEST_PAUSE).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&pool).await.ok()?;
    listener.eager_reconnect(false);
    listener.listen(&channel).await.ok()?;
    let (sender, heard) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        // The end of the channel says that the connection was lost.
        while let Ok(Some(notification)) = listener.try_recv().await {
            if sender.send(notification).is_err() {
                return;
            }
        }
    });
    Some(Reader { heard, task })
}

async fn listen(inner: &Weak<Inner>) -> End {
    let Some(mut reader) = connect(inner).await else { return End::Lost };
    let echo = format!("{ECHO_WORD} {}", uuid::Uuid::new_v4());
    let mut tried = Instant::now();
    let mut echoed = false;
    if !call(inner, &echo).await {
        return End::Lost;
    }
    // What was committed before the first word that is heard here is known to nobody.
    announce(inner, Change::Elsewhere);
    loop {
        if !wanted(inner) {
            return End::Done;
        }
        match timeout(LOOK, reader.heard.recv()).await {
            Ok(None) => {
                // Whoever reads now finds out whether the server is gone, instead of taking its silence for peace.
                announce(inner, Change::Elsewhere);
                return End::Lost;
            }
            Ok(Some(notification)) => {
                if notification.payload() == echo {
                    echoed = true;
                } else {
                    pass_on(inner, notification.payload());
                }
            }
            Err(_) if !echoed && tried.elapsed() > ECHO => return if reader.task.is_finished() { End::Lost } else { End::Deaf },
            Err(_) if echoed && tried.elapsed() > TRY_EVERY => {
                (tried, echoed) = (Instant::now(), false);
                if !call(inner, &echo).await {
                    return End::Lost;
                }
            }
            Err(_) => {}
        }
    }
}

/// Notifies ourselves over one of the ordinary connections.
async fn call(inner: &Weak<Inner>, word: &str) -> bool {
    let Some(inner) = inner.upgrade() else { return false };
    let query = sqlx::query(NOTIFY).bind(channel(inner.schema.number)).bind(word.to_owned());
    query.execute(&inner.writer).await.is_ok()
}

/// Announces what somebody else sent.
fn pass_on(inner: &Weak<Inner>, payload: &str) {
    let Some(inner) = inner.upgrade() else { return };
    let mut parts = payload.split(';');
    if parts.next().is_none_or(|sender| sender == inner.name || sender.starts_with(ECHO_WORD)) {
        return;
    }
    for word in parts {
        // Nobody listening is no failure.
        let _ = inner.changes.send(change(word));
    }
}

/// Looks at the counter of transactions, until nobody wants to know.
async fn count(inner: &Weak<Inner>) -> End {
    let mut seen: Option<String> = None;
    loop {
        if !wanted(inner) {
            return End::Done;
        }
        let Some(strong) = inner.upgrade() else { return End::Done };
        let answer = sqlx::query_scalar::<_, String>(COUNTER).fetch_one(&strong.readers).await;
        drop(strong);
        match answer {
            Ok(found) if seen.as_ref() == Some(&found) => {}
            Ok(found) => {
                announce(inner, Change::Elsewhere);
                seen = Some(found);
            }
            Err(_) => return End::Lost,
        }
        sleep(COUNT_EVERY).await;
    }
}

/// Starts following on the current runtime.
pub(super) fn start(inner: &Arc<Inner>, runtime: &tokio::runtime::Handle) {
    debug_assert!(inner.watching.running.load(Ordering::Acquire));
    runtime.spawn(follow(Arc::downgrade(inner), inner.feed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_survives_its_journey() {
        let key = TicketKey::parse("LUM-7").unwrap();
        let changes = [
            Change::Organisation(OrganisationId(1)),
            Change::Project(ProjectId(2)),
            Change::Ticket { project: ProjectId(2), key },
            Change::Tickets(ProjectId(2)),
            Change::PullRequest { repository: RepositoryId(3), number: 4 },
            Change::PullRequests(ProjectId(2)),
            Change::Members(ProjectId(2)),
            Change::Repositories(ProjectId(2)),
            Change::Settings,
            Change::Deliveries(ProjectId(2)),
            Change::Facts(ProjectId(2)),
            Change::Hooks(ProjectId(2)),
            Change::Elsewhere,
        ];
        let payload = payload("me", &changes);
        let mut parts = payload.split(';');
        assert_eq!(parts.next(), Some("me"));
        assert_eq!(parts.map(change).collect::<Vec<_>>(), changes);
    }

    #[test]
    fn what_is_not_understood_means_that_something_changed() {
        for word in ["", "moon 3", "ticket 3", "ticket x LUM-1", "project", "project 99999999999999999999"] {
            assert_eq!(change(word), Change::Elsewhere, "{word}");
        }
    }

    #[test]
    fn more_changes_than_a_message_holds_become_one_word() {
        let many: Vec<Change> = (0..10_000).map(|id| Change::Project(ProjectId(id))).collect();
        assert_eq!(payload("me", &many), "me;elsewhere");
    }
}
