//! Organisations and collections: each with its own URL and, elsewhere, its own token.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, next};
use crate::domain::change::Change;
use crate::domain::id::{Guid, OrganisationId};
use crate::domain::person::Identity;
use crate::domain::project::{Deployment, Organisation};

/// An organisation whose connection was just checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganisation {
    pub name: String,
    /// Base URL; a trailing slash is dropped.
    pub url: String,
    pub deployment: Deployment,
    pub instance: Option<Guid>,
    pub me: Option<Identity>,
}

macro_rules! columns {
    () => {
        "id, name, url, deployment, instance, me_id, me_display_name, me_unique_name, checked_at"
    };
}

queries! {
    ALL = concat!("SELECT ", columns!(), " FROM organisations ORDER BY name, id");
    BY_ID = concat!("SELECT ", columns!(), " FROM organisations WHERE id = $1");
    BY_URL = concat!("SELECT ", columns!(), " FROM organisations WHERE url = $1");
    PUT = "INSERT INTO organisations (id, name, url, deployment, instance, me_id, me_display_name, me_unique_name, checked_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (url) DO UPDATE SET name = excluded.name, \
        deployment = excluded.deployment, instance = excluded.instance, me_id = excluded.me_id, \
        me_display_name = excluded.me_display_name, me_unique_name = excluded.me_unique_name, checked_at = excluded.checked_at";
}

fn read(row: &AnyRow) -> Result<Organisation> {
    let me = match row.maybe_text("me_id")? {
        Some(id) => Some(Identity {
            id: Guid::new(id),
            display_name: row.maybe_text("me_display_name")?.unwrap_or_default(),
            unique_name: row.maybe_text("me_unique_name")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Organisation {
        id: OrganisationId(row.int("id")?),
        name: row.text("name")?,
        url: row.text("url")?,
        deployment: row.word("deployment")?,
        instance: row.maybe_text("instance")?.map(Guid::new),
        me,
        checked_at: row.maybe_instant("checked_at")?,
    })
}

async fn by_id(conn: &mut AnyConnection, id: OrganisationId) -> Result<Option<Organisation>> {
    sqlx::query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

impl Store {
    pub async fn organisations(&self) -> Result<Vec<Organisation>> {
        self.attempt("read the organisations", async {
            sqlx::query(ALL).fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    pub async fn organisation(&self, id: OrganisationId) -> Result<Option<Organisation>> {
        self.attempt("read an organisation", async { by_id(&mut *self.reader().await?, id).await }).await
    }

    /// Keeps an organisation, found again by its URL. Refused when that URL answered for another instance before: its rows would
    /// be mixed with those of a stranger.
    pub async fn put_organisation(&self, new: &NewOrganisation, now: Timestamp) -> Result<Organisation> {
        self.attempt(format!("keep the organisation {}", new.name), async {
            let url = new.url.trim_end_matches('/');
            let mut writing = self.writing_on(Hold::Shared).await?;
            let known = sqlx::query(BY_URL).bind(url).fetch_optional(writing.conn()).await?.as_ref().map(read).transpose()?;
            if let Some(Organisation { instance: Some(before), .. }) = &known
                && let Some(after) = &new.instance
                && before != after
            {
                return Err(Error::refused(
                    format!("{url} now answers for another organisation ({after}) than before ({before})"),
                    "check the URL; if the organisation was really replaced, begin a new store with --data-dir",
                ));
            }
            let id = match &known {
                Some(known) => known.id.0,
                None => next(writing.conn(), "organisations").await?,
            };
            // A later check that learnt less must not forget what an earlier one knew.
            let instance = new.instance.clone().or(known.as_ref().and_then(|known| known.instance.clone()));
            let me = new.me.clone().or(known.and_then(|known| known.me));
            sqlx::query(PUT)
                .bind(id)
                .bind(&*new.name)
                .bind(url)
                .bind(new.deployment.to_word())
                .bind(instance.as_ref().map(|guid| guid.as_str().to_owned()))
                .bind(me.as_ref().map(|me| me.id.as_str().to_owned()))
                .bind(me.as_ref().map(|me| me.display_name.clone()))
                .bind(me.as_ref().map(|me| me.unique_name.clone()))
                .bind(now.as_millisecond())
                .execute(writing.conn())
                .await?;
            let kept = by_id(writing.conn(), OrganisationId(id)).await?.ok_or_else(|| Error::Missing(format!("organisation {id}")))?;
            writing.announce(Change::Organisation(kept.id));
            self.commit(writing).await?;
            Ok(kept)
        })
        .await
    }
}
