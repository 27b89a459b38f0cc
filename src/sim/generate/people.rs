//! Who works in a generated organisation: people with made-up names, a build service, a bot, and a group that reviews.
//!
//! Limits: the people of the seeded world, with their tokens, are there too; nobody new has a token.

use serde_json::Value;
use uuid::Uuid;

use super::Ids;
use super::dice::Dice;
use crate::sim::seed;
use crate::sim::world::{Extra, User, World};

const FIRST: [&str; 40] = [
    "Amara", "Benedikt", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi", "Ines", "Jonas", "Kamila", "Liam", "Mei", "Nkechi",
    "Olu", "Priya", "Quentin", "Rosa", "Søren", "Thành", "Ulla", "Viktor", "Wanjiru", "Ximena", "Yusuf", "Zoë", "Anouk", "Bartosz",
    "Célia", "Duncan", "Esra", "Fiona", "Gustavo", "Hana", "Ivo", "Jelena", "Kwame", "Leila", "Marek", "Noor",
];

const LAST: [&str; 32] = [
    "Abara", "Brandt", "Castelli", "Duarte", "Eriksen", "Farkas", "Ghosh", "Hald", "Ionescu", "Jansen", "Kowal", "Lindgren", "Mbeki",
    "Nakano", "Obi", "Petrov", "Quist", "Rossi", "Silva", "Tran", "Ueda", "Vance", "Weiss", "Xu", "Yilmaz", "Zeman", "Ashby", "Borg",
    "Coelho", "Drake", "Engel", "Flint",
];

/// The people a generated history is about, by identity.
#[derive(Debug, Clone)]
pub(super) struct People {
    /// Those who write and review.
    pub humans: Vec<Uuid>,
    /// The identity that pipelines act with.
    pub build_service: Uuid,
    /// An ordinary account that a person would put on a list of bots.
    pub bot: Uuid,
}

/// The account name of the bot.
pub(super) const BOT: &str = "seabird-bot@lumen.example";

/// Adds them to the world.
pub(super) fn populate(world: &mut World, ids: Ids, count: usize) -> People {
    seed::people(world);
    let mut humans: Vec<Uuid> = world.users.iter().filter(|user| user.is_member && !user.is_container).map(|user| user.id).collect();
    let mut dice = Dice::new(ids.seed, "people");
    let mut names: Vec<(&str, &str)> = FIRST.iter().flat_map(|first| LAST.iter().map(move |last| (*first, *last))).collect();
    dice.shuffle(&mut names);
    for (first, last) in names {
        if humans.len() >= count {
            break;
        }
        let alias = plain(&format!("{first}.{last}"));
        if world.user_named(&alias).is_some() {
            continue;
        }
        let id = ids.of(&format!("person {alias}"));
        world.users.push(User::new(id, &format!("{first} {last}"), &format!("{alias}@lumen.example")));
        humans.push(id);
    }
    let service = ids.of("build service");
    let mut account = User::new(service, "Project Collection Build Service (lumen)", &format!("Build\\{service}"));
    account.extra = with_descriptor("svc", service);
    world.users.push(account);
    let bot = ids.of("bot");
    world.users.push(User::new(bot, "Seabird Bot", BOT));
    People { humans, build_service: service, bot }
}

/// A team that stands as a reviewer.
pub(super) fn group(world: &mut World, ids: Ids, project: &str, team: &str) -> Uuid {
    let id = ids.of(&format!("group {project} {team}"));
    let mut group = User::new(id, &format!("[{project}]\\{team}"), &format!("vstfs:///Classification/TeamProject/{id}\\{team}"));
    group.is_container = true;
    world.users.push(group);
    id
}

/// A subject descriptor of another kind than the directory's.
fn with_descriptor(kind: &str, id: Uuid) -> Extra {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let subject = Uuid::new_v5(&id, b"subject descriptor");
    let descriptor = format!("{kind}.{}", URL_SAFE_NO_PAD.encode(subject.to_string()));
    Extra::from_iter([("descriptor".to_owned(), Value::String(descriptor))])
}

/// A name without marks, as account names have them.
fn plain(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            'à'..='å' => Some('a'),
            'è'..='ë' => Some('e'),
            'ò'..='ö' | 'ø' => Some('o'),
            'ù'..='ü' => Some('u'),
            'ç' => Some('c'),
            letter if letter.is_ascii_alphanumeric() || letter == '.' => Some(letter),
            _ => None,
        })
        .collect()
}
