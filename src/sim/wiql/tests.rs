//! Queries as people and programs write them, against one row.
use jiff::Timestamp;

use super::*;

fn row(field: &str) -> Cell {
    match field.to_lowercase().as_str() {
        "system.id" => Cell::Number(12.0),
        "system.title" => Cell::Text("The gate isn't closed".to_owned()),
        "system.workitemtype" => Cell::Text("Bug".to_owned()),
        "system.teamproject" => Cell::Text("Harbor".to_owned()),
        "system.areapath" => Cell::Path("Harbor\\Tides".to_owned()),
        "system.tags" => Cell::Tags(vec!["Incident".to_owned(), "night shift".to_owned()]),
        "system.changeddate" => Cell::Date("2026-03-02T09:14:05Z".parse().unwrap()),
        "system.assignedto" => Cell::Person(vec!["Bob Tanaka".to_owned(), "bob@lumen.example".to_owned()]),
        _ => Cell::Empty,
    }
}

fn context(precision: Precision) -> Context {
    Context {
        project: Some("Harbor".to_owned()),
        me: "bob@lumen.example".to_owned(),
        now: Timestamp::from_second(1_772_500_000).unwrap(),
        precision,
    }
}

fn asked(condition: &str, precision: Precision) -> Result<bool, Broken> {
    let query = parse(&format!("SELECT [System.Id] FROM WorkItems WHERE {condition}"))?;
    holds(&query.filter.unwrap(), &row, &context(precision))
}

#[test]
fn a_whole_query_is_taken_apart() {
    let query = parse("select [System.Id], System.Title From workitems where [System.TeamProject] = @project order by [System.ChangedDate] desc, [System.Id]").unwrap();
    assert_eq!(query.fields, ["System.Id", "System.Title"]);
    assert_eq!(query.order, [("System.ChangedDate".to_owned(), Direction::Descending), ("System.Id".to_owned(), Direction::Ascending)]);
    assert_eq!(parse("SELECT [System.Id] FROM WorkItems").unwrap().filter, None);
}

#[test]
fn conditions_hold_as_their_fields_are_compared() {
    for (condition, expected) in [
        ("[System.TeamProject] = @project", true),
        ("[System.TeamProject] = 'harbor' AND [System.Id] > 11", true),
        ("[System.Id] IN (10, 11)", false),
        ("[System.Id] NOT IN (10, 11)", true),
        ("[System.WorkItemType] IN ('Bug', 'Incident')", true),
        ("[System.Tags] CONTAINS 'incident'", true),
        ("[System.Tags] CONTAINS 'night'", false),
        ("[System.Tags] NOT CONTAINS 'Incident'", false),
        ("[System.Title] CONTAINS 'isn''t'", true),
        ("[System.Title] CONTAINS WORDS \"gate\"", true),
        ("[System.AreaPath] UNDER 'Harbor'", true),
        ("[System.AreaPath] UNDER 'Har'", false),
        ("[System.AreaPath] NOT UNDER 'Harbor\\Tides'", false),
        ("[System.AreaPath] = 'Harbor'", false),
        ("[System.AssignedTo] = @me", true),
        ("[System.AssignedTo] = 'Bob Tanaka'", true),
        ("[System.AssignedTo] <> 'Carol Okafor'", true),
        ("[System.ChangedDate] >= '2026-03-02'", true),
        ("[System.ChangedDate] > '2026-03-02'", false),
        ("[System.ChangedDate] = '3/2/2026'", true),
        ("[System.ChangedDate] >= @today - 2", true),
        ("[System.ChangedDate] >= @today", false),
        ("[Custom.Thing] = ''", true),
        ("[Custom.Thing] <> 'x'", true),
        ("[Custom.Thing] IS EMPTY", true),
        ("[System.Title] IS NOT EMPTY", true),
        ("NOT ([System.Id] = 12 OR [System.Id] = 13)", false),
        ("[System.Id] = 1 AND [System.Id] = 2 OR [System.Id] = 12", true),
        ("[System.Id] = 12 OR [System.Id] = 1 AND [System.Id] = 2", true),
        ("([System.Id] = 12 OR [System.Id] = 1) AND [System.Id] = 2", false),
    ] {
        assert_eq!(asked(condition, Precision::Day), Ok(expected), "{condition}");
    }
}

#[test]
fn a_time_of_day_is_taken_only_when_asked_for() {
    let broken = asked("[System.ChangedDate] >= '2026-03-02T09:00:00Z'", Precision::Day).unwrap_err();
    assert!(broken.why.contains("date precision"), "{broken:?}");
    assert_eq!(asked("[System.ChangedDate] >= '2026-03-02T09:00:00Z'", Precision::Time), Ok(true));
    assert_eq!(asked("[System.ChangedDate] > '2026-03-02T09:14:05Z'", Precision::Time), Ok(false));
    assert_eq!(asked("[System.ChangedDate] >= '2026-03-02T09:14:05.1234567Z'", Precision::Time), Ok(false));
}

#[test]
fn what_is_no_query_is_refused_with_the_word_it_fails_at() {
    for (text, near) in [
        ("", ""),
        ("SELECT FROM", ""),
        ("SELECT [System.Id] FROM WorkItemLinks", "WorkItemLinks"),
        ("SELECT [System.Id] FROM WorkItems WHERE", ""),
        ("SELECT [System.Id] FROM WorkItems WHERE [System.Id] ~ 1", "~"),
        ("SELECT [System.Id] FROM WorkItems WHERE ([System.Id] = 1", ""),
        ("SELECT [System.Id] FROM WorkItems WHERE [System.Title] = 'open", "'open"),
        ("SELECT [System.Id] FROM WorkItems WHERE [System.Id] = 1 extra", "extra"),
        ("SELECT [System.Id FROM WorkItems", "[System.Id FROM WorkItems"),
    ] {
        let broken = parse(text).unwrap_err();
        assert!(broken.near.contains(near), "{text}: {broken:?}");
    }
    let deep = format!("SELECT [System.Id] FROM WorkItems WHERE {}[System.Id] = 1", "(".repeat(100_000));
    assert!(parse(&deep).is_err());
    let (mut without, day) = (context(Precision::Day), "[System.TeamProject] = @project");
    without.project = None;
    let query = parse(&format!("SELECT [System.Id] FROM WorkItems WHERE {day}")).unwrap();
    assert!(holds(&query.filter.unwrap(), &row, &without).is_err());
}
