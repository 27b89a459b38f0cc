//! Who may deliver, and what was registered: digests of secrets, subscriptions and projects that were taken off the board.
//!
//! Limits: a secret itself never comes here, only its SHA-256. The row of a subscription is written, with the digest of its secret,
//! before the request that makes it; whoever finds it in the state `making` asks Azure DevOps what became of it.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, next};
use crate::domain::change::Change;
use crate::domain::hook::{Purpose, Subscription, SubscriptionState};
use crate::domain::id::{Guid, ProjectId};

impl Word for SubscriptionState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Making, "making"),
        (Self::Enabled, "enabled"),
        (Self::OnProbation, "on_probation"),
        (Self::DisabledByUser, "disabled_by_user"),
        (Self::DisabledBySystem, "disabled_by_system"),
        (Self::DisabledByInactiveIdentity, "disabled_by_inactive_identity"),
        (Self::Missing, "missing"),
        (Self::Removing, "removing"),
    ];
}

macro_rules! columns {
    () => {
        "id, project, purpose, remote, url, state, problem, identity, created_at, verified_at, checked_at"
    };
}

queries! {
    ACCEPTED = "SELECT s.project AS project, s.subscription AS subscription, s.digest AS digest, p.guid AS guid, \
        CASE WHEN p.removed_at IS NULL THEN 0 ELSE 1 END AS removed \
        FROM hook_secrets s JOIN projects p ON p.id = s.project WHERE s.expires_at IS NULL OR s.expires_at > $1 ORDER BY s.id";
    ADD_SECRET = "INSERT INTO hook_secrets (id, project, subscription, digest, created_at) VALUES ($1, $2, $3, $4, $5)";
    EXPIRE_SHOWN = "UPDATE hook_secrets SET expires_at = $2 WHERE project = $1 AND subscription IS NULL \
        AND (expires_at IS NULL OR expires_at > $2)";
    DROP_SHOWN = "DELETE FROM hook_secrets WHERE project = $1 AND subscription IS NULL";
    DROP_EXPIRED = "DELETE FROM hook_secrets WHERE project = $1 AND expires_at <= $2";
    SHOWN = "SELECT created_at, expires_at FROM hook_secrets WHERE project = $1 AND subscription IS NULL ORDER BY id";
    DROP_SECRET_OF = "DELETE FROM hook_secrets WHERE subscription = $1";
    OF_PROJECT = concat!("SELECT ", columns!(), " FROM subscriptions WHERE project = $1 ORDER BY id");
    IN_STATE = concat!("SELECT ", columns!(), " FROM subscriptions WHERE state = $1 ORDER BY project, id");
    BY_ID = concat!("SELECT ", columns!(), " FROM subscriptions WHERE id = $1");
    INPUTS = "SELECT inputs FROM subscriptions WHERE id = $1";
    BEGIN = "INSERT INTO subscriptions (id, project, purpose, url, inputs, state, identity, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    MADE = "UPDATE subscriptions SET remote = $2, state = $3, problem = NULL, checked_at = $4 WHERE id = $1";
    SET_STATE = "UPDATE subscriptions SET state = $2, problem = $3, checked_at = $4 WHERE id = $1";
    VERIFIED = "UPDATE subscriptions SET verified_at = $2 WHERE id = $1";
    DROP = "DELETE FROM subscriptions WHERE id = $1";
    REMOVE_PROJECT = "UPDATE projects SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL";
    RESTORE_PROJECT = "UPDATE projects SET removed_at = NULL WHERE id = $1";
    ALL_REMOVING = "UPDATE subscriptions SET state = 'removing' WHERE project = $1";
}

/// A digest that opens a project's door.
#[derive(Clone, PartialEq, Eq)]
pub struct AcceptedSecret {
    pub project: ProjectId,
    /// The project's id at Azure DevOps, as it stands in the receiver's path.
    pub guid: Guid,
    pub digest: [u8; 32],
    /// The subscription it was made for; absent for one that a person was shown.
    pub subscription: Option<i64>,
    /// The project was taken off the board.
    pub removed: bool,
}

impl fmt::Debug for AcceptedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedSecret").field("project", &self.project).field("removed", &self.removed).finish_non_exhaustive()
    }
}

/// A secret that a person was shown, without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ShownSecret {
    pub created_at: Timestamp,
    /// The end of a rotation's overlap; absent for the one in use.
    pub expires_at: Option<Timestamp>,
}

/// A subscription about to be asked for.
#[derive(Clone)]
pub struct NewSubscription {
    pub project: ProjectId,
    pub purpose: Purpose,
    pub url: String,
    /// What will be asked for, as JSON without the secret.
    pub inputs: String,
    /// Of the secret that the subscription will present.
    pub digest: [u8; 32],
    /// The account that asks.
    pub identity: Option<String>,
}

fn missing(id: i64) -> Error {
    Error::Missing(format!("subscription number {id}"))
}

fn hex(digest: &[u8; 32]) -> String {
    use fmt::Write as _;
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn read(row: &AnyRow) -> Result<Subscription> {
    let purpose = row.borrowed("purpose")?;
    Ok(Subscription {
        id: row.int("id")?,
        project: ProjectId(row.int("project")?),
        purpose: Purpose::parse(purpose).ok_or_else(|| Error::unreadable(format!("purpose of a subscription: {purpose}")))?,
        remote: row.maybe_text("remote")?.map(Guid::new),
        url: row.text("url")?,
        state: row.word("state")?,
        problem: row.maybe_text("problem")?,
        identity: row.maybe_text("identity")?,
        created_at: row.instant("created_at")?,
        verified_at: row.maybe_instant("verified_at")?,
        checked_at: row.maybe_instant("checked_at")?,
    })
}

/// The subscriptions of a project, oldest first.
pub(super) async fn of_project(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<Subscription>> {
    sqlx::query(OF_PROJECT).bind(project.0).fetch_all(conn).await?.iter().map(read).collect()
}

async fn by_id(conn: &mut AnyConnection, id: i64) -> Result<Subscription> {
    sqlx::query(BY_ID).bind(id).fetch_optional(conn).await?.as_ref().map(read).transpose()?.ok_or_else(|| missing(id))
}

async fn insert_secret(
    conn: &mut AnyConnection,
    project: ProjectId,
    subscription: Option<i64>,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<()> {
    let id = next(conn, "hook_secrets").await?;
    sqlx::query(ADD_SECRET).bind(id).bind(project.0).bind(subscription).bind(hex(digest)).bind(now.as_millisecond()).execute(conn).await?;
    Ok(())
}

impl Store {
    /// Every digest that is accepted at this moment, of all projects, those taken off the board too.
    pub async fn accepted_secrets(&self, now: Timestamp) -> Result<Vec<AcceptedSecret>> {
        self.attempt("read which webhook secrets are accepted", async {
            let rows = sqlx::query(ACCEPTED).bind(now.as_millisecond()).fetch_all(&mut *self.reader().await?).await?;
            rows.iter()
                .map(|row| {
                    Ok(AcceptedSecret {
                        project: ProjectId(row.int("project")?),
                        guid: Guid::new(row.borrowed("guid")?),
                        digest: digest(row.borrowed("digest")?).ok_or_else(|| Error::unreadable("digest of a webhook secret"))?,
                        subscription: row.maybe_int("subscription")?,
                        removed: row.flag("removed")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Accepts a secret: one that a person is about to be shown, or one made up for a subscription.
    pub async fn add_secret(&self, project: ProjectId, digest: &[u8; 32], subscription: Option<i64>, now: Timestamp) -> Result<()> {
        self.attempt("keep the digest of a webhook secret", async {
            let mut writing = self.writing().await?;
            insert_secret(writing.conn(), project, subscription, digest, now).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// Accepts a new shown secret, and the old ones until a moment: both or neither. What has run out already is dropped.
    pub async fn rotate_shown_secret(&self, project: ProjectId, digest: &[u8; 32], old_until: Timestamp, now: Timestamp) -> Result<()> {
        self.attempt("keep the digest of a new webhook secret", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            sqlx::query(EXPIRE_SHOWN).bind(project.0).bind(old_until.as_millisecond()).execute(writing.conn()).await?;
            sqlx::query(DROP_EXPIRED).bind(project.0).bind(now.as_millisecond()).execute(writing.conn()).await?;
            insert_secret(writing.conn(), project, None, digest, now).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// Refuses every shown secret at once; says how many there were.
    pub async fn revoke_shown_secrets(&self, project: ProjectId) -> Result<u64> {
        self.attempt("revoke the shown webhook secrets", async {
            let mut writing = self.writing().await?;
            let dropped = sqlx::query(DROP_SHOWN).bind(project.0).execute(writing.conn()).await?.rows_affected();
            writing.announce(Change::Hooks(project));
            self.commit(writing).await?;
            Ok(dropped)
        })
        .await
    }

    /// The secrets that persons were shown, oldest first, those that ran out too.
    pub async fn shown_secrets(&self, project: ProjectId) -> Result<Vec<ShownSecret>> {
        self.attempt("read the shown webhook secrets", async {
            let rows = sqlx::query(SHOWN).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            rows.iter()
                .map(|row| Ok(ShownSecret { created_at: row.instant("created_at")?, expires_at: row.maybe_instant("expires_at")? }))
                .collect()
        })
        .await
    }

    /// Writes down that a subscription is about to be made, and accepts its secret from now on.
    pub async fn begin_subscription(&self, new: &NewSubscription, now: Timestamp) -> Result<Subscription> {
        self.attempt(format!("write down the subscription for {}", new.purpose.word()), async {
            let mut writing = self.writing().await?;
            let id = next(writing.conn(), "subscriptions").await?;
            sqlx::query(BEGIN)
                .bind(id)
                .bind(new.project.0)
                .bind(new.purpose.word())
                .bind(&*new.url)
                .bind(&*new.inputs)
                .bind(SubscriptionState::Making.to_word())
                .bind(new.identity.as_deref())
                .bind(now.as_millisecond())
                .execute(writing.conn())
                .await?;
            insert_secret(writing.conn(), new.project, Some(id), &new.digest, now).await?;
            let begun = by_id(writing.conn(), id).await?;
            writing.announce(Change::Hooks(new.project));
            self.commit(writing).await?;
            Ok(begun)
        })
        .await
    }

    /// Azure DevOps answered: the subscription exists and is enabled.
    pub async fn made_subscription(&self, id: i64, remote: &Guid, now: Timestamp) -> Result<()> {
        self.attempt("keep the id of a subscription", async {
            let mut writing = self.writing().await?;
            let project = by_id(writing.conn(), id).await?.project;
            let enabled = SubscriptionState::Enabled.to_word();
            sqlx::query(MADE).bind(id).bind(remote.as_str()).bind(enabled).bind(now.as_millisecond()).execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// How a subscription was found to stand.
    pub async fn set_subscription_state(&self, id: i64, state: SubscriptionState, problem: Option<&str>, now: Timestamp) -> Result<()> {
        self.attempt("keep the state of a subscription", async {
            let mut writing = self.writing().await?;
            let project = by_id(writing.conn(), id).await?.project;
            sqlx::query(SET_STATE).bind(id).bind(state.to_word()).bind(problem).bind(now.as_millisecond()).execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// A test notification of the subscription arrived.
    pub async fn verified_subscription(&self, id: i64, now: Timestamp) -> Result<()> {
        self.attempt("write down that a subscription works", async {
            let mut writing = self.writing().await?;
            let project = by_id(writing.conn(), id).await?.project;
            sqlx::query(VERIFIED).bind(id).bind(now.as_millisecond()).execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// Forgets a subscription that is gone, its secret with it. One that is not known is forgotten already.
    pub async fn drop_subscription(&self, id: i64) -> Result<()> {
        self.attempt("forget a subscription", async {
            let mut writing = self.writing().await?;
            let project = match by_id(writing.conn(), id).await {
                Ok(known) => known.project,
                Err(Error::Missing(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            sqlx::query(DROP_SECRET_OF).bind(id).execute(writing.conn()).await?;
            sqlx::query(DROP).bind(id).execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// What was registered for a project, oldest first.
    pub async fn subscriptions(&self, project: ProjectId) -> Result<Vec<Subscription>> {
        self.attempt("read the subscriptions", async { of_project(&mut *self.reader().await?, project).await }).await
    }

    /// The subscriptions of all projects, those taken off the board too, that are still to be deleted at Azure DevOps.
    pub async fn removing_subscriptions(&self) -> Result<Vec<Subscription>> {
        self.attempt("read which subscriptions are to be deleted", async {
            let removing = SubscriptionState::Removing.to_word();
            sqlx::query(IN_STATE).bind(removing).fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    /// What was asked for when a subscription was made, as JSON without the secret.
    pub async fn subscription_inputs(&self, id: i64) -> Result<String> {
        self.attempt("read what a subscription was asked for with", async {
            sqlx::query_scalar(INPUTS).bind(id).fetch_optional(&mut *self.reader().await?).await?.ok_or_else(|| missing(id))
        })
        .await
    }

    /// Takes a project off the board, and marks all its subscriptions for removal. Its tickets stay; [`Store::restore_project`] brings
    /// it back. What it was shown for a secret stays known, so that a hook that a person made by hand can be told that nobody listens.
    pub async fn remove_project(&self, project: ProjectId, now: Timestamp) -> Result<()> {
        self.attempt("take a project off the board", async {
            let mut writing = self.writing().await?;
            let done = sqlx::query(REMOVE_PROJECT).bind(project.0).bind(now.as_millisecond()).execute(writing.conn()).await?;
            if done.rows_affected() == 0 && super::projects::by_id(writing.conn(), project).await?.is_none() {
                return Err(super::projects::missing(project));
            }
            sqlx::query(ALL_REMOVING).bind(project.0).execute(writing.conn()).await?;
            writing.announce(Change::Project(project));
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// Puts a project back that was taken off the board. Its webhooks are registered anew by who restores it.
    pub async fn restore_project(&self, project: ProjectId) -> Result<()> {
        self.attempt("put a project back on the board", async {
            let mut writing = self.writing().await?;
            let done = sqlx::query(RESTORE_PROJECT).bind(project.0).execute(writing.conn()).await?;
            if done.rows_affected() == 0 {
                return Err(super::projects::missing(project));
            }
            writing.announce(Change::Project(project));
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_back_and_nothing_else_is_one() {
        let bytes: [u8; 32] = std::array::from_fn(|index| (index * 37 % 256) as u8);
        assert_eq!(digest(&hex(&bytes)), Some(bytes));
        for text in ["", "00", &"g".repeat(64), &"ü".repeat(32)] {
            assert_eq!(digest(text), None, "{text}");
        }
    }

    #[test]
    fn states_are_kept_as_the_words_of_their_json() {
        for (state, word) in SubscriptionState::WORDS {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{word}\""));
        }
    }
}
