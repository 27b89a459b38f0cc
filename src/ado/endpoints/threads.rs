//! Discussion threads of a pull request.

use serde_json::{Value, json};

use super::in_pull_request;
use crate::ado::call::Call;
use crate::ado::scope::Scope;
use crate::ado::wire::thread::{Comment, Thread};
use crate::ado::{Client, RepoRef, Result};
use crate::domain::fact;

/// A thread to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewThread {
    pub content: String,
    /// The file and the line (from 1) on the new side that it hangs on.
    pub line: Option<(String, u32)>,
    /// A property that programs find it by; readers do not see it.
    pub mark: Option<(&'static str, &'static str)>,
    /// An active or pending one keeps a pull request from completion where the branch wants comments resolved; a closed one does not.
    pub status: ThreadStatus,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ThreadStatus {
    #[default]
    Active,
    Fixed,
    WontFix,
    Closed,
    ByDesign,
    Pending,
}

impl ThreadStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Fixed => "fixed",
            Self::WontFix => "wontFix",
            Self::Closed => "closed",
            Self::ByDesign => "byDesign",
            Self::Pending => "pending",
        }
    }
}

impl Client {
    /// All threads, those that the service wrote included.
    pub async fn threads(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<fact::Thread>> {
        let path = in_pull_request(repository, number, "/threads");
        let call = Call::get(path, Scope::Threads, format!("read the discussion of pull request {number}"));
        let rows: Vec<Thread> = self.rows(&call).await?;
        Ok(rows.into_iter().map(Thread::fact).collect())
    }

    /// Opens a thread. Never repeated by itself: nothing on the other side recognises a duplicate.
    pub async fn create_thread(&self, repository: RepoRef<'_>, number: i64, thread: &NewThread) -> Result<fact::Thread> {
        let mut body = json!({
            "comments": [{"parentCommentId": 0, "content": thread.content, "commentType": "text"}],
            "status": thread.status.word(),
        });
        if let Some((file, line)) = &thread.line {
            body["threadContext"] = json!({
                "filePath": format!("/{}", file.trim_start_matches('/')),
                "rightFileStart": {"line": line, "offset": 1},
                "rightFileEnd": {"line": line, "offset": 1},
            });
        }
        if let Some((name, value)) = thread.mark {
            body["properties"] = json!({ name: {"$type": "System.String", "$value": value} });
        }
        let path = in_pull_request(repository, number, "/threads");
        let call = Call::post(path, format!("comment on pull request {number}")).scope(Scope::Commenting).json(&body);
        Ok(self.object::<Thread>(&call).await?.fact())
    }

    /// Answers a comment of a thread. Never repeated by itself.
    pub async fn reply(&self, repository: RepoRef<'_>, number: i64, thread: i64, parent: i64, content: &str) -> Result<fact::Comment> {
        let path = in_pull_request(repository, number, &format!("/threads/{thread}/comments"));
        let body: Value = json!({"parentCommentId": parent, "content": content, "commentType": "text"});
        let call = Call::post(path, format!("reply on pull request {number}")).scope(Scope::Commenting).json(&body);
        Ok(self.object::<Comment>(&call).await?.fact())
    }

    /// Writes a comment anew. Only one's own can be; the service keeps no earlier text.
    pub async fn edit_comment(
        &self,
        repository: RepoRef<'_>,
        number: i64,
        thread: i64,
        comment: i64,
        content: &str,
    ) -> Result<fact::Comment> {
        let path = in_pull_request(repository, number, &format!("/threads/{thread}/comments/{comment}"));
        let call = Call::patch(path, format!("change a comment on pull request {number}"))
            .scope(Scope::Commenting)
            .json(&json!({"content": content}));
        Ok(self.object::<Comment>(&call).await?.fact())
    }

    pub async fn set_thread_status(&self, repository: RepoRef<'_>, number: i64, thread: i64, status: ThreadStatus) -> Result<fact::Thread> {
        let path = in_pull_request(repository, number, &format!("/threads/{thread}"));
        let call = Call::patch(path, format!("resolve a thread of pull request {number}"))
            .scope(Scope::Commenting)
            .json(&json!({"status": status.word()}));
        Ok(self.object::<Thread>(&call).await?.fact())
    }
}
