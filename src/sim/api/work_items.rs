//! Work items: found by a query, fetched in batches of 200, and found by what they are linked to.
//!
//! What somebody may not see does not exist. Queries answer ids only and refuse to answer more than 20,000. Limits: nothing is
//! written here; a whole item has no history.
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::render_work_item::known_field;
use super::{Call, field, text_field};
use crate::sim::reply::{Answer, Failure};
use crate::sim::wiql::{Broken, Cell, Context, Direction, Kind, Precision, holds, parse};
use crate::sim::world::{WorkItem, World, ado_date};

const MOST_FOUND: usize = 20_000;
const LARGEST_BATCH: usize = 200;

fn is_visible(call: &Call, world: &World, item: &WorkItem) -> bool {
    !item.is_deleted && world.project_by_id(item.project).is_some_and(|project| project.is_visible_to(call.actor()))
}

fn refused(broken: Broken) -> Failure {
    Failure::query(&broken.why, &broken.near)
}

pub async fn query(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?;
    let text = text_field(&call.json()?, "query").ok_or_else(|| Failure::null_argument("query"))?;
    let query = parse(&text).map_err(refused)?;
    let precision = if call.query.is_true("timePrecision") { Precision::Time } else { Precision::Day };
    let context = Context {
        project: scope.map(|project| project.name.clone()),
        me: call.caller.user.unique_name.clone(),
        now: world.now(),
        precision,
    };
    let find = |name: &str| {
        known_field(&world, name)
            .ok_or_else(|| Failure::query("TF51005: The query references a field that does not exist.", &format!("[{name}]")))
    };
    let columns = query.fields.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    let conditions = query.filter.iter().flat_map(|filter| filter.conditions());
    let used = conditions.map(|condition| condition.field.as_str()).chain(query.order.iter().map(|(name, _)| name.as_str()));
    let used = used.map(|name| Ok((name.to_lowercase(), find(name)?))).collect::<Result<Vec<_>, Failure>>()?;
    let render = call.renderer(&world);
    let cell = |item: &WorkItem, name: &str| {
        let name = name.to_lowercase();
        let known = used.iter().find(|(asked, _)| *asked == name);
        known.map_or(Cell::Empty, |(_, (reference, _, kind))| render.cell_of(item, reference, *kind))
    };
    let mut found: Vec<&WorkItem> = Vec::new();
    for item in world.work_items.values().filter(|item| is_visible(call, &world, item)) {
        let fits = query.filter.as_ref().map_or(Ok(true), |filter| holds(filter, &|name| cell(item, name), &context));
        if fits.map_err(refused)? {
            found.push(item);
        }
    }
    // A mistake in the query is one also where no item gets that far.
    if let (true, Some(filter)) = (found.is_empty(), &query.filter) {
        for condition in filter.conditions() {
            let kind = used.iter().find(|(name, _)| *name == condition.field.to_lowercase()).map(|(_, (_, _, kind))| *kind);
            let sample = if kind == Some(Kind::Date) { Cell::Date(world.now()) } else { Cell::Empty };
            holds(&crate::sim::wiql::Filter::Is(condition.clone()), &|_| sample.clone(), &context).map_err(refused)?;
        }
    }
    for (name, direction) in query.order.iter().rev() {
        found.sort_by(|left, right| {
            let order = compare(&cell(left, name), &cell(right, name));
            if *direction == Direction::Descending { order.reverse() } else { order }
        });
    }
    match call.query.number("$top")? {
        Some(top) => found.truncate(top.min(MOST_FOUND)),
        None if found.len() > MOST_FOUND => return Err(Failure::query_result_too_large()),
        None => {}
    }
    let shown = |(reference, name): (&str, &str)| json!({ "referenceName": reference, "name": name, "url": call.sim.site.api(&format!("wit/fields/{reference}")) });
    let mut answer = json!({
        "queryType": "flat",
        "queryResultType": "workItem",
        "asOf": ado_date(world.now()),
        "columns": columns.iter().map(|(reference, name, _)| shown((reference, name))).collect::<Vec<_>>(),
        "workItems": found.iter().map(|item| render.work_item_ref(item.id)).collect::<Vec<_>>(),
    });
    if !query.order.is_empty() {
        let mut sorted = Vec::new();
        for (name, direction) in &query.order {
            let (reference, shown_name, _) = find(name)?;
            sorted.push(json!({ "field": shown((&reference, &shown_name)), "descending": *direction == Direction::Descending }));
        }
        answer["sortColumns"] = json!(sorted);
    }
    Ok(Answer::ok(answer))
}

fn compare(left: &Cell, right: &Cell) -> std::cmp::Ordering {
    match (left, right) {
        (Cell::Number(left), Cell::Number(right)) => left.total_cmp(right),
        (Cell::Date(left), Cell::Date(right)) => left.cmp(right),
        (Cell::Empty, Cell::Empty) => std::cmp::Ordering::Equal,
        (Cell::Empty, _) => std::cmp::Ordering::Less,
        (_, Cell::Empty) => std::cmp::Ordering::Greater,
        (left, right) => text(left).cmp(&text(right)),
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Path(text) => text.to_lowercase(),
        Cell::Person(names) => names.first().map(|name| name.to_lowercase()).unwrap_or_default(),
        Cell::Tags(tags) => tags.join("; ").to_lowercase(),
        Cell::Number(_) | Cell::Date(_) | Cell::Empty => String::new(),
    }
}

/// What a request for several items asks for.
struct Wanted {
    ids: Vec<i32>,
    fields: Option<Vec<String>>,
    expand: String,
    omits_missing: bool,
}

pub async fn batch(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let ids = field(&body, "ids").and_then(Value::as_array).ok_or_else(|| Failure::null_argument("ids"))?;
    let number = |value: &Value| value.as_i64().and_then(|id| i32::try_from(id).ok()).ok_or_else(|| Failure::out_of_range("ids"));
    let fields = field(&body, "fields").and_then(Value::as_array);
    let wanted = Wanted {
        ids: ids.iter().map(number).collect::<Result<_, _>>()?,
        fields: fields.map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()),
        expand: text_field(&body, "$expand").unwrap_or_default().to_lowercase(),
        omits_missing: text_field(&body, "errorPolicy").is_some_and(|word| word.eq_ignore_ascii_case("omit")),
    };
    several(call, wanted).await
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.get("ids").ok_or_else(|| Failure::null_argument("ids"))?;
    let wanted = Wanted {
        ids: ids.split(',').map(|id| id.trim().parse().map_err(|_| Failure::out_of_range("ids"))).collect::<Result<_, _>>()?,
        fields: call.query.get("fields").map(|names| names.split(',').map(|name| name.trim().to_owned()).collect()),
        expand: call.query.get("$expand").unwrap_or_default().to_lowercase(),
        omits_missing: call.query.get("errorPolicy").is_some_and(|word| word.eq_ignore_ascii_case("omit")),
    };
    several(call, wanted).await
}

async fn several(call: &Call, wanted: Wanted) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?.map(|project| project.id);
    if wanted.ids.len() > LARGEST_BATCH {
        return Err(Failure::too_many_work_items());
    }
    if wanted.ids.is_empty() {
        return Err(Failure::null_argument("ids"));
    }
    if wanted.fields.is_some() && !wanted.expand.is_empty() && wanted.expand != "none" {
        return Err(Failure::conflicting_parameters());
    }
    let fields = wanted
        .fields
        .map(|names| {
            let known = |name: &String| known_field(&world, name).map(|(reference, _, _)| reference).ok_or_else(|| Failure::no_field(name));
            names.iter().map(known).collect::<Result<Vec<_>, _>>()
        })
        .transpose()?;
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for id in wanted.ids.iter().filter(|id| seen.insert(**id)) {
        let found =
            world.work_item(*id).filter(|item| is_visible(call, &world, item) && scope.is_none_or(|project| project == item.project));
        match found {
            Some(item) => rows.push(Value::Object(shown(call, &world, item, fields.as_deref(), &wanted.expand))),
            None if wanted.omits_missing => rows.push(Value::Null),
            None => return Err(Failure::no_work_item(&id.to_string())),
        }
    }
    Ok(Answer::list(rows))
}

fn shown(call: &Call, world: &World, item: &WorkItem, fields: Option<&[String]>, expand: &str) -> Map<String, Value> {
    let render = call.renderer(world);
    let mut map = render.work_item(item, fields);
    if matches!(expand, "relations" | "all" | "1" | "4")
        && let Some(relations) = render.relations(item)
    {
        map.insert("relations".to_owned(), relations);
    }
    if matches!(expand, "links" | "all" | "3" | "4") {
        map.insert("_links".to_owned(), render.work_item_links(item));
    }
    map
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?.map(|project| project.id);
    let asked = call.capture("item");
    let found = asked.parse().ok().and_then(|id| world.work_item(id));
    let item = found
        .filter(|item| is_visible(call, &world, item) && scope.is_none_or(|project| project == item.project))
        .ok_or_else(|| Failure::no_work_item(asked))?;
    let expand = call.query.get("$expand").unwrap_or_default().to_lowercase();
    let mut map = shown(call, &world, item, None, &expand);
    map.insert("_links".to_owned(), call.renderer(&world).work_item_links(item));
    Ok(Answer::ok(Value::Object(map)))
}

/// Which items are linked to artifacts: pull requests, commits, builds, branches.
pub async fn by_artifact(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?.map(|project| project.id);
    let body = call.json()?;
    let uris = field(&body, "artifactUris").and_then(Value::as_array).ok_or_else(|| Failure::null_argument("artifactUris"))?;
    let render = call.renderer(&world);
    let mut result = Map::new();
    for uri in uris.iter().filter_map(Value::as_str) {
        let wanted = uri.to_lowercase();
        let rows: Vec<Value> = world
            .work_items
            .values()
            .filter(|item| scope.is_none_or(|project| project == item.project) && is_visible(call, &world, item))
            .filter(|item| item.relations.iter().any(|relation| relation.url.to_lowercase() == wanted))
            .map(|item| render.work_item_ref(item.id))
            .collect();
        result.insert(uri.to_owned(), json!(rows));
    }
    Ok(Answer::ok(json!({ "artifactUrisQueryResult": result })))
}
