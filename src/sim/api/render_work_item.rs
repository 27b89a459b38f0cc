//! Work items: the fields they have, what is in them, and their JSON.
//!
//! A field that is empty is absent. Limits: fields that nobody filled are only those of the agile process that are listed here;
//! others exist as soon as one item carries them.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render::{Renderer, link, object};
use crate::sim::wiql::{Cell, Kind};
use crate::sim::world::{Relation, User, WorkItem, World, ado_date};

/// Reference name, display name, what it holds.
const FIELDS: &[(&str, &str, Kind)] = &[
    ("System.Id", "ID", Kind::Number),
    ("System.Rev", "Rev", Kind::Number),
    ("System.AreaPath", "Area Path", Kind::Path),
    ("System.TeamProject", "Team Project", Kind::Text),
    ("System.NodeName", "Node Name", Kind::Text),
    ("System.IterationPath", "Iteration Path", Kind::Path),
    ("System.WorkItemType", "Work Item Type", Kind::Text),
    ("System.State", "State", Kind::Text),
    ("System.Reason", "Reason", Kind::Text),
    ("System.AssignedTo", "Assigned To", Kind::Person),
    ("System.CreatedDate", "Created Date", Kind::Date),
    ("System.CreatedBy", "Created By", Kind::Person),
    ("System.ChangedDate", "Changed Date", Kind::Date),
    ("System.ChangedBy", "Changed By", Kind::Person),
    ("System.CommentCount", "Comment Count", Kind::Number),
    ("System.Title", "Title", Kind::Text),
    ("System.Description", "Description", Kind::Text),
    ("System.Tags", "Tags", Kind::Tags),
    ("Microsoft.VSTS.Common.StateChangeDate", "State Change Date", Kind::Date),
    ("Microsoft.VSTS.Common.ActivatedDate", "Activated Date", Kind::Date),
    ("Microsoft.VSTS.Common.ResolvedDate", "Resolved Date", Kind::Date),
    ("Microsoft.VSTS.Common.ClosedDate", "Closed Date", Kind::Date),
    ("Microsoft.VSTS.Common.Priority", "Priority", Kind::Number),
    ("Microsoft.VSTS.Common.Severity", "Severity", Kind::Text),
];

/// A field by reference name or display name, in any case: reference name, display name, kind.
pub(super) fn known_field(world: &World, name: &str) -> Option<(String, String, Kind)> {
    let listed = FIELDS.iter().find(|(reference, shown, _)| reference.eq_ignore_ascii_case(name) || shown.eq_ignore_ascii_case(name));
    if let Some((reference, shown, kind)) = listed {
        return Some(((*reference).to_owned(), (*shown).to_owned(), *kind));
    }
    let carried = world.work_items.values().find_map(|item| item.fields.get_key_value(name));
    carried.map(|(reference, value)| {
        let shown = reference.rsplit('.').next().unwrap_or(reference).to_owned();
        (reference.clone(), shown, if value.is_number() { Kind::Number } else { Kind::Text })
    })
}

impl Renderer<'_> {
    /// The content of a field; nothing where it is empty.
    pub(super) fn field_of(&self, item: &WorkItem, reference: &str) -> Option<Value> {
        let date = |at| Some(json!(ado_date(at)));
        let text = |text: &str| (!text.is_empty()).then(|| json!(text));
        match reference {
            "System.Id" => Some(json!(item.id)),
            "System.Rev" => Some(json!(item.rev)),
            "System.AreaPath" => text(&item.area_path),
            "System.NodeName" => text(item.area_path.rsplit('\\').next().unwrap_or_default()),
            "System.TeamProject" => self.world.project_by_id(item.project).map(|project| json!(project.name)),
            "System.IterationPath" => text(&item.iteration_path),
            "System.WorkItemType" => text(&item.kind),
            "System.State" => text(&item.state),
            "System.Reason" => Some(json!(reason(item))),
            "System.AssignedTo" => item.assigned_to.map(|who| self.identity(who)),
            "System.CreatedDate" => date(item.created),
            "System.CreatedBy" => Some(self.identity(item.created_by)),
            "System.ChangedDate" => date(item.changed),
            "System.ChangedBy" => Some(self.identity(item.changed_by)),
            "System.CommentCount" => Some(json!(0)),
            "System.Title" => text(&item.title),
            "System.Tags" => text(&item.tags.join("; ")),
            "Microsoft.VSTS.Common.StateChangeDate" => date(item.closed.or(item.resolved).or(item.activated).unwrap_or(item.created)),
            "Microsoft.VSTS.Common.ActivatedDate" => item.activated.and_then(date),
            "Microsoft.VSTS.Common.ResolvedDate" => item.resolved.and_then(date),
            "Microsoft.VSTS.Common.ClosedDate" => item.closed.and_then(date),
            "Microsoft.VSTS.Common.Priority" => item.fields.get(reference).cloned().or(Some(json!(2))),
            other => item.fields.get(other).filter(|value| !value.is_null()).cloned(),
        }
    }

    /// The same for queries.
    pub(super) fn cell_of(&self, item: &WorkItem, reference: &str, kind: Kind) -> Cell {
        let person = |id: Uuid| self.world.user(id).map_or(Cell::Empty, |user| Cell::Person(names(user)));
        match (reference, kind) {
            ("System.AssignedTo", _) => item.assigned_to.map_or(Cell::Empty, person),
            ("System.CreatedBy", _) => person(item.created_by),
            ("System.ChangedBy", _) => person(item.changed_by),
            ("System.Tags", _) => Cell::Tags(item.tags.clone()),
            _ => match (self.field_of(item, reference), kind) {
                (Some(Value::Number(number)), _) => number.as_f64().map_or(Cell::Empty, Cell::Number),
                (Some(Value::String(text)), Kind::Date) => text.parse().map_or(Cell::Empty, Cell::Date),
                (Some(Value::String(text)), Kind::Path) => Cell::Path(text),
                (Some(Value::String(text)), _) => Cell::Text(text),
                _ => Cell::Empty,
            },
        }
    }

    /// Every field that is not empty.
    pub fn work_item_fields(&self, item: &WorkItem) -> Map<String, Value> {
        let listed = FIELDS.iter().map(|(reference, _, _)| *reference);
        let own = item.fields.keys().map(String::as_str);
        let mut map = Map::new();
        for reference in listed.chain(own) {
            if let Some(value) = self.field_of(item, reference) {
                map.insert(reference.to_owned(), value);
            }
        }
        map
    }

    pub fn work_item_url(&self, item: &WorkItem) -> String {
        self.site.project_api(item.project, &format!("wit/workItems/{}", item.id))
    }

    pub(super) fn work_item_ref(&self, id: i32) -> Value {
        json!({ "id": id, "url": self.site.api(&format!("wit/workItems/{id}")) })
    }

    /// With all fields, or with those that were asked for.
    pub(super) fn work_item(&self, item: &WorkItem, fields: Option<&[String]>) -> Map<String, Value> {
        let fields = match fields {
            None => self.work_item_fields(item),
            Some(wanted) => wanted.iter().filter_map(|name| Some((name.clone(), self.field_of(item, name)?))).collect(),
        };
        object(json!({ "id": item.id, "rev": item.rev, "fields": fields, "url": self.work_item_url(item) }))
    }

    pub fn work_item_links(&self, item: &WorkItem) -> Value {
        let here = self.work_item_url(item);
        json!({
            "self": link(here.as_str()),
            "workItemUpdates": link(format!("{here}/updates")),
            "workItemRevisions": link(format!("{here}/revisions")),
            "workItemComments": link(format!("{here}/comments")),
            "html": link(self.project_web(item.project, &format!("_workitems/edit/{}", item.id))),
            "workItemType": link(self.site.project_api(item.project, &format!("wit/workItemTypes/{}", crate::sim::site::percent_encode(&item.kind)))),
            "fields": link(self.site.project_api(item.project, "wit/fields")),
        })
    }

    /// The links of an item; `None` where there are none, as the member is absent then.
    pub(super) fn relations(&self, item: &WorkItem) -> Option<Value> {
        if item.relations.is_empty() {
            return None;
        }
        let rows = (1..).zip(&item.relations).map(|(nth, relation)| relation_json(item, nth, relation)).collect();
        Some(Value::Array(rows))
    }
}

fn relation_json(item: &WorkItem, nth: i64, relation: &Relation) -> Value {
    let mut attributes = Map::new();
    if relation.rel == "ArtifactLink" {
        let when = ado_date(relation.created.unwrap_or(item.created));
        attributes = object(json!({
            "authorizedDate": when, "id": i64::from(item.id) * 1000 + nth, "resourceCreatedDate": when, "resourceModifiedDate": when,
            "revisedDate": "9999-01-01T00:00:00Z",
        }));
    } else {
        attributes.insert("isLocked".to_owned(), json!(false));
    }
    if let Some(comment) = &relation.comment {
        attributes.insert("comment".to_owned(), json!(comment));
    }
    attributes.insert("name".to_owned(), json!(relation.name));
    json!({ "rel": relation.rel, "url": relation.url, "attributes": attributes })
}

fn names(user: &User) -> Vec<String> {
    vec![user.display_name.clone(), user.unique_name.clone(), format!("{} <{}>", user.display_name, user.unique_name), user.id.to_string()]
}

fn reason(item: &WorkItem) -> &'static str {
    match item.state.as_str() {
        "New" => "New",
        "Active" => "Implementation started",
        "Resolved" => "Code complete and unit tests pass",
        "Closed" => "Acceptance tests pass",
        _ => "Moved to another state",
    }
}
