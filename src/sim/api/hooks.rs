//! Service hooks over REST: what can be subscribed to, and the subscriptions.
//!
//! Only administrators see or change a subscription. A hook with a password cannot be updated: what would become of the mask
//! that an answer shows is nowhere said. The publisher `rm` exists at the release host only, and the others not there.
use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, field, text_field};
use crate::sim::hooks::catalogue::{self, ACTION, CONSUMER, EVENT_TYPES, EventType, PUBLISHERS};
use crate::sim::hooks::retry::Status;
use crate::sim::hooks::subscription::{Subscription, wanted};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::World;

pub(super) const VIEW: &str = "View Subscriptions";
pub(super) const EDIT: &str = "Edit Subscription";
const DELETE: &str = "Delete Subscription";

impl Call {
    fn hooks_base(&self) -> String {
        self.face.base(&self.sim.site)
    }

    /// Whether the caller may look after the hooks of a project.
    fn minds_hooks(&self, world: &World, project: Uuid) -> bool {
        // The world's flag, not the caller's copy of it.
        world.user(self.actor()).is_some_and(|user| user.is_administrator)
            && world.project_by_id(project).is_none_or(|project| project.is_visible_to(self.actor()))
    }

    pub(super) fn check_hooks(&self, world: &World, project: Uuid, action: &str) -> Result<(), Failure> {
        if self.minds_hooks(world, project) {
            return Ok(());
        }
        Err(Failure::hook_permission(&self.caller.user.display_name, project, action))
    }

    /// The subscription of the path, if the caller may do that with it.
    pub(super) fn hook(&self, world: &World, action: &str) -> Result<Subscription, Failure> {
        let asked = self.capture("subscription");
        let missing = || Failure::no_subscription(asked);
        let id = Uuid::try_parse(asked).map_err(|_| missing())?;
        let found = self.sim.hooks.subscription(id).filter(|row| self.face.publishes(&row.publisher)).ok_or_else(missing)?;
        self.check_hooks(world, found.project, action)?;
        Ok(found)
    }

    pub(super) fn hook_json(&self, world: &World, row: &Subscription) -> Value {
        let renderer = self.renderer(world);
        let repository = row.publisher_inputs.get("repository").and_then(|id| Uuid::try_parse(id).ok());
        let name = repository.and_then(|id| world.repository(id)).map(|place| place.name.clone());
        row.to_json(&self.sim.site, self.face, name.as_deref(), |id| renderer.identity(id))
    }

    /// Everything the caller may see here, in the order it was made.
    pub(super) fn hooks(&self, world: &World) -> Vec<Subscription> {
        let all = self.sim.hooks.subscriptions();
        all.into_iter().filter(|row| self.face.publishes(&row.publisher) && self.minds_hooks(world, row.project)).collect()
    }
}

pub fn publishers(call: &Call) -> Result<Answer, Failure> {
    let here = PUBLISHERS.iter().filter(|(id, _, _)| call.face.publishes(id));
    Ok(Answer::list(here.filter_map(|(id, _, _)| catalogue::publisher(id, &call.hooks_base())).collect()))
}

pub fn publisher(call: &Call) -> Result<Answer, Failure> {
    let id = call.capture("publisher");
    let found = Some(id).filter(|id| call.face.publishes(id)).and_then(|id| catalogue::publisher(id, &call.hooks_base()));
    found.map(Answer::ok).ok_or_else(|| Failure::no_hook_part("PublisherNotFoundException", "publisher", id))
}

fn here(call: &Call) -> Result<Vec<&'static EventType>, Failure> {
    let id = call.capture("publisher");
    let found: Vec<_> = EVENT_TYPES.iter().filter(|event| event.publisher.eq_ignore_ascii_case(id) && call.face.publishes(id)).collect();
    if found.is_empty() { Err(Failure::no_hook_part("PublisherNotFoundException", "publisher", id)) } else { Ok(found) }
}

pub fn event_types(call: &Call) -> Result<Answer, Failure> {
    let base = call.hooks_base();
    Ok(Answer::list(here(call)?.into_iter().map(|event| event.to_json(&base)).collect()))
}

pub fn event_type(call: &Call) -> Result<Answer, Failure> {
    let id = call.capture("event");
    let found = here(call)?.into_iter().find(|event| event.id.eq_ignore_ascii_case(id));
    let found = found.ok_or_else(|| Failure::no_hook_part("EventTypeNotFoundException", "event type", id))?;
    Ok(Answer::ok(found.to_json(&call.hooks_base())))
}

/// Fills in what can be chosen for inputs.
pub async fn input_values(call: &Call) -> Result<Answer, Failure> {
    let events = here(call)?;
    let mut body = call.json()?;
    let current = field(&body, "currentValues").cloned().unwrap_or_default();
    let project = text_field(&current, "projectId").and_then(|id| Uuid::try_parse(&id).ok());
    let repository = text_field(&current, "repository").and_then(|id| Uuid::try_parse(&id).ok());
    let asked: Vec<String> = field(&body, "inputValues")
        .and_then(Value::as_array)
        .ok_or_else(|| Failure::null_argument("inputValues"))?
        .iter()
        .filter_map(|row| text_field(row, "inputId"))
        .collect();
    let mut rows = Vec::new();
    for id in asked {
        let mut more: Vec<Value> = Vec::new();
        match (id.as_str(), project, repository) {
            ("projectId", _, _) => {
                let world = call.sim.read().await;
                let visible = world.projects.iter().filter(|row| row.is_visible_to(call.actor()));
                more.extend(visible.map(|row| json!({ "value": row.id, "displayValue": row.name })));
            }
            ("repository", Some(project), _) => {
                let world = call.sim.read().await;
                let visible = world.repositories.iter().filter(|row| row.project == project && call.may_read(&world, row));
                more.extend(visible.map(|row| json!({ "value": row.id, "displayValue": row.name })));
            }
            ("branch", _, Some(repository)) => {
                let git = {
                    let world = call.sim.read().await;
                    world.repository(repository).filter(|row| call.may_read(&world, row)).map(|row| call.git(row))
                };
                if let Some(git) = git {
                    let refs = blocking(move || git.refs("heads/")).await?;
                    more.extend(
                        refs.iter()
                            .map(|row| row.name.strip_prefix("refs/heads/").unwrap_or(&row.name))
                            .map(|name| json!({ "value": name, "displayValue": name })),
                    );
                }
            }
            _ => {}
        }
        let known = events.iter().flat_map(|event| event.inputs.iter()).find(|input| input.id == id);
        let mut values = known.map_or_else(|| json!({ "inputId": id, "possibleValues": [] }), |input| input.values());
        if let Some(possible) = values["possibleValues"].as_array_mut() {
            possible.extend(more);
        }
        rows.push(values);
    }
    body["inputValues"] = Value::Array(rows);
    Ok(Answer::ok(body))
}

pub fn consumers(call: &Call) -> Result<Answer, Failure> {
    Ok(Answer::list(vec![catalogue::consumer(&call.hooks_base())]))
}

fn known_consumer(call: &Call) -> Result<(), Failure> {
    let id = call.capture("consumer");
    if id.eq_ignore_ascii_case(CONSUMER) {
        return Ok(());
    }
    Err(Failure::no_hook_part("ConsumerNotFoundException", "consumer", id))
}

pub fn consumer(call: &Call) -> Result<Answer, Failure> {
    known_consumer(call)?;
    Ok(Answer::ok(catalogue::consumer(&call.hooks_base())))
}

pub fn actions(call: &Call) -> Result<Answer, Failure> {
    known_consumer(call)?;
    Ok(Answer::list(vec![catalogue::action(&call.hooks_base())]))
}

pub fn action(call: &Call) -> Result<Answer, Failure> {
    known_consumer(call)?;
    let id = call.capture("action");
    if !id.eq_ignore_ascii_case(ACTION) {
        return Err(Failure::no_hook_part("ConsumerActionNotFoundException", "consumer action", id));
    }
    Ok(Answer::ok(catalogue::action(&call.hooks_base())))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let fits = |name: &str, value: &str| call.query.get(name).is_none_or(|asked| asked.eq_ignore_ascii_case(value));
    let rows = call.hooks(&world);
    let found = rows.iter().filter(|row| {
        fits("publisherId", &row.publisher)
            && fits("eventType", &row.event_type)
            && fits("consumerId", CONSUMER)
            && fits("consumerActionId", ACTION)
    });
    Ok(Answer::list(found.map(|row| call.hook_json(&world, row)).collect()))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let found = call.hook(&world, VIEW)?;
    Ok(Answer::ok(call.hook_json(&world, &found)))
}

/// The event type of a body, if it is published here.
pub(super) fn event_of(call: &Call, publisher: &str, event_type: &str) -> Result<&'static EventType, Failure> {
    if !PUBLISHERS.iter().any(|(id, _, _)| id.eq_ignore_ascii_case(publisher)) {
        return Err(Failure::no_hook_part("PublisherNotFoundException", "publisher", publisher));
    }
    let found = catalogue::event_type(publisher, event_type).filter(|event| call.face.publishes(event.publisher));
    found.ok_or_else(|| Failure::no_event_handler(event_type))
}

/// The checked wishes of a body, and that the caller may have them.
async fn wishes(call: &Call, body: &Value) -> Result<crate::sim::hooks::subscription::Wanted, Failure> {
    let publisher = text_field(body, "publisherId").ok_or_else(|| Failure::null_argument("publisherId"))?;
    let event_type = text_field(body, "eventType").ok_or_else(|| Failure::null_argument("eventType"))?;
    let event = event_of(call, &publisher, &event_type)?;
    let wanted = wanted(body, event, call.sim.hooks.loopback())?;
    let world = call.sim.read().await;
    call.find_project(&world, &wanted.project.to_string())?;
    call.check_hooks(&world, wanted.project, EDIT)?;
    Ok(wanted)
}

/// Keeps what the next start must find. A second later it would be written anyway.
fn keep(call: &Call) -> Result<(), Failure> {
    call.sim.hooks.save().map_err(Failure::internal)
}

/// The same subscription twice is two subscriptions.
pub async fn create(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let wanted = wishes(call, &body).await?;
    let world = call.sim.read().await;
    let made = call.sim.hooks.subscribe(Uuid::new_v4(), wanted, call.actor(), world.now());
    keep(call)?;
    Ok(Answer::ok(call.hook_json(&world, &made)))
}

pub async fn replace(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let found = {
        let world = call.sim.read().await;
        call.hook(&world, EDIT)?
    };
    if found.has_password() {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "SubscriptionInputException",
            "A subscription that uses basic authentication cannot be updated; delete it and create it anew.",
        ));
    }
    let wanted = wishes(call, &body).await?;
    let asked = text_field(&body, "status");
    let world = call.sim.read().await;
    let missing = || Failure::no_subscription(call.capture("subscription"));
    let mut row = call.sim.hooks.replace(found.id, wanted, call.actor(), world.now()).ok_or_else(missing)?;
    // A person switches it off and on; what the system switched off stays off.
    let status = match (row.status, asked.as_deref().map(str::to_lowercase).as_deref()) {
        (Status::Enabled | Status::OnProbation, Some("disabledbyuser")) => Some(Status::DisabledByUser),
        (Status::DisabledByUser, Some("enabled")) => Some(Status::Enabled),
        _ => None,
    };
    if let Some(status) = status {
        row = call.sim.hooks.set_status(row.id, status).ok_or_else(missing)?;
    }
    keep(call)?;
    Ok(Answer::ok(call.hook_json(&world, &row)))
}

pub async fn delete(call: &Call) -> Result<Answer, Failure> {
    let found = {
        let world = call.sim.read().await;
        call.hook(&world, DELETE)?
    };
    call.sim.hooks.unsubscribe(found.id);
    keep(call)?;
    Ok(Answer::no_content())
}

/// Whether one of the filters has all its conditions met; no filter at all lets everything through.
fn passes(filters: Option<&Value>, value_of: impl Fn(&str) -> Option<String>) -> bool {
    let Some(filters) = filters.and_then(Value::as_array).filter(|filters| !filters.is_empty()) else {
        return true;
    };
    let is_met = |condition: &Value| {
        let (id, wanted) = (text_field(condition, "inputId").unwrap_or_default(), text_field(condition, "inputValue").unwrap_or_default());
        let value = value_of(&id).unwrap_or_default();
        let is_case = super::bool_field(condition, "caseSensitive").unwrap_or(false);
        let is_equal = if is_case { value == wanted } else { value.eq_ignore_ascii_case(&wanted) };
        let is_negated = text_field(condition, "operator").is_some_and(|word| word.eq_ignore_ascii_case("notEquals"));
        is_equal != is_negated
    };
    filters.iter().any(|filter| field(filter, "conditions").and_then(Value::as_array).is_none_or(|rows| rows.iter().all(is_met)))
}

pub async fn query(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let Value::Object(mut map) = body.clone() else {
        return Err(Failure::null_argument("query"));
    };
    let world = call.sim.read().await;
    let fits = |name: &str, value: &str| {
        text_field(&body, name).filter(|asked| !asked.is_empty()).is_none_or(|asked| asked.eq_ignore_ascii_case(value))
    };
    let rows = call.hooks(&world);
    let found = rows.iter().filter(|row| {
        fits("publisherId", &row.publisher)
            && fits("eventType", &row.event_type)
            && fits("consumerId", CONSUMER)
            && fits("consumerActionId", ACTION)
            && passes(field(&body, "publisherInputFilters"), |id| row.publisher_inputs.get(id).cloned())
            // The mask is all that a confidential input can be compared with.
            && passes(field(&body, "consumerInputFilters"), |id| row.masked_consumer_inputs().get(id).cloned())
    });
    let results: Vec<Value> = found.map(|row| call.hook_json(&world, row)).collect();
    map.retain(|key, _| !key.eq_ignore_ascii_case("results"));
    map.insert("results".to_owned(), Value::Array(results));
    Ok(Answer::ok(Value::Object(map)))
}
