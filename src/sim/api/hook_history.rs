//! Notifications of subscriptions, the "Test" button, and diagnostics.
//!
//! History answers for what was sent within seven days; events that were lost while a subscription was on probation are in no
//! history. Limits: diagnostics can be switched and trace nothing.
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::hooks::{EDIT, VIEW, event_of};
use super::{Call, bool_field, field, text_field};
use crate::sim::hooks::catalogue::{ACTION, CONSUMER};
use crate::sim::hooks::notification::{Details, Notification};
use crate::sim::hooks::payload::sample;
use crate::sim::hooks::retry::Status;
use crate::sim::hooks::subscription::{Subscription, check_consumer, inputs};
use crate::sim::hooks::{self};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{World, ado_date};

/// How many rows an answer has unless said.
const ROWS: usize = 100;

fn has_status(row: &Notification, status: Option<&str>, result: Option<&str>) -> bool {
    status.is_none_or(|word| word.eq_ignore_ascii_case(row.progress.word()))
        && result.is_none_or(|word| word.eq_ignore_ascii_case(row.result.word()))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let found = call.hook(&world, VIEW)?;
    let most = call.query.number("maxResults")?.unwrap_or(ROWS);
    let (status, result) = (call.query.get("status"), call.query.get("result"));
    let history = call.sim.hooks.history(found.id);
    let rows = history.iter().filter(|row| has_status(row, status, result)).take(most);
    Ok(Answer::list(rows.map(|row| row.to_json(&found, Details::LeftOut)).collect()))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let found = call.hook(&world, VIEW)?;
    let asked = call.capture("notification");
    let row = asked.parse().ok().and_then(|number| call.sim.hooks.notification(found.id, number));
    let row = row.ok_or_else(|| Failure::no_hook_part("NotificationNotFoundException", "notification", asked))?;
    Ok(Answer::ok(row.to_json(&found, Details::Shown)))
}

pub async fn query(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let Value::Object(mut map) = body.clone() else {
        return Err(Failure::null_argument("query"));
    };
    let world = call.sim.read().await;
    let asked: Option<Vec<Uuid>> = field(&body, "subscriptionIds")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(|id| id.as_str().and_then(|id| Uuid::try_parse(id).ok())).collect());
    let publisher = text_field(&body, "publisherId").filter(|id| !id.is_empty());
    let date = |name: &str| text_field(&body, name).and_then(|text| text.parse::<Timestamp>().ok());
    let (from, to) = (date("minCreatedDate"), date("maxCreatedDate"));
    let (status, result) = (text_field(&body, "status"), text_field(&body, "resultType"));
    let number = |name: &str| field(&body, name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let details = if bool_field(&body, "includeDetails").unwrap_or(false) { Details::Shown } else { Details::LeftOut };
    let (most, most_each) = (number("maxResults").unwrap_or(ROWS), number("maxResultsPerSubscription").unwrap_or(usize::MAX));
    let (mut results, mut summary, mut associated) = (Vec::new(), Vec::new(), Vec::new());
    for subscription in call.hooks(&world) {
        let is_meant = asked.as_ref().is_none_or(|ids| ids.contains(&subscription.id))
            && publisher.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(&subscription.publisher));
        if !is_meant {
            continue;
        }
        let rows: Vec<Notification> = call
            .sim
            .hooks
            .history(subscription.id)
            .into_iter()
            .filter(|row| from.is_none_or(|from| row.created >= from) && to.is_none_or(|to| row.created <= to))
            .filter(|row| has_status(row, status.as_deref(), result.as_deref()))
            .collect();
        summary.push(summarised(&subscription, &rows));
        associated.push(call.hook_json(&world, &subscription));
        results.extend(rows.into_iter().take(most_each).map(|row| (row.created, row.to_json(&subscription, details))));
    }
    results.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
    map.retain(|key, _| !["results", "summary", "associatedsubscriptions"].contains(&key.to_lowercase().as_str()));
    map.insert("results".to_owned(), results.into_iter().take(most).map(|(_, row)| row).collect());
    map.insert("summary".to_owned(), Value::Array(summary));
    map.insert("associatedSubscriptions".to_owned(), Value::Array(associated));
    Ok(Answer::ok(Value::Object(map)))
}

fn summarised(subscription: &Subscription, rows: &[Notification]) -> Value {
    let counts: Vec<Value> = ["pending", "succeeded", "failed"]
        .into_iter()
        .map(|word| (word, rows.iter().filter(|row| row.result.word() == word).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| json!({ "result": word, "notificationCount": count }))
        .collect();
    json!({ "subscriptionId": subscription.id, "results": counts })
}

/// Sends one notification for real and answers with what came back. The subscription need not exist yet.
pub async fn test(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let details = field(&body, "details").cloned().unwrap_or_default();
    let id = text_field(&body, "subscriptionId").and_then(|id| Uuid::try_parse(&id).ok()).unwrap_or(Uuid::nil());
    let (subscription, now) = {
        let world = call.sim.read().await;
        (tested(call, &world, id, &details)?, world.now())
    };
    let event = if call.query.is_true("useRealData") {
        let history = call.sim.hooks.history(id);
        let newest = history.first().map(|row| row.event.as_ref().clone());
        newest.ok_or_else(|| Failure::argument("useRealData", "There is no event to test with."))?
    } else {
        let event = event_of(call, &subscription.publisher, &subscription.event_type)?;
        sample::event(event).ok_or_else(|| Failure::no_event_handler(event.id))?
    };
    let sent = hooks::send_sample(&call.sim, &subscription, event, now).await?;
    Ok(Answer::ok(sent.to_json(&subscription, Details::Shown)))
}

/// The subscription that exists, or one made up from what is asked for.
fn tested(call: &Call, world: &World, id: Uuid, details: &Value) -> Result<Subscription, Failure> {
    let known = call.sim.hooks.subscription(id).filter(|row| call.face.publishes(&row.publisher));
    if let Some(known) = known {
        call.check_hooks(world, known.project, EDIT)?;
        return Ok(known);
    }
    if !id.is_nil() {
        return Err(Failure::no_subscription(&id.to_string()));
    }
    let needed = |name: &str| text_field(details, name).ok_or_else(|| Failure::null_argument(&format!("details.{name}")));
    let event = event_of(call, &needed("publisherId")?, &needed("eventType")?)?;
    let (consumer, action) = (needed("consumerId")?, needed("consumerActionId")?);
    if !consumer.eq_ignore_ascii_case(CONSUMER) || !action.eq_ignore_ascii_case(ACTION) {
        return Err(Failure::no_hook_part("ConsumerActionNotFoundException", "consumer action", &format!("{consumer}/{action}")));
    }
    let publisher_inputs = inputs(field(details, "publisherInputs"))?;
    let consumer_inputs = inputs(field(details, "consumerInputs"))?;
    check_consumer(&consumer_inputs, call.sim.hooks.loopback())?;
    let project = publisher_inputs.get("projectId").and_then(|id| Uuid::try_parse(id).ok());
    let project =
        project.ok_or_else(|| Failure::argument("projectId", "The input 'projectId' is required and must be the id of a project."))?;
    call.check_hooks(world, project, EDIT)?;
    let version =
        text_field(details, "resourceVersion").or_else(|| field(details, "event").and_then(|event| text_field(event, "resourceVersion")));
    let now = world.now();
    Ok(Subscription {
        id,
        number: 0,
        tfs_subscription_id: Uuid::nil(),
        publisher: event.publisher.to_owned(),
        event_type: event.id.to_owned(),
        resource_version: version.unwrap_or_else(|| event.versions[0].to_owned()),
        project,
        publisher_inputs,
        consumer_inputs,
        status: Status::Enabled,
        probation_retries: 0,
        last_probation_retry: None,
        probe: None,
        created_by: call.actor(),
        created: now,
        modified_by: call.actor(),
        modified: now,
        last_notification: 0,
        lost: 0,
        traced: [false; 3],
    })
}

const TRACES: [&str; 3] = ["evaluationTracing", "deliveryTracing", "deliveryResults"];

fn traces(traced: [bool; 3], now: Timestamp) -> Value {
    let rows: Map<String, Value> = TRACES
        .into_iter()
        .zip(traced)
        .filter(|(_, is_traced)| *is_traced)
        .map(|(name, _)| {
            let row = json!({
                "enabled": true, "startDate": ado_date(now), "endDate": ado_date(now), "maxTracedEntries": 25, "tracedEntries": 0,
            });
            (name.to_owned(), row)
        })
        .collect();
    Value::Object(rows)
}

pub async fn diagnostics(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let found = call.hook(&world, VIEW)?;
    Ok(Answer::ok(traces(found.traced, world.now())))
}

pub async fn set_diagnostics(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let world = call.sim.read().await;
    let found = call.hook(&world, EDIT)?;
    let wanted = TRACES.map(|name| field(&body, name).and_then(|row| bool_field(row, "enabled")));
    let traced = call.sim.hooks.trace(found.id, wanted).ok_or_else(|| Failure::no_subscription(&found.id.to_string()))?;
    Ok(Answer::ok(traces(traced, world.now())))
}
