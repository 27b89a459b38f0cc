//! What is known of the branch policies that want approvals, kept with the settings of each project: flows are made with it.
//!
//! [`Approvals`] has the rules; the flows of a project are made again when these change. It is kept by whoever collects, in one
//! transaction with the page that it came with; what is left of the flows after an interruption is made by the next pass.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::column::{Columns as _, json};
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::{Store, histories};
use crate::domain::id::ProjectId;
use crate::metrics::approvals::{Approvals, Found, Knowledge};

/// The project's setting that has it.
const SETTING: &str = "approvals";

queries! {
    KNOWN = "SELECT value FROM project_settings WHERE project = $1 AND name = $2";
    ALL_KNOWN = "SELECT project, value FROM project_settings WHERE name = $1";
    PUT = "INSERT INTO project_settings (project, name, value) VALUES ($1, $2, $3) ON CONFLICT (project, name) DO UPDATE \
        SET value = excluded.value";
}

/// The part of [`Approvals`] that figures need.
#[derive(Deserialize)]
struct Standing {
    knowledge: Knowledge,
}

/// What is known of a project's policies. What another version wrote and this one can't read is not known: it is asked for again.
pub(super) async fn of(conn: &mut AnyConnection, project: ProjectId) -> Result<Approvals> {
    let value: Option<String> = sqlx::query_scalar(KNOWN).bind(project.0).bind(SETTING).fetch_optional(conn).await?;
    Ok(value.and_then(|value| serde_json::from_str(&value).ok()).unwrap_or_default())
}

/// Of which projects it is known how many approvals are wanted.
pub(super) async fn knowledge(conn: &mut AnyConnection) -> Result<HashMap<ProjectId, Knowledge>> {
    let mut known = HashMap::new();
    for row in sqlx::query(ALL_KNOWN).bind(SETTING).fetch_all(conn).await? {
        let standing: Option<Standing> = serde_json::from_str(row.borrowed("value")?).ok();
        known.insert(ProjectId(row.int("project")?), standing.map(|standing| standing.knowledge).unwrap_or_default());
    }
    Ok(known)
}

impl Store {
    /// What is known of a project's policies.
    pub async fn approvals(&self, project: ProjectId) -> Result<Approvals> {
        self.attempt("read how many approvals branches want", async { of(&mut *self.reader().await?, project).await }).await
    }

    /// Keeps what a question about the policies of a project brought, asked at `at`, and makes flows again where that changes them.
    pub async fn put_approvals(&self, project: ProjectId, found: Found, at: Timestamp, page: impl Into<Option<PageDone>>) -> Result<()> {
        let page = page.into();
        self.attempt("keep how many approvals branches want", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let known = of(writing.conn(), project).await?.after(found, at);
            sqlx::query(PUT).bind(project.0).bind(SETTING).bind(json(&known)?).execute(writing.conn()).await?;
            self.finish_page(writing, project, page).await?;
            histories::refresh(self, project).await?;
            Ok(())
        })
        .await
    }
}
