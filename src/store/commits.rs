//! Commits without their content, and pushes to branches: the order in which tips followed one another.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::batch;
use super::column::Columns as _;
use super::error::Result;
use super::hold::Hold;
use super::line::{Fields, Line};
use super::sources::PageDone;
use super::{Store, repositories};
use crate::domain::fact::{ChangeCounts, Commit};
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use crate::domain::run::BranchPush;
use crate::metrics::flow::is_machine_author;
use crate::metrics::input::{Segment, Tip};
use crate::metrics::query::Rules;
use crate::metrics::size::Landed;

queries! {
    /// What one list cuts or leaves out, another one told.
    PUT = "INSERT INTO commits (repository, sha, authored_at, committed_at, author_name, author_email, message, cut, added, edited, deleted) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (repository, sha) DO UPDATE SET \
        authored_at = coalesce(excluded.authored_at, commits.authored_at), committed_at = coalesce(excluded.committed_at, \
        commits.committed_at), author_name = excluded.author_name, author_email = excluded.author_email, \
        message = CASE WHEN excluded.cut > commits.cut THEN commits.message ELSE excluded.message END, \
        cut = CASE WHEN excluded.cut > commits.cut THEN commits.cut ELSE excluded.cut END, \
        added = coalesce(excluded.added, commits.added), edited = coalesce(excluded.edited, commits.edited), \
        deleted = coalesce(excluded.deleted, commits.deleted)";
    ONE = "SELECT sha, authored_at, committed_at, author_name, author_email, message, cut, added, edited, deleted FROM commits \
        WHERE repository = $1 AND sha = $2";
    /// `z` stands after all digits.
    LIKE = "SELECT sha, authored_at, committed_at, author_name, author_email, message, cut, added, edited, deleted FROM commits \
        WHERE repository = $1 AND sha >= $2 AND sha < $3 ORDER BY sha LIMIT 3";
    PUSHES_OF = "SELECT branch, number, old, new, at, pusher FROM pushes WHERE repository = $1 AND new = $2 AND authored_at IS NULL";
    PUT_PUSH = "INSERT INTO pushes (repository, branch, number, old, new, at, pusher, authored_at, line) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (repository, branch, number) DO UPDATE SET old = excluded.old, \
        new = excluded.new, at = excluded.at, pusher = excluded.pusher, \
        authored_at = coalesce(excluded.authored_at, pushes.authored_at), line = excluded.line";
    AUTHORED = "SELECT authored_at, author_name, author_email FROM commits WHERE repository = $1 AND sha = $2";
    CHANGES = "SELECT c.repository, c.sha, c.authored_at, c.added + c.edited + c.deleted AS files FROM repositories r \
        JOIN commits c ON c.repository = r.id AND c.committed_at >= $2 WHERE r.project = $1 AND c.added IS NOT NULL";
    /// Pushes whose last commit is not known: what they brought was not read.
    UNREAD = "SELECT number, branch, old, new, at, pusher FROM pushes p WHERE repository = $1 AND branch = $2 AND at >= $3 \
        AND NOT EXISTS (SELECT 1 FROM commits c WHERE c.repository = p.repository AND c.sha = p.new) ORDER BY number";
    UNDATED = "SELECT count(*) FROM pushes WHERE repository = $1 AND authored_at IS NULL";
}

fn read(row: &AnyRow) -> Result<Commit> {
    let changes = (row.maybe_int("added")?, row.maybe_int("edited")?, row.maybe_int("deleted")?);
    Ok(Commit {
        id: ObjectId::new(row.borrowed("sha")?),
        author_name: row.text("author_name")?,
        author_email: row.text("author_email")?,
        authored_at: row.maybe_instant("authored_at")?,
        committed_at: row.maybe_instant("committed_at")?,
        message: row.text("message")?,
        is_cut: row.flag("cut")?,
        parents: Vec::new(),
        changes: match changes {
            (Some(added), Some(edited), Some(deleted)) => Some(ChangeCounts { added, edited, deleted }),
            _ => None,
        },
    })
}

/// Who wrote a commit, and when.
#[derive(Default)]
struct Authored {
    at: Option<Timestamp>,
    /// As in `git log`, name and address.
    by: String,
}

impl Authored {
    fn new(at: Option<Timestamp>, name: &str, email: &str) -> Self {
        Self { at, by: format!("{name}{BEFORE_ADDRESS}{email}>") }
    }
}

const BEFORE_ADDRESS: &str = " <";

/// Which authors of commits are machines, each asked about once.
#[derive(Clone)]
pub(super) struct Authors {
    rules: Arc<Rules>,
    known: RefCell<HashMap<String, Segment>>,
}

impl Authors {
    pub fn new(rules: &Rules) -> Self {
        Self { rules: Arc::new(rules.clone()), known: RefCell::default() }
    }

    fn segment(&self, author: &str) -> Segment {
        if let Some(known) = self.known.borrow().get(author) {
            return *known;
        }
        let (name, email) = author.rsplit_once(BEFORE_ADDRESS).unwrap_or((author, ""));
        let is_machine = is_machine_author(name, email.strip_suffix('>').unwrap_or(email), &self.rules);
        let segment = if is_machine { Segment::Bot } else { Segment::Human };
        self.known.borrow_mut().insert(author.to_owned(), segment);
        segment
    }
}

fn tip_line(repository: RepositoryId, push: &BranchPush, authored: &Authored) -> String {
    Line::new()
        .int(repository.0)
        .int(push.number)
        .text(push.old.as_str())
        .text(push.new.as_str())
        .at(Some(push.at))
        .text(push.pusher.as_ref().map_or("", |who| who.id.as_str()))
        .at(authored.at)
        .text(&authored.by)
        .finish()
}

/// A tip from its line.
pub(super) fn tip_of_line(line: &str, authors: &Authors) -> Result<Tip> {
    let mut fields = Fields::of(line);
    Ok(Tip {
        repository: RepositoryId(fields.int()?),
        push: fields.int()?,
        old: ObjectId::new(fields.text()?),
        new: ObjectId::new(fields.text()?),
        at: fields.at()?,
        pusher: fields.maybe_text()?.map(Guid::new),
        authored_at: fields.maybe_at()?,
        segment: fields.maybe_text()?.map_or(Segment::Human, |author| authors.segment(author)),
    })
}

/// A push from its row. Of who pushed only the id is kept.
fn push_of(row: &AnyRow) -> Result<BranchPush> {
    let nobody =
        |id: String| crate::domain::person::Identity { id: Guid::new(id), display_name: String::new(), unique_name: String::new() };
    Ok(BranchPush {
        number: row.int("number")?,
        branch: row.text("branch")?,
        old: ObjectId::new(row.borrowed("old")?),
        new: ObjectId::new(row.borrowed("new")?),
        at: row.instant("at")?,
        pusher: row.maybe_text("pusher")?.map(nobody),
    })
}

async fn put_pushes(conn: &mut AnyConnection, repository: RepositoryId, pushes: Vec<(BranchPush, Authored)>) -> Result<()> {
    batch::put(conn, PUT_PUSH, &pushes, |query, (push, authored)| {
        Ok(query
            .bind(repository.0)
            .bind(push.branch.clone())
            .bind(push.number)
            .bind(push.old.as_str().to_owned())
            .bind(push.new.as_str().to_owned())
            .bind(push.at.as_millisecond())
            .bind(push.pusher.as_ref().map(|who| who.id.as_str().to_owned()))
            .bind(authored.at.map(Timestamp::as_millisecond))
            .bind(tip_line(repository, push, authored)))
    })
    .await?;
    Ok(())
}

/// Gives pushes the author dates of the commits that they ended with.
async fn date_pushes(conn: &mut AnyConnection, repository: RepositoryId, commits: &[&Commit]) -> Result<()> {
    if sqlx::query_scalar::<_, i64>(UNDATED).bind(repository.0).fetch_one(&mut *conn).await? == 0 {
        return Ok(());
    }
    let mut dated = Vec::new();
    for commit in commits {
        if commit.authored_at.is_none() {
            continue;
        }
        for row in sqlx::query(PUSHES_OF).bind(repository.0).bind(commit.id.as_str()).fetch_all(&mut *conn).await? {
            dated.push((push_of(&row)?, Authored::new(commit.authored_at, &commit.author_name, &commit.author_email)));
        }
    }
    put_pushes(conn, repository, dated).await
}

impl Store {
    /// Keeps a page of a repository's commits, with its cursor.
    pub async fn put_commits(&self, repository: RepositoryId, commits: &[Commit], page: impl Into<Option<PageDone>>) -> Result<()> {
        let page = page.into();
        self.attempt("keep commits", async {
            let mut writing = self.writing_on(Hold::Repository(repository)).await?;
            let owner = repositories::by_id(writing.conn(), repository).await?.ok_or_else(|| repositories::missing(repository))?;
            let once: BTreeMap<&ObjectId, &Commit> = commits.iter().map(|commit| (&commit.id, commit)).collect();
            let once: Vec<&Commit> = once.into_values().collect();
            batch::put(writing.conn(), PUT, &once, |query, commit: &&Commit| {
                let count = |of: fn(&ChangeCounts) -> i64| commit.changes.as_ref().map(of);
                Ok(query
                    .bind(repository.0)
                    .bind(commit.id.as_str().to_owned())
                    .bind(commit.authored_at.map(Timestamp::as_millisecond))
                    .bind(commit.committed_at.map(Timestamp::as_millisecond))
                    .bind(commit.author_name.clone())
                    .bind(commit.author_email.clone())
                    .bind(commit.message.clone())
                    .bind(i64::from(commit.is_cut))
                    .bind(count(|changes| changes.added))
                    .bind(count(|changes| changes.edited))
                    .bind(count(|changes| changes.deleted)))
            })
            .await?;
            date_pushes(writing.conn(), repository, &once).await?;
            self.finish_page(writing, owner.project, page).await
        })
        .await
    }

    /// Keeps a page of pushes to a repository, with its cursor.
    pub async fn put_pushes(&self, repository: RepositoryId, pushes: &[BranchPush], page: impl Into<Option<PageDone>>) -> Result<()> {
        let page = page.into();
        self.attempt("keep pushes", async {
            let mut writing = self.writing_on(Hold::Repository(repository)).await?;
            let owner = repositories::by_id(writing.conn(), repository).await?.ok_or_else(|| repositories::missing(repository))?;
            let once: HashMap<(&str, i64), &BranchPush> = pushes.iter().map(|push| ((&*push.branch, push.number), push)).collect();
            let mut dated = Vec::with_capacity(once.len());
            for push in once.into_values() {
                let row = sqlx::query(AUTHORED).bind(repository.0).bind(push.new.as_str()).fetch_optional(writing.conn()).await?;
                let authored = match row {
                    Some(row) => {
                        Authored::new(row.maybe_instant("authored_at")?, row.borrowed("author_name")?, row.borrowed("author_email")?)
                    }
                    None => Authored::default(),
                };
                dated.push((push.clone(), authored));
            }
            dated.sort_by_key(|(push, _)| push.number);
            put_pushes(writing.conn(), repository, dated).await?;
            self.finish_page(writing, owner.project, page).await
        })
        .await
    }

    /// Pushes to a branch at or after `since` whose last commit is not known, by number.
    pub async fn unread_pushes(&self, repository: RepositoryId, branch: &str, since: Timestamp) -> Result<Vec<BranchPush>> {
        self.attempt("read whose commits are not known", async {
            let query = sqlx::query(UNREAD).bind(repository.0).bind(branch.to_owned()).bind(since.as_millisecond());
            query.fetch_all(&mut *self.reader().await?).await?.iter().map(push_of).collect()
        })
        .await
    }

    /// A commit that is known, without its parents.
    pub async fn commit_of(&self, repository: RepositoryId, sha: &ObjectId) -> Result<Option<Commit>> {
        self.attempt(format!("read commit {}", sha.short()), async {
            let row = sqlx::query(ONE).bind(repository.0).bind(sha.as_str()).fetch_optional(&mut *self.reader().await?).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// The commits whose ids begin so, at most three.
    pub async fn commits_like(&self, repository: RepositoryId, beginning: &str) -> Result<Vec<Commit>> {
        self.attempt("look for a commit", async {
            let from = beginning.to_ascii_lowercase();
            let to = format!("{from}z");
            let rows = sqlx::query(LIKE).bind(repository.0).bind(from).bind(to).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// What commits changed that were committed at or after `from` on the default branches of a project, where a list told it.
    pub async fn changes_since(&self, project: ProjectId, from: Timestamp) -> Result<HashMap<(RepositoryId, ObjectId), Landed>> {
        self.attempt("read what commits changed", async {
            let rows = sqlx::query(CHANGES).bind(project.0).bind(from.as_millisecond()).fetch_all(&mut *self.reader().await?).await?;
            rows.iter()
                .map(|row| {
                    let landed = Landed { authored_at: row.maybe_instant("authored_at")?, files: row.count("files")? };
                    Ok(((RepositoryId(row.int("repository")?), ObjectId::new(row.borrowed("sha")?)), landed))
                })
                .collect()
        })
        .await
    }
}
