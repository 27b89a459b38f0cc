//! The organisation a newcomer meets: lumen, which runs a harbour, with a past, people and open pull requests.
//!
//! The same seed and start give the same ids, object ids and dates, to the second. Limits: the content is one story told
//! in code (`harbor`), with its files under `assets/demo`; the seed changes ids and the seconds of dates, not the story.

mod delivery;
mod harbor;
mod month;
mod story;
mod work_items;

#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::git::GitError;
use super::world::{Denial, Permission, Project, Repository, Team, TeamMember, Token, User, World};
pub(in crate::sim) use harbor::BUILD;
use story::Story;

/// The person who sits in front of a demo.
pub const PROTAGONIST: &str = "alice";

/// Names before the `@`, and as displayed. `frank` is of the directory and not of the organisation.
const PEOPLE: [(&str, &str); 6] = [
    ("alice", "Alice Moreau"),
    ("bob", "Bob Tanaka"),
    ("carol", "Carol Okafor"),
    ("dave", "Dave Lindqvist"),
    ("erin", "Erin Castellanos"),
    ("frank", "Frank Weber"),
];

/// Every scope that the product asks for.
pub const PRODUCT_SCOPES: [&str; 8] =
    ["vso.code_write", "vso.threads_full", "vso.project", "vso.graph", "vso.build", "vso.work", "vso.release", "vso.environment_manage"];

/// Tokens with all of them but one: name, what is missing, note.
const LACKING: [(&str, &str, &str); 6] = [
    ("alice-no-threads-token", "vso.threads_full", "every scope but Pull Request Threads"),
    ("alice-no-graph-token", "vso.graph", "every scope but Graph"),
    ("alice-no-build-token", "vso.build", "every scope but Build"),
    ("alice-no-work-token", "vso.work", "every scope but Work Items"),
    ("alice-no-release-token", "vso.release", "every scope but Release"),
    ("alice-no-environment-token", "vso.environment_manage", "every scope but Environment"),
];

/// What the last thirty days were like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Month {
    /// Nothing was merged, and old states of main were deployed.
    Quiet,
    /// There is something to measure.
    Busy,
}

/// Fills an empty world and its repositories below `git_root`.
pub fn seed(world: &mut World, git_root: &Path, seed: u64, start: Timestamp, last: Month) -> Result<(), GitError> {
    let ids = Ids { seed };
    add_people(world, ids);
    if last == Month::Busy {
        world.users.push(month::bot(ids.person("renovate-bot")));
    }
    places(world, ids, start);
    let mut story = Story::new(world, git_root, seed, start);
    harbor::tell(&mut story, last)?;
    delivery::tell(&mut story, last);
    work_items::tell(&mut story, last);
    Ok(())
}

/// The users and tokens alone, for a world whose other content is loaded.
pub fn people(world: &mut World) {
    add_people(world, Ids { seed: 1 });
}

/// Ids that follow from the seed and a name.
#[derive(Debug, Clone, Copy)]
struct Ids {
    seed: u64,
}

impl Ids {
    fn of(self, what: &str) -> Uuid {
        let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("kanado simulator {}", self.seed).as_bytes());
        Uuid::new_v5(&space, what.as_bytes())
    }

    fn person(self, alias: &str) -> Uuid {
        self.of(&format!("person {alias}"))
    }
}

fn add_people(world: &mut World, ids: Ids) {
    for (alias, display_name) in PEOPLE {
        let id = ids.person(alias);
        let mut user = User::new(id, display_name, &format!("{alias}@lumen.example"));
        user.is_member = alias != "frank";
        user.is_administrator = alias == PROTAGONIST;
        world.users.push(user);
    }
    for (alias, _) in PEOPLE.iter().take(5) {
        world.tokens.push(Token::full(ids.person(alias), &format!("{alias}-token"), "everything"));
    }
    let alice = ids.person(PROTAGONIST);
    let scoped: [(&str, &[&str], &str); 4] = [
        ("alice-read-token", &["vso.code"], "reads code, writes nothing"),
        ("alice-code-token", &["vso.code_write", "vso.project"], "code and projects, no people"),
        ("alice-graph-token", &["vso.code_write", "vso.project", "vso.graph"], "code, projects and graph, no identities"),
        ("alice-build-token", &["vso.build"], "valid, and of no use to a board"),
    ];
    for (token, scopes, note) in scoped {
        world.tokens.push(Token::scoped(alice, token, scopes, note));
    }
    let reading = ["vso.code", "vso.project", "vso.graph", "vso.build", "vso.work", "vso.release", "vso.environment_manage"];
    world.tokens.push(Token::scoped(alice, "alice-figures-token", &reading, "reads all there is, writes nothing"));
    world.tokens.push(Token::scoped(alice, "alice-product-token", &PRODUCT_SCOPES, "every scope that the product asks for"));
    for (name, lacking, note) in LACKING {
        let scopes: Vec<&str> = PRODUCT_SCOPES.iter().copied().filter(|scope| *scope != lacking).collect();
        world.tokens.push(Token::scoped(alice, name, &scopes, note));
    }
    world.tokens.push(Token::scoped(alice, "alice-code-only-token", &["vso.code_write"], "code and nothing else"));
    let expired = Token {
        expires: Some(world.now() - SignedDuration::from_hours(24)),
        ..Token::full(alice, "alice-expired-token", "expired yesterday")
    };
    world.tokens.push(expired);
    world.tokens.push(Token::full(ids.person("frank"), "frank-token", "of the directory, not a member of the organisation"));
}

fn places(world: &mut World, ids: Ids, start: Timestamp) {
    let long_ago = start - SignedDuration::from_hours(24 * 90);
    let member = |alias: &str| TeamMember { user: ids.person(alias), is_admin: alias == PROTAGONIST };
    let team = |project: &str, name: &str, description: &str, members: &[&str]| Team {
        id: ids.of(&format!("team {project} {name}")),
        name: name.to_owned(),
        description: description.to_owned(),
        members: members.iter().map(|alias| member(alias)).collect(),
        extra: Default::default(),
    };
    let mut harbor = Project::new(ids.of("project Harbor"), "Harbor", long_ago);
    harbor.description = Some("Tides, berths and pilots".to_owned());
    harbor.teams = vec![
        team("Harbor", "Harbor Team", "The default project team.", &["alice", "bob", "carol", "dave", "erin"]),
        team("Harbor", "Tides", "Whoever looks after the water level.", &["alice", "bob", "dave"]),
    ];
    harbor.default_team = Some(harbor.teams[0].id);
    let mut quay = Project::new(ids.of("project Quay"), "Quay", long_ago);
    quay.description = Some("Cranes and manifests".to_owned());
    quay.teams = vec![team("Quay", "Quay Team", "The default project team.", &["alice", "carol"])];
    quay.default_team = Some(quay.teams[0].id);
    // Somebody for whom the project must look as if it did not exist.
    quay.hidden_from = vec![ids.person("erin")];
    let repository = |project: &Project, name: &str| Repository::new(ids.of(&format!("repository {name}")), project.id, name);
    let mut tide_api = repository(&harbor, "tide-api");
    tide_api.denied = [Permission::GenericContribute, Permission::CreateBranch, Permission::PullRequestContribute]
        .map(|permission| Denial { user: ids.person("erin"), permission })
        .to_vec();
    let mut crane_control = repository(&quay, "crane-control");
    crane_control.is_disabled = true;
    world.repositories.extend([
        tide_api,
        repository(&harbor, "harbor-web"),
        repository(&harbor, "pilot-cli"),
        repository(&harbor, "ops"),
        repository(&quay, "manifest"),
        crane_control,
    ]);
    world.projects.extend([harbor, quay]);
}
