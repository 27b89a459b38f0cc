//! Service hooks: who wants to be told of what, and telling them for real, with the service's patience and its forgetting.
//!
//! What is due is decided by the world's clock, which runs with real time and jumps when told to. Deeds only publish, under the
//! world's lock and without waiting; everything that waits is in background tasks. Limits: subscriptions, history and what is
//! still to be sent are written beside the world once a second and at the end, so a killed simulator may forget a second.
pub mod catalogue;
mod deliver;
mod desk;
pub mod event;
pub mod faults;
pub mod notification;
pub mod payload;
pub mod retry;
pub mod subscription;
pub mod target;

#[cfg(test)]
mod tests;

use uuid::Uuid;

use super::host::{Host, Sim};
use super::world::{Permission, World};
use event::{Facts, Happening};

pub use deliver::{send_sample, work};
pub use desk::{Delivered, Desk, Fate, Idle, seed};
pub use target::Loopback;

/// Tells everybody who wants to know, and answers how many that are. Whoever changed the world calls it before letting go
/// of the lock.
pub fn publish(sim: &Host, world: &World, happening: &Happening<'_>) -> usize {
    let event_type = happening.event_type();
    if !sim.hooks.is_wanted(event_type) {
        return 0;
    }
    let Some(facts) = payload::facts(world, happening) else {
        return 0;
    };
    let takers = sim.hooks.takers(event_type, &facts, |who| may_see(world, who, &facts));
    if takers.is_empty() {
        return 0;
    }
    let Some(told) = payload::tell(world, &sim.site, happening) else {
        return 0;
    };
    let publisher = catalogue::event_type_named(event_type).map_or("tfs", |kind| kind.publisher);
    let event = payload::event(world, &sim.site, (publisher, event_type), facts.project, told);
    sim.hooks.enqueue(&takers, event, world.now());
    takers.len()
}

/// Tells of a thing this world does not have; answers to how many.
pub fn publish_invented(
    sim: &Sim,
    world: &World,
    place: &payload::invented::Place<'_>,
    kind: &catalogue::EventType,
    sketch: &payload::invented::Sketch,
) -> Option<usize> {
    let (facts, told) = payload::invented::tell(place, kind.id, sketch)?;
    let takers = sim.hooks.takers(kind.id, &facts, |who| may_see(world, who, &facts));
    if !takers.is_empty() {
        let event = payload::event(world, &sim.site, (kind.publisher, kind.id), facts.project, told);
        sim.hooks.enqueue(&takers, event, world.now());
    }
    Some(takers.len())
}

/// A subscription fires only for what its creator may see.
fn may_see(world: &World, who: Uuid, facts: &Facts) -> bool {
    world
        .project_by_id(facts.project)
        .is_some_and(|project| project.is_visible_to(who) && (!facts.about_builds || project.shows_builds_to(who)))
        && facts.repository.and_then(|id| world.repository(id)).is_none_or(|row| row.permits(who, Permission::GenericRead))
}
