//! Which work items commits and pull requests hang on, which of them are incidents, and which tickets of the board branches name.
//!
//! A ticket is linked where the key in a branch's name ([`find_key`](crate::domain::branch::find_key)) is one of the board's, of
//! whatever project, archived or not. Limits: a key of a ticket that was deleted links nothing; commits have no branch; a machine's commit
//! is told by the author that git has.
//!
//! A number that a text names is a work item where one of that number was found: `#3` in a message may be anything. Azure DevOps's own
//! links are taken as they are, and so is everything where no work item could be read at all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{Columns as _, json};
use super::connect::Engine;
use super::error::{Error, Result};
use super::production::list;
use super::work_items::target_from;
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::work_item::LinkTarget;
use crate::metrics::flow::is_machine_author;
use crate::metrics::input::{Flow, Incident, IncidentSource, Linkage, Segment};
use crate::metrics::query::{Definition, Query, Rules};

/// How many work items are named, and how many tickets.
const MOST: usize = 100;

sqlite_queries! {
    /// A tag stands in quotes in the list of tags.
    INCIDENTS = "SELECT w.project, w.number, w.title, w.area, w.created_at, w.resolved_at FROM work_items w \
        WHERE w.project IN (SELECT value FROM json_each($1)) AND (lower(w.kind) IN (SELECT value FROM json_each($2)) \
        OR EXISTS (SELECT 1 FROM json_each($3) t WHERE instr(lower(w.tags), t.value) > 0)) ORDER BY w.project, w.number";
    /// Of incidents, each the numbers of its project and its own.
    LINKS = "SELECT l.project, l.item, l.target_kind, l.repository, l.target FROM json_each($1) j CROSS JOIN work_item_links l \
        WHERE l.project = json_extract(j.value, '$[0]') AND l.item = json_extract(j.value, '$[1]') \
        ORDER BY l.project, l.item, l.target_kind, l.repository, l.target";
    COMMITS = "SELECT c.author_name, c.author_email, count(*) AS commits, coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM work_item_links l \
        WHERE l.repository = c.repository AND l.target_kind = 'commit' AND l.target = c.sha AND ($4 = 0 OR l.via = 'link' OR EXISTS (SELECT 1 \
        FROM work_items w WHERE w.project = l.project AND w.number = l.item))) THEN 1 ELSE 0 END), 0) AS linked \
        FROM json_each($1) j CROSS JOIN commits c WHERE c.repository = j.value AND c.committed_at >= $2 AND c.committed_at < $3 \
        GROUP BY c.author_name, c.author_email";
    /// As one list: a row costs more than what it says.
    ITEMS = "SELECT json_group_array(json_array(item, author_name, author_email, times)) AS items FROM (SELECT l.item, c.author_name, \
        c.author_email, count(*) AS times FROM json_each($1) j CROSS JOIN commits c CROSS JOIN work_item_links l \
        WHERE c.repository = j.value AND c.committed_at >= $2 AND c.committed_at < $3 \
        AND l.repository = c.repository AND l.target_kind = 'commit' AND l.target = c.sha GROUP BY l.item, c.author_name, c.author_email)";
    READ = "SELECT count(*) FROM json_each($1) j WHERE EXISTS (SELECT 1 FROM work_items w WHERE w.project = j.value)";
    REAL = "SELECT json_group_array(i.value) AS items FROM json_each($2) i WHERE EXISTS (SELECT 1 FROM json_each($1) j CROSS JOIN work_items w \
        WHERE w.project = j.value AND w.number = i.value) OR EXISTS (SELECT 1 FROM json_each($1) j CROSS JOIN work_item_links l \
        WHERE l.project = j.value AND l.item = i.value AND l.via = 'link')";
    TITLES = "SELECT w.number, w.title FROM json_each($1) p CROSS JOIN json_each($2) j CROSS JOIN work_items w \
        WHERE w.project = p.value AND w.number = j.value";
    TICKETS = "SELECT t.key, t.title FROM json_each($1) j CROSS JOIN tickets t WHERE t.key = j.value";
}

postgres_queries! {
    INCIDENTS_ON_SERVER = "SELECT w.project, w.number, w.title, w.area, w.created_at, w.resolved_at FROM work_items w \
        WHERE w.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) \
        AND (lower(w.kind) IN (SELECT value FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON))) \
        OR EXISTS (SELECT 1 FROM json_array_elements_text(CAST(CAST($3 AS TEXT) AS JSON)) AS t (value) WHERE strpos(lower(w.tags), t.value) > 0)) \
        ORDER BY w.project, w.number";
    LINKS_ON_SERVER = "SELECT l.project, l.item, l.target_kind, l.repository, l.target FROM work_item_links l \
        JOIN json_array_elements(CAST(CAST($1 AS TEXT) AS JSON)) AS j (value) ON l.project = CAST(j.value ->> 0 AS BIGINT) \
        AND l.item = CAST(j.value ->> 1 AS BIGINT) ORDER BY l.project, l.item, l.target_kind, l.repository, l.target";
    COMMITS_ON_SERVER = "SELECT c.author_name, c.author_email, count(*) AS commits, CAST(coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM work_item_links l \
        WHERE l.repository = c.repository AND l.target_kind = 'commit' AND l.target = c.sha AND ($4 = 0 OR l.via = 'link' OR EXISTS (SELECT 1 \
        FROM work_items w WHERE w.project = l.project AND w.number = l.item))) THEN 1 ELSE 0 END), 0) AS BIGINT) AS linked \
        FROM commits c WHERE c.repository IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) \
        AND c.committed_at >= $2 AND c.committed_at < $3 GROUP BY c.author_name, c.author_email";
    ITEMS_ON_SERVER = "SELECT CAST(coalesce(json_agg(json_build_array(item, author_name, author_email, times)), '[]') AS TEXT) AS items \
        FROM (SELECT l.item, c.author_name, c.author_email, count(*) AS times FROM commits c \
        JOIN work_item_links l ON l.repository = c.repository AND l.target_kind = 'commit' AND l.target = c.sha \
        WHERE c.repository IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) \
        AND c.committed_at >= $2 AND c.committed_at < $3 GROUP BY l.item, c.author_name, c.author_email) AS x";
    READ_ON_SERVER = "SELECT count(*) FROM work_items w \
        WHERE w.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)))";
    REAL_ON_SERVER = "SELECT CAST(coalesce(json_agg(i.item), '[]') AS TEXT) AS items FROM (SELECT CAST(value AS BIGINT) AS item FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON))) i \
        WHERE EXISTS (SELECT 1 FROM work_items w WHERE w.number = i.item \
        AND w.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)))) \
        OR EXISTS (SELECT 1 FROM work_item_links l WHERE l.item = i.item AND l.via = 'link' \
        AND l.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))))";
    TITLES_ON_SERVER = "SELECT w.number, w.title FROM work_items w \
        WHERE w.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) \
        AND w.number IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON)))";
    TICKETS_ON_SERVER = "SELECT t.key, t.title FROM tickets t \
        WHERE t.key IN (SELECT value FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)))";
}

fn on(engine: Engine, sqlite: &'static str, server: &'static str) -> &'static str {
    match engine {
        Engine::Sqlite => sqlite,
        Engine::Postgres => server,
    }
}

/// Words in lower case as one parameter. SQLite knows lower case of ASCII only, so that its words keep the others as they are.
fn words(engine: Engine, words: &[String], each: impl Fn(String) -> String) -> String {
    let lower = |word: &String| match engine {
        Engine::Sqlite => word.to_ascii_lowercase(),
        Engine::Postgres => word.to_lowercase(),
    };
    let words: Vec<String> = words.iter().map(|word| each(lower(word))).collect();
    serde_json::to_string(&words).unwrap_or_else(|_| "[]".to_owned())
}

/// A word as it stands in a list of JSON.
fn quoted(word: String) -> String {
    serde_json::to_string(&word).unwrap_or(word)
}

/// All incidents of projects with what hangs on them. One without a date of creation is none.
pub(super) async fn incidents(conn: &mut AnyConnection, engine: Engine, projects: &[ProjectId], rules: &Rules) -> Result<Vec<Incident>> {
    let rows = sqlx::query(on(engine, INCIDENTS, INCIDENTS_ON_SERVER))
        .bind(list(projects.iter().map(|id| id.0)))
        .bind(words(engine, &rules.incident_types, |word| word))
        .bind(words(engine, &rules.incident_tags, quoted))
        .fetch_all(&mut *conn)
        .await?;
    let mut found: BTreeMap<ProjectId, BTreeMap<i64, Incident>> = BTreeMap::new();
    for row in rows {
        let (project, number) = (ProjectId(row.int("project")?), row.int("number")?);
        let Some(created_at) = row.maybe_instant("created_at")? else { continue };
        let incident = Incident {
            project,
            number,
            title: row.text("title")?,
            area: row.text("area")?,
            created_at,
            resolved_at: row.maybe_instant("resolved_at")?,
            pull_requests: Vec::new(),
            commits: Vec::new(),
            builds: Vec::new(),
        };
        found.entry(project).or_default().insert(number, incident);
    }
    let hanging: Vec<(i64, i64)> =
        found.iter().flat_map(|(project, incidents)| incidents.keys().map(|number| (project.0, *number))).collect();
    if hanging.is_empty() {
        return Ok(Vec::new());
    }
    for row in sqlx::query(on(engine, LINKS, LINKS_ON_SERVER)).bind(json(&hanging)?).fetch_all(&mut *conn).await? {
        let (project, number) = (ProjectId(row.int("project")?), row.int("item")?);
        let Some(incident) = found.get_mut(&project).and_then(|incidents| incidents.get_mut(&number)) else { continue };
        match target_from(row.borrowed("target_kind")?, row.borrowed("target")?) {
            Some(LinkTarget::PullRequest { number }) => {
                incident.pull_requests.push((RepositoryId(row.int("repository")?), number));
            }
            Some(LinkTarget::Commit { sha }) => incident.commits.push(sha),
            Some(LinkTarget::Build { number }) => incident.builds.push(number),
            None => {}
        }
    }
    Ok(found.into_values().flat_map(BTreeMap::into_values).collect())
}

/// Whether failures of a project can be told from work items.
pub(super) fn source_of(project: ProjectId, incidents: &[Incident], rules: &Rules) -> IncidentSource {
    let usual = Rules::default();
    if incidents.iter().any(|incident| incident.project == project) {
        IncidentSource::Observed
    } else if (&rules.incident_types, &rules.incident_tags) != (&usual.incident_types, &usual.incident_tags)
        && !(rules.incident_types.is_empty() && rules.incident_tags.is_empty())
    {
        IncidentSource::Configured
    } else {
        IncidentSource::None
    }
}

/// How much of the window's work is linked: commits to default branches by when they were committed, pull requests by when they were
/// completed. Of these repositories, which are those that the query asks for; pull requests of its team. Without those of bots where the
/// lead time has none.
pub(super) async fn of(
    conn: &mut AnyConnection,
    engine: Engine,
    projects: &[ProjectId],
    repositories: &BTreeSet<RepositoryId>,
    query: &Query,
    flows: &[Flow],
) -> Result<Linkage> {
    let window = query.window;
    let all = list(projects.iter().map(|id| id.0));
    let asked = list(repositories.iter().map(|id| id.0));
    let millis = |at: Timestamp| at.as_millisecond();
    // As the lead time has it: only our definition leaves bots out.
    let leaves_out_bots = query.definition == Definition::Ours;
    let is_left_out = |name: &str, email: &str| leaves_out_bots && is_machine_author(name, email, &query.rules);
    let read: i64 = sqlx::query_scalar(on(engine, READ, READ_ON_SERVER)).bind(&*all).fetch_one(&mut *conn).await?;
    let rows = sqlx::query(on(engine, COMMITS, COMMITS_ON_SERVER))
        .bind(&*asked)
        .bind(millis(window.from))
        .bind(millis(window.to))
        .bind(read.min(1))
        .fetch_all(&mut *conn)
        .await?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let mut linkage = Linkage::default();
    for row in rows {
        let commits = count(row.int("commits")?);
        if is_left_out(row.borrowed("author_name")?, row.borrowed("author_email")?) {
            linkage.bot_commits += commits;
        } else {
            linkage.commits += commits;
            linkage.linked_commits += count(row.int("linked")?);
        }
    }

    // Work items have their numbers from the organisation: a project's pull request may hang on another one's.
    let mut times: HashMap<i64, u64> = HashMap::new();
    let mut real: Option<HashSet<i64>> = None;
    if linkage.linked_commits > 0 {
        let row = sqlx::query(on(engine, ITEMS, ITEMS_ON_SERVER))
            .bind(&*asked)
            .bind(millis(window.from))
            .bind(millis(window.to))
            .fetch_one(&mut *conn)
            .await?;
        let items: Vec<(i64, String, String, i64)> = row.json("items")?;
        for (item, name, email, of_author) in items {
            if !is_left_out(&name, &email) {
                *times.entry(item).or_default() += count(of_author);
            }
        }
    }
    let is_asked = |flow: &&Flow| {
        repositories.contains(&flow.repository)
            && query.team.as_ref().is_none_or(|team| team.members.contains(&flow.author))
            && flow.status == PullRequestStatus::Completed
            && flow.closed_at.is_some_and(|at| window.contains(at))
    };
    let (of_bots, flows): (Vec<&Flow>, Vec<&Flow>) =
        flows.iter().filter(is_asked).partition(|flow| leaves_out_bots && flow.segment == Segment::Bot);
    linkage.bot_pull_requests = of_bots.len() as u64;
    if read > 0 {
        let named: BTreeSet<i64> = flows.iter().flat_map(|flow| flow.items.iter().copied()).chain(times.keys().copied()).collect();
        real = Some(known(&mut *conn, engine, &all, &named).await?);
    }
    let is_real = |item: &i64| real.as_ref().is_none_or(|real| real.contains(item));
    times.retain(|item, _| is_real(item));
    let mut tickets = tickets(&mut *conn, engine, &flows).await?;
    for flow in flows {
        let ticket = flow.ticket.as_ref().and_then(|key| tickets.get_mut(key));
        let has_item = flow.items.iter().any(is_real);
        linkage.pull_requests += 1;
        linkage.linked_pull_requests += u64::from(has_item);
        linkage.ticketed_pull_requests += u64::from(ticket.is_some());
        linkage.traced_pull_requests += u64::from(ticket.is_some() || has_item);
        for item in flow.items.iter().filter(|item| is_real(item)) {
            *times.entry(*item).or_default() += 1;
        }
        if let Some((_, times)) = ticket {
            *times += 1;
        }
    }
    linkage.tickets = tickets.into_iter().map(|(key, (title, times))| (key, title, times)).collect();
    linkage.tickets.sort_by(|(one, _, less), (other, _, more)| more.cmp(less).then_with(|| one.cmp(other)));
    linkage.tickets.truncate(MOST);

    let mut most: Vec<(i64, u64)> = times.into_iter().collect();
    most.sort_unstable_by_key(|(item, times)| (std::cmp::Reverse(*times), *item));
    most.truncate(MOST);
    let mut titles: HashMap<i64, String> = HashMap::new();
    if !most.is_empty() {
        let query = sqlx::query(on(engine, TITLES, TITLES_ON_SERVER)).bind(&*all).bind(list(most.iter().map(|(item, _)| *item)));
        for row in query.fetch_all(&mut *conn).await? {
            titles.insert(row.int("number")?, row.text("title")?);
        }
    }
    linkage.items = most.into_iter().map(|(item, times)| (item, titles.remove(&item).unwrap_or_default(), times)).collect();
    Ok(linkage)
}

/// Which of the numbers are work items, as far as these projects know.
async fn known(conn: &mut AnyConnection, engine: Engine, projects: &str, named: &BTreeSet<i64>) -> Result<HashSet<i64>> {
    if named.is_empty() {
        return Ok(HashSet::new());
    }
    let query = sqlx::query(on(engine, REAL, REAL_ON_SERVER)).bind(projects.to_owned()).bind(list(named.iter().copied()));
    query.fetch_one(conn).await?.json("items")
}

/// The tickets of the board that branches name, with their titles, none counted yet.
async fn tickets(conn: &mut AnyConnection, engine: Engine, flows: &[&Flow]) -> Result<HashMap<TicketKey, (String, u64)>> {
    let named: BTreeSet<&TicketKey> = flows.iter().filter_map(|flow| flow.ticket.as_ref()).collect();
    let mut found = HashMap::with_capacity(named.len());
    if named.is_empty() {
        return Ok(found);
    }
    for row in sqlx::query(on(engine, TICKETS, TICKETS_ON_SERVER)).bind(json(&named)?).fetch_all(conn).await? {
        let key = TicketKey::parse(row.borrowed("key")?).map_err(|error| Error::unreadable(error.to_string()))?;
        found.insert(key, (row.text("title")?, 0));
    }
    Ok(found)
}
