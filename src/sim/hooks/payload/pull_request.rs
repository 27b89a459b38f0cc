//! Pull requests and comments on them, as events tell them.
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::event::{Message, Remark, Told, Update};
use super::{Teller, linked};
use crate::sim::api::render_pull_request::Shape;
use crate::sim::world::{MergeStatus, PrState, PullRequest, Repository};

impl Teller<'_> {
    fn found(&self, id: i32) -> Option<(&PullRequest, &Repository)> {
        let row = self.world.pull_request(id)?;
        Some((row, self.world.repository(row.repository)?))
    }

    fn pull_request_web(&self, repository: &Repository, id: i32) -> String {
        format!("{}/pullrequest/{id}", self.web(repository))
    }

    /// As events carry it: whole, with its newest commit and where it is on the web.
    fn pull_request(&self, row: &PullRequest, repository: &Repository) -> Value {
        let mut value = self.renderer.pull_request(row, Shape::ById, None);
        value["repository"] = self.repository(repository);
        value["commits"] = json!([self.renderer.commit_ref(repository, &row.merge.source)]);
        value["_links"] = json!({
            "web": { "href": self.pull_request_web(repository, row.id) },
            "statuses": { "href": self.renderer.pull_request_url(repository, row.id, "statuses") },
        });
        value
    }

    fn about(&self, row: &PullRequest, repository: &Repository, doing: &str) -> Told {
        let label = format!("pull request {}", row.id);
        let after = format!(" ({}) in {}", row.title, repository.name);
        let message = linked(&format!("{doing} "), &label, &self.pull_request_web(repository, row.id), &after);
        let mut detailed = message.clone();
        let status = row.merge.status.word();
        detailed.text.push_str(&format!("\r\n\r\n- Merge status: {status}\r\n"));
        detailed.markdown.push_str(&format!("\r\n\r\n+ Merge status: {status}\r\n"));
        detailed.html.push_str(&format!("<ul>\r\n<li>Merge status: {status}</li></ul>"));
        Told { message, detailed, resource: self.pull_request(row, repository) }
    }

    pub(super) fn created(&self, id: i32, by: Uuid) -> Option<Told> {
        let (row, repository) = self.found(id)?;
        Some(self.about(row, repository, &format!("{} created", self.name(by))))
    }

    pub(super) fn updated(&self, id: i32, by: Uuid, what: Update) -> Option<Told> {
        let (row, repository) = self.found(id)?;
        let name = self.name(by);
        let doing = match (what, row.state) {
            (Update::Push, _) => format!("{name} updated the source branch of"),
            (Update::Reviewers, _) => format!("{name} changed the reviewer list on"),
            (Update::Published, _) => format!("{name} published"),
            (Update::Status, PrState::Active) => format!("{name} reactivated"),
            (Update::Status, PrState::Completed) => format!("{name} completed"),
            (Update::Status, PrState::Abandoned) => format!("{name} abandoned"),
            (Update::Vote(10), _) => format!("{name} has approved"),
            (Update::Vote(5), _) => format!("{name} has approved and left suggestions in"),
            (Update::Vote(-5), _) => format!("{name} is waiting for the author in"),
            (Update::Vote(-10), _) => format!("{name} has rejected"),
            (Update::Vote(_), _) => format!("{name} has removed their vote from"),
        };
        Some(self.about(row, repository, &doing))
    }

    pub(super) fn merge_attempted(&self, id: i32, by: Uuid) -> Option<Told> {
        let (row, repository) = self.found(id)?;
        let name = self.name(by);
        let doing = match (row.state, row.merge.status) {
            (PrState::Completed, _) => format!("{name} completed"),
            (_, MergeStatus::Succeeded) => format!("{name} created a new version of the merge commit of"),
            (_, MergeStatus::Conflicts) => format!("{name} caused conflicts in the merge of"),
            (_, MergeStatus::RejectedByPolicy) => format!("{name} was stopped by a policy when completing"),
            _ => format!("{name} could not merge"),
        };
        Some(self.about(row, repository, &doing))
    }

    pub(super) fn commented(&self, (id, thread, comment): (i32, i32, i32), remark: Remark) -> Option<Told> {
        let (row, repository) = self.found(id)?;
        let thread = row.threads.iter().find(|known| known.id == thread)?;
        let comment = thread.comments.iter().find(|known| known.id == comment)?;
        let address = self.renderer.pull_request_url(repository, id, &format!("threads/{}", thread.id));
        let verb = match remark {
            Remark::Made => "commented on",
            Remark::Edited => "edited a comment on",
            Remark::Deleted => "deleted a comment on",
        };
        let told = self.about(row, repository, &format!("{} has {verb}", self.name(comment.author)));
        let mut value = self.renderer.comment(comment, &address);
        value["_links"] = json!({
            "self": { "href": format!("{address}/comments/{}", comment.id) },
            "repository": { "href": self.site.repository_api(repository.project, repository.id, "") },
            "threads": { "href": address },
        });
        let text = comment.content.clone().unwrap_or_default();
        let detailed = Message {
            text: format!("{}\r\n{text}\r\n", told.message.text),
            html: format!("{}<p>{}</p>", told.message.html, Message::plain(text.clone()).html),
            markdown: format!("{}\r\n{text}\r\n", told.message.markdown),
        };
        Some(Told { message: told.message, detailed, resource: json!({ "comment": value, "pullRequest": told.resource }) })
    }
}
