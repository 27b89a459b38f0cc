//! Work items of a planned history: what pull requests were made for, incidents that followed deployments, and plain bugs.
//!
//! Numbers follow the dates of creation. Limits: states of the Agile process; no hierarchy.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::Dice;
use super::history::History;
use super::layout::Layout;
use super::request::Link;
use super::runs::Runs;
use super::{Window, words};
use crate::sim::world::PrState;

/// A work item as it is planned.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub id: i32,
    pub project: usize,
    pub area: String,
    pub kind: &'static str,
    pub title: String,
    pub tags: Vec<&'static str>,
    pub by: Uuid,
    pub created: Timestamp,
    /// The states it went through after `New`.
    pub states: Vec<(&'static str, Timestamp)>,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The index of the pull request.
    Request(usize),
    /// The index of the shipment that it followed.
    Incident(usize),
    Bug,
}

/// Plans the items, and names them in the texts of the pull requests that belong to them.
pub(super) fn plan(layout: &Layout, history: &mut History, runs: &Runs, seed: u64, window: Window) -> Vec<Item> {
    let mut dice = Dice::new(seed, "items");
    let mut items = Vec::new();
    for_requests(layout, history, &mut dice, &mut items);
    incidents(layout, runs, window, &mut dice, &mut items);
    items.sort_by_key(|item| item.created);
    for (id, item) in (1001..).zip(&mut items) {
        item.id = id;
    }
    for item in &items {
        let Why::Request(index) = item.why else { continue };
        let request = &mut history.requests[index];
        request.work_item = Some(item.id);
        match request.wish.link {
            Link::Commit => {
                if let Some(commit) = request.commits.first_mut() {
                    commit.message = format!("{}\n\nFixes AB#{}", commit.message, item.id);
                }
            }
            Link::Description => request.description = format!("{}\n\nResolves #{}.", request.description, item.id),
            _ => {}
        }
    }
    items
}

fn for_requests(layout: &Layout, history: &History, dice: &mut Dice, items: &mut Vec<Item>) {
    for (index, request) in history.requests.iter().enumerate() {
        if !matches!(request.wish.link, Link::Commit | Link::Description | Link::Artifact) {
            continue;
        }
        let place = &layout.places[request.place];
        let created = request.branched - dice.minutes(600, 14 * 1440);
        let mut states = vec![("Active", request.branched)];
        if let (PrState::Completed, Some(closed)) = (request.state, request.closed) {
            states.push(("Resolved", closed));
            states.push(("Closed", closed + SignedDuration::from_mins(9)));
        }
        items.push(Item {
            id: 0,
            project: place.project,
            area: format!("{}\\{}", place.project_name, place.name),
            kind: dice.pick(&["User Story", "Task", "User Story", "Bug"]),
            title: request.title.clone(),
            tags: Vec::new(),
            by: dice.pick(&place.team),
            created,
            states,
            why: Why::Request(index),
        });
    }
}

/// After some deployments something breaks, and before the next one somebody says so; other bugs are nobody's fault.
fn incidents(layout: &Layout, runs: &Runs, window: Window, dice: &mut Dice, items: &mut Vec<Item>) {
    for (place_index, place) in layout.places.iter().enumerate() {
        let mut done: Vec<(usize, Timestamp)> = runs
            .shipments
            .iter()
            .enumerate()
            .filter(|(_, row)| row.place == Some(place_index) && row.outcome.is_success())
            .filter_map(|(index, row)| row.at.map(|at| (index, at)))
            .collect();
        done.sort_by_key(|(_, at)| *at);
        for (turn, (index, at)) in done.iter().enumerate() {
            let until = done.get(turn + 1).map_or(window.last(), |(_, next)| *next).min(*at + SignedDuration::from_hours(71));
            let has_room = *at >= window.first() && *at + SignedDuration::from_hours(2) < until;
            if has_room && (turn + place_index) % 8 == 3 {
                let room = until.duration_since(*at).as_mins();
                let created = *at + dice.minutes(8, (room - 10).clamp(9, 20 * 60));
                items.push(incident(place_index, layout, (*index, created), window, dice));
            }
        }
        let bugs = if place_index % 2 == 0 { 1 } else { 0 };
        for _ in 0..bugs {
            let created = window.first() + dice.minutes(60, 25 * 1440);
            items.push(Item {
                id: 0,
                project: place.project,
                // Not in the area of the service, so that nobody takes it for an incident of it.
                area: place.project_name.to_owned(),
                kind: "Bug",
                title: format!("Typing error near {}", words::title(dice).to_lowercase()),
                tags: vec!["cosmetic"],
                by: dice.pick(&place.team),
                created,
                states: Vec::new(),
                why: Why::Bug,
            });
        }
    }
}

fn incident(place: usize, layout: &Layout, (shipment, created): (usize, Timestamp), window: Window, dice: &mut Dice) -> Item {
    let place = &layout.places[place];
    let mut states = vec![("Active", created + dice.minutes(1, 15))];
    let resolved = created + dice.minutes(25, 12 * 60);
    if dice.chance(85) && resolved < window.last() {
        states.push(("Resolved", resolved));
        if dice.chance(60) {
            states.push(("Closed", (resolved + dice.minutes(20, 900)).min(window.last())));
        }
    }
    let is_typed = dice.chance(40);
    Item {
        id: 0,
        project: place.project,
        area: format!("{}\\{}", place.project_name, place.name),
        kind: if is_typed { "Incident" } else { "Bug" },
        title: format!("{} is slow or down", place.name),
        tags: if is_typed { Vec::new() } else { vec!["Incident", "customer"] },
        by: dice.pick(&place.team),
        created,
        states,
        why: Why::Incident(shipment),
    }
}
