//! Pushes, and the life of a repository.
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::event::{Message, Told};
use super::{Teller, linked};
use crate::sim::git::CommitRow;
use crate::sim::world::{Repository, ZERO_ID, ado_date};

impl Teller<'_> {
    pub(super) fn pushed(&self, commits: &[CommitRow]) -> Option<Told> {
        let push = self.world.pushes.last()?;
        let repository = self.world.repository(push.repository)?;
        let first = push.moves.first()?;
        let branch = first.name.strip_prefix("refs/heads/").unwrap_or(&first.name);
        let name = self.name(push.by);
        let doing = match (first.old == ZERO_ID, first.new == ZERO_ID) {
            (_, true) => format!("{name} deleted "),
            (true, _) => format!("{name} created "),
            _ => format!("{name} pushed updates to "),
        };
        let message = linked(&doing, branch, &self.branch_link(repository, &first.name), &format!(" in {}", repository.name));
        let mut detailed = message.clone();
        for row in commits {
            let (id, line) = (row.id.get(..8).unwrap_or(&row.id), row.message.lines().next().unwrap_or_default());
            detailed.text.push_str(&format!("\r\n - {line} {id} ({})", self.renderer.commit_web(repository, &row.id)));
            detailed.markdown.push_str(&format!("\r\n * {line} [{id}]({})", self.renderer.commit_web(repository, &row.id)));
            let safe = Message::plain(line).html;
            detailed.html.push_str(&format!("<li>{safe} <a href=\"{}\">{id}</a></li>", self.renderer.commit_web(repository, &row.id)));
        }
        let updates: Vec<Value> =
            push.moves.iter().map(|moved| json!({ "name": moved.name, "oldObjectId": moved.old, "newObjectId": moved.new })).collect();
        let here = self.site.repository_api(repository.project, repository.id, &format!("pushes/{}", push.id));
        let api = |rest: &str| json!({ "href": self.site.repository_api(repository.project, repository.id, rest) });
        let mut resource = json!({
            "refUpdates": updates,
            "repository": self.repository(repository),
            "pushedBy": self.renderer.identity(push.by),
            "pushId": push.id,
            "date": ado_date(push.date),
            "url": here,
            "_links": {
                "self": { "href": here },
                "repository": api(""),
                "commits": api(&format!("pushes/{}/commits", push.id)),
                "pusher": { "href": self.site.api(&format!("Identities/{}", push.by)) },
                "refs": api(&format!("refs/{}", first.name.strip_prefix("refs/").unwrap_or(&first.name))),
            },
        });
        // A push that only deletes, or that brings nothing new, carries no commits at all.
        if !commits.is_empty() {
            resource["commits"] = commits.iter().map(|row| Value::Object(self.renderer.commit(repository, row))).collect();
        }
        Some(Told { message, detailed, resource })
    }

    fn initiated(&self, by: Uuid, more: Value) -> Value {
        let mut resource = json!({ "initiatedBy": self.renderer.identity(by), "utcTimestamp": ado_date(self.world.now()) });
        if let (Some(map), Value::Object(more)) = (resource.as_object_mut(), more) {
            map.extend(more);
        }
        resource
    }

    fn about_repository(&self, repository: &Repository, by: Uuid, deed: &str, more: Value) -> Told {
        let message = linked(&format!("{} {deed} the repository ", self.name(by)), &repository.name, &self.web(repository), ".");
        Told { detailed: message.clone(), message, resource: self.initiated(by, more) }
    }

    pub(super) fn repository_created(&self, id: Uuid, by: Uuid) -> Option<Told> {
        let repository = self.world.repository(id)?;
        Some(self.about_repository(repository, by, "created", json!({ "repository": self.repository(repository) })))
    }

    pub(super) fn repository_renamed(&self, id: Uuid, by: Uuid, old: &str) -> Option<Told> {
        let repository = self.world.repository(id)?;
        let more = json!({ "oldName": old, "newName": repository.name, "repository": self.repository(repository) });
        Some(self.about_repository(repository, by, "renamed", more))
    }

    /// Only id, name and project of what is gone.
    pub(super) fn repository_deleted(&self, id: Uuid, by: Uuid) -> Option<Told> {
        let repository = self.world.repository(id)?;
        let project = self.world.project_by_id(repository.project)?;
        let more = json!({
            "project": self.renderer.project_ref(project), "repositoryId": repository.id, "repositoryName": repository.name,
            "isHardDelete": false,
        });
        Some(self.about_repository(repository, by, "deleted", more))
    }

    pub(super) fn repository_forked(&self, source: Uuid, target: Uuid, by: Uuid) -> Option<Told> {
        let (source, target) = (self.world.repository(source)?, self.world.repository(target)?);
        let more = json!({ "sourceRepository": self.repository(source), "targetRepository": self.repository(target) });
        Some(self.about_repository(source, by, "forked", more))
    }

    pub(super) fn repository_status_changed(&self, id: Uuid, by: Uuid) -> Option<Told> {
        let repository = self.world.repository(id)?;
        let deed = if repository.is_disabled { "disabled" } else { "enabled" };
        let more = json!({ "disabled": repository.is_disabled, "repository": self.repository(repository) });
        Some(self.about_repository(repository, by, deed, more))
    }
}
