//! Work items, and what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::batch;
use super::column::{Columns, Word, json};
use super::error::Result;
use super::histories::ItemChange;
use super::hold::Hold;
use super::sources::PageDone;
use super::{Store, histories, linkage};
use crate::domain::id::{ObjectId, ProjectId, RepositoryId};
use crate::domain::work_item::{LinkTarget, Via, WorkItem};
use crate::metrics::query::Rules;

queries! {
    PUT = "INSERT INTO work_items (project, number, revision, kind, state, title, tags, area, created_at, changed_at, resolved_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (project, number) DO UPDATE SET revision = excluded.revision, \
        kind = excluded.kind, state = excluded.state, title = excluded.title, tags = excluded.tags, area = excluded.area, \
        created_at = excluded.created_at, changed_at = excluded.changed_at, resolved_at = excluded.resolved_at \
        WHERE work_items.revision <= excluded.revision";
    ONE = "SELECT number, revision, kind, state, title, tags, area, created_at, changed_at, resolved_at FROM work_items \
        WHERE project = $1 AND number = $2";
    /// A link of Azure DevOps's own is worth more than a mention.
    LINK = "INSERT INTO work_item_links (project, item, target_kind, repository, target, via) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (project, item, target_kind, repository, target) DO UPDATE SET via = excluded.via \
        WHERE work_item_links.via = 'text' AND excluded.via = 'link'";
    OWN_LINKS = "SELECT target_kind, repository, target FROM work_item_links WHERE project = $1 AND item = $2 AND via = 'link'";
    UNLINK = "DELETE FROM work_item_links WHERE project = $1 AND item = $2 AND target_kind = $3 AND repository = $4 AND target = $5";
    FORGET = "DELETE FROM work_items WHERE project = $1 AND number = $2";
    NAMED_ONLY = "SELECT DISTINCT l.item FROM work_item_links l WHERE l.project = $1 \
        AND NOT EXISTS (SELECT 1 FROM work_items w WHERE w.project = l.project AND w.number = l.item) ORDER BY l.item";
    KNOWN = "SELECT number FROM work_items WHERE project = $1";
    LINKS_OF = "SELECT target_kind, repository, target, via FROM work_item_links WHERE project = $1 AND item = $2 \
        ORDER BY target_kind, repository, target";
    ITEMS_OF = "SELECT DISTINCT w.number, w.revision, w.kind, w.state, w.title, w.tags, w.area, w.created_at, w.changed_at, w.resolved_at \
        FROM work_item_links l JOIN work_items w ON w.project = l.project AND w.number = l.item \
        WHERE l.repository = $1 AND l.target_kind = $2 AND l.target = $3 ORDER BY w.number";
}

fn read(row: &AnyRow) -> Result<WorkItem> {
    Ok(WorkItem {
        number: row.int("number")?,
        revision: row.int("revision")?,
        kind: row.text("kind")?,
        state: row.text("state")?,
        title: row.text("title")?,
        tags: row.json("tags")?,
        area: row.text("area")?,
        created_at: row.maybe_instant("created_at")?,
        changed_at: row.maybe_instant("changed_at")?,
        resolved_at: row.maybe_instant("resolved_at")?,
    })
}

/// What a link hangs on, as the store keeps it: kind, repository, target.
fn target_of(repository: RepositoryId, target: &LinkTarget) -> (&'static str, i64, String) {
    match target {
        LinkTarget::PullRequest { number } => ("pull_request", repository.0, number.to_string()),
        LinkTarget::Commit { sha } => ("commit", repository.0, sha.as_str().to_owned()),
        LinkTarget::Build { number } => ("build", 0, number.to_string()),
    }
}

/// What the store keeps as a target; nothing where a later version kept something else.
pub(super) fn target_from(kind: &str, target: &str) -> Option<LinkTarget> {
    Some(match kind {
        "pull_request" => LinkTarget::PullRequest { number: target.parse().ok()? },
        "commit" => LinkTarget::Commit { sha: ObjectId::new(target) },
        "build" => LinkTarget::Build { number: target.parse().ok()? },
        _ => return None,
    })
}

async fn put_links(conn: &mut AnyConnection, project: ProjectId, links: &[(i64, RepositoryId, LinkTarget, Via)]) -> Result<()> {
    let mut once: BTreeMap<(i64, &'static str, i64, String), Via> = BTreeMap::new();
    for (item, repository, target, via) in links {
        let (kind, repository, target) = target_of(*repository, target);
        let known = once.entry((*item, kind, repository, target)).or_insert(*via);
        if *via == Via::Link {
            *known = Via::Link;
        }
    }
    let rows: Vec<_> = once.into_iter().collect();
    batch::put(conn, LINK, &rows, |query, ((item, kind, repository, target), via)| {
        Ok(query.bind(project.0).bind(*item).bind(*kind).bind(*repository).bind(target.clone()).bind(via.to_word()))
    })
    .await?;
    Ok(())
}

/// Keeps links, and lets the pull requests among their targets know of their items.
async fn hang(
    conn: &mut AnyConnection,
    project: ProjectId,
    links: &[(i64, RepositoryId, LinkTarget, Via)],
    rules: &(Rules, String),
) -> Result<()> {
    put_links(&mut *conn, project, links).await?;
    let of_pull_requests = links.iter().filter_map(|(item, repository, target, _)| match target {
        LinkTarget::PullRequest { number } => Some(((*repository, *number), *item)),
        _ => None,
    });
    histories::change_items(conn, project, of_pull_requests, ItemChange::Hung, rules).await
}

impl Store {
    /// Keeps a page of work items, with its cursor. An older revision changes nothing.
    pub async fn put_work_items(&self, project: ProjectId, items: &[WorkItem], page: impl Into<Option<PageDone>>) -> Result<()> {
        let page = page.into();
        self.attempt("keep work items", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let mut once: BTreeMap<i64, &WorkItem> = BTreeMap::new();
            for item in items {
                let known = once.entry(item.number).or_insert(item);
                if item.revision >= known.revision {
                    *known = item;
                }
            }
            let once: Vec<&WorkItem> = once.into_values().collect();
            batch::put(writing.conn(), PUT, &once, |query, item: &&WorkItem| {
                Ok(query
                    .bind(project.0)
                    .bind(item.number)
                    .bind(item.revision)
                    .bind(item.kind.clone())
                    .bind(item.state.clone())
                    .bind(item.title.clone())
                    .bind(json(&item.tags)?)
                    .bind(item.area.clone())
                    .bind(item.created_at.map(Timestamp::as_millisecond))
                    .bind(item.changed_at.map(Timestamp::as_millisecond))
                    .bind(item.resolved_at.map(Timestamp::as_millisecond)))
            })
            .await?;
            self.finish_page(writing, project, page).await
        })
        .await
    }

    /// Keeps what hangs on work items: item, repository (any for a build), target, and how it is known.
    pub async fn put_links(&self, project: ProjectId, links: &[(i64, RepositoryId, LinkTarget, Via)]) -> Result<()> {
        let rules = self.flow_rules();
        self.attempt("keep links of work items", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            hang(writing.conn(), project, links, &rules).await?;
            self.finish_page(writing, project, None).await
        })
        .await
    }

    /// Keeps Azure DevOps's own links of work items that were read with all of theirs: one that a person took away is one no more.
    pub async fn put_own_links(&self, project: ProjectId, items: &[i64], links: &[(i64, RepositoryId, LinkTarget, Via)]) -> Result<()> {
        let rules = self.flow_rules();
        self.attempt("keep the links of work items", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let name = |(item, repository, target, _): &(i64, RepositoryId, LinkTarget, Via)| {
                let (kind, repository, target) = target_of(*repository, target);
                (*item, kind.to_owned(), repository, target)
            };
            let told: BTreeSet<_> = links.iter().map(name).collect();
            let mut gone = Vec::new();
            for item in items {
                let known = sqlx::query(OWN_LINKS).bind(project.0).bind(*item).fetch_all(writing.conn()).await?;
                for row in known {
                    let link = (*item, row.text("target_kind")?, row.int("repository")?, row.text("target")?);
                    if told.contains(&link) {
                        continue;
                    }
                    let (item, kind, repository, target) = link;
                    if let Some(LinkTarget::PullRequest { number }) = target_from(&kind, &target) {
                        gone.push(((RepositoryId(repository), number), item));
                    }
                    let unlink = sqlx::query(UNLINK).bind(project.0).bind(item).bind(kind).bind(repository).bind(target);
                    unlink.execute(writing.conn()).await?;
                }
            }
            histories::change_items(writing.conn(), project, gone.into_iter(), ItemChange::Taken, &rules).await?;
            hang(writing.conn(), project, links, &rules).await?;
            self.finish_page(writing, project, None).await
        })
        .await
    }

    /// Forgets work items that are not there any more, and their own links; which of these were known.
    pub async fn forget_items(&self, project: ProjectId, numbers: &[i64]) -> Result<Vec<i64>> {
        let mut known = Vec::new();
        self.attempt("forget work items", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            for number in numbers {
                let done = sqlx::query(FORGET).bind(project.0).bind(*number).execute(writing.conn()).await?;
                known.extend((done.rows_affected() > 0).then_some(*number));
            }
            self.finish_page(writing, project, None).await
        })
        .await?;
        if !known.is_empty() {
            self.put_own_links(project, &known, &[]).await?;
        }
        Ok(known)
    }

    /// The incidents of a project that nobody has resolved, as far as is known.
    pub async fn open_incidents(&self, project: ProjectId, rules: &Rules) -> Result<Vec<i64>> {
        self.attempt("read which incidents are open", async {
            let found = linkage::incidents(&mut *self.reader().await?, self.engine(), &[project], rules).await?;
            Ok(found.into_iter().filter(|incident| incident.resolved_at.is_none()).map(|incident| incident.number).collect())
        })
        .await
    }

    pub async fn work_item(&self, project: ProjectId, number: i64) -> Result<Option<WorkItem>> {
        self.attempt(format!("read work item {number}"), async {
            let row = sqlx::query(ONE).bind(project.0).bind(number).fetch_optional(&mut *self.reader().await?).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// What hangs on a work item. A build has the repository 0.
    pub async fn links_of_item(&self, project: ProjectId, item: i64) -> Result<Vec<(RepositoryId, LinkTarget, Via)>> {
        self.attempt(format!("read what hangs on work item {item}"), async {
            let mut links = Vec::new();
            for row in sqlx::query(LINKS_OF).bind(project.0).bind(item).fetch_all(&mut *self.reader().await?).await? {
                if let Some(target) = target_from(row.borrowed("target_kind")?, row.borrowed("target")?) {
                    links.push((RepositoryId(row.int("repository")?), target, row.word("via")?));
                }
            }
            Ok(links)
        })
        .await
    }

    /// The known work items that something hangs on.
    pub async fn items_of(&self, repository: RepositoryId, target: &LinkTarget) -> Result<Vec<WorkItem>> {
        self.attempt("read work items by what hangs on them", async {
            let (kind, repository, target) = target_of(repository, target);
            let rows = sqlx::query(ITEMS_OF).bind(repository).bind(kind).bind(target).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Work items that something hangs on and that nobody has read yet, by number.
    pub async fn items_without_facts(&self, project: ProjectId) -> Result<Vec<i64>> {
        self.attempt("read which work items are only named", async {
            Ok(sqlx::query_scalar(NAMED_ONLY).bind(project.0).fetch_all(&mut *self.reader().await?).await?)
        })
        .await
    }

    /// The numbers of the known work items.
    pub async fn known_items(&self, project: ProjectId) -> Result<BTreeSet<i64>> {
        self.attempt("read which work items are known", async {
            let numbers: Vec<i64> = sqlx::query_scalar(KNOWN).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            Ok(numbers.into_iter().collect())
        })
        .await
    }
}
