//! The one thread that kanado keeps on a pull request: where it is and what it says, so that it is written once and changed in place.

use jiff::Timestamp;
use sqlx::any::AnyRow;

use super::Store;
use super::column::{Columns, Word};
use super::error::Result;
use crate::domain::id::{ProjectId, RepositoryId};

/// Whether the thread is still ours to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentState {
    Open,
    /// A person resolved it: left alone from then on.
    Left,
}

impl Word for CommentState {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Open, "open"), (Self::Left, "left")];
}

/// The thread on a pull request, as written last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityComment {
    pub repository: RepositoryId,
    pub number: i64,
    /// Absent while it is not known whether the writing of it arrived.
    pub thread: Option<i64>,
    pub comment: Option<i64>,
    /// Of the text.
    pub digest: String,
    pub state: CommentState,
    pub written_at: Option<Timestamp>,
}

queries! {
    ONE = "SELECT repository, number, thread, comment, digest, state, written_at FROM quality_comments \
        WHERE repository = $1 AND number = $2";
    OF_PROJECT = "SELECT c.repository, c.number, c.thread, c.comment, c.digest, c.state, c.written_at FROM quality_comments c \
        JOIN repositories r ON r.id = c.repository WHERE r.project = $1 ORDER BY c.repository, c.number";
    PUT = "INSERT INTO quality_comments (repository, number, thread, comment, digest, state, written_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (repository, number) DO UPDATE SET thread = excluded.thread, \
        comment = excluded.comment, digest = excluded.digest, state = excluded.state, written_at = excluded.written_at";
}

fn read(row: &AnyRow) -> Result<QualityComment> {
    Ok(QualityComment {
        repository: RepositoryId(row.int("repository")?),
        number: row.int("number")?,
        thread: row.maybe_int("thread")?,
        comment: row.maybe_int("comment")?,
        digest: row.text("digest")?,
        state: row.word("state")?,
        written_at: row.maybe_instant("written_at")?,
    })
}

impl Store {
    /// The thread that is ours on a pull request.
    pub async fn quality_comment(&self, repository: RepositoryId, number: i64) -> Result<Option<QualityComment>> {
        self.attempt(format!("read our comment on pull request {number}"), async {
            let row = sqlx::query(ONE).bind(repository.0).bind(number).fetch_optional(&mut *self.reader().await?).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// All of a project's.
    pub async fn quality_comments(&self, project: ProjectId) -> Result<Vec<QualityComment>> {
        self.attempt("read our comments on pull requests", async {
            let rows = sqlx::query(OF_PROJECT).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    pub async fn put_quality_comment(&self, comment: &QualityComment) -> Result<()> {
        self.attempt(format!("keep our comment on pull request {}", comment.number), async {
            let mut writing = self.writing().await?;
            sqlx::query(PUT)
                .bind(comment.repository.0)
                .bind(comment.number)
                .bind(comment.thread)
                .bind(comment.comment)
                .bind(&*comment.digest)
                .bind(comment.state.to_word())
                .bind(comment.written_at.map(Timestamp::as_millisecond))
                .execute(writing.conn())
                .await?;
            self.commit(writing).await
        })
        .await
    }
}
