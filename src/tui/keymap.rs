//! From keys to intents: the catalogue's defaults, changed by what a person wrote under `[keys]`.
//!
//! Sequences (`g b`) are followed key by key; where one key both acts and begins a sequence, the sequence wins. In contexts that take
//! text no printable key is ever bound, whatever the configuration says.

use std::collections::BTreeMap;

use super::actions::{ACTIONS, Action, Context};
use super::intent::Intent;
use super::key::{self, Key};
use crate::notice::Notice;

/// One line under `[keys]`: the action's id, the keys as written (none: unbound), and the line in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub action: String,
    pub keys: Vec<String>,
    /// `config.toml:12`, for messages.
    pub place: String,
}

/// What the keys pressed so far mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Intent(Intent),
    /// The beginning of a longer sequence.
    Prefix,
    Nothing,
}

#[derive(Debug, Clone)]
struct Binding {
    context: Context,
    keys: Vec<Key>,
    action: &'static Action,
}

/// The bindings of every context.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).0
    }
}

impl Keymap {
    /// The catalogue's keys with a person's changes, and what is wrong with those. A change that is wrong is left out, so that the
    /// program stays usable.
    pub fn new(overrides: &[Override]) -> (Self, Vec<Notice>) {
        let mut wrong = Vec::new();
        let mut chosen: BTreeMap<&'static str, (Vec<Vec<Key>>, &str)> = BTreeMap::new();
        for change in overrides {
            let Some(action) = ACTIONS.iter().find(|action| action.id == change.action) else {
                let near = nearest(&change.action);
                wrong.push(
                    Notice::new(format!("{}: there is no action `{}`", change.place, change.action))
                        .hint(format!("did you mean `{near}`? `?` lists every action")),
                );
                continue;
            };
            let mut keys = Vec::new();
            for text in &change.keys {
                match Key::parse_sequence(text) {
                    Ok(sequence) if action.contexts.iter().all(|c| c.takes_text()) && sequence[0].typed().is_some() => {
                        wrong.push(Notice::new(format!("{}: `{text}` types text where `{}` applies", change.place, action.id)));
                    }
                    Ok(sequence) => keys.push(sequence),
                    Err(error) => wrong.push(Notice::new(format!("{}: {error}", change.place))),
                }
            }
            chosen.insert(action.id, (keys, &change.place));
        }

        let mut bindings: Vec<Binding> = Vec::new();
        // A person's own bindings first: a default that collides with one of them gives way.
        for own in [true, false] {
            for action in ACTIONS {
                let keys = match chosen.get(action.id) {
                    Some((keys, _)) if own => keys.clone(),
                    None if !own => action.keys.iter().filter_map(|text| Key::parse_sequence(text).ok()).collect(),
                    _ => continue,
                };
                for keys in keys {
                    for context in action.contexts {
                        if context.takes_text() && keys[0].typed().is_some() {
                            continue;
                        }
                        let taken = bindings.iter().find(|b| b.context == *context && collides(&b.keys, &keys));
                        match (taken, chosen.get(action.id)) {
                            (None, _) => bindings.push(Binding { context: *context, keys: keys.clone(), action }),
                            (Some(other), Some((_, place))) => wrong.push(Notice::new(format!(
                                "{place}: `{}` is bound to both `{}` and `{}` on the {} screen",
                                key::words(&keys),
                                other.action.id,
                                action.id,
                                context.title()
                            ))),
                            (Some(_), None) => {}
                        }
                    }
                }
            }
        }
        wrong.dedup();
        (Self { bindings }, wrong)
    }

    /// What a sequence means in a context.
    pub fn meaning(&self, context: Context, keys: &[Key]) -> Meaning {
        let mut found = Meaning::Nothing;
        for binding in self.bindings.iter().filter(|b| b.context == context && b.keys.starts_with(keys)) {
            if binding.keys.len() > keys.len() {
                return Meaning::Prefix;
            }
            found = Meaning::Intent(binding.action.intent);
        }
        found
    }

    /// How an action is reached in a context, in words: `g b`. The first binding is the one shown.
    pub fn shown(&self, context: Context, intent: Intent) -> Option<String> {
        self.bindings.iter().find(|b| b.context == context && b.action.intent == intent).map(|b| key::words(&b.keys))
    }

    /// All the ways to reach an action in a context: `j  Down`.
    pub fn all_shown(&self, context: Context, intent: Intent) -> Vec<String> {
        self.bindings.iter().filter(|b| b.context == context && b.action.intent == intent).map(|b| key::words(&b.keys)).collect()
    }

    /// What may follow the keys pressed so far: the next key and what it does.
    pub fn continuations(&self, context: Context, keys: &[Key]) -> Vec<(String, &'static Action)> {
        self.bindings
            .iter()
            .filter(|b| b.context == context && b.keys.len() > keys.len() && b.keys.starts_with(keys))
            .map(|b| (key::words(&b.keys[keys.len()..]), b.action))
            .collect()
    }
}

/// One is the other, or begins it.
fn collides(a: &[Key], b: &[Key]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// The id most like a mistyped one: the one that shares most of its letters in order.
fn nearest(text: &str) -> &'static str {
    let shared = |id: &str| {
        let mut rest = id.chars();
        text.chars().filter(|c| rest.any(|d| d == *c)).count()
    };
    ACTIONS.iter().map(|action| action.id).max_by_key(|id| shared(id)).unwrap_or("app.help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        Key::parse_sequence(text).expect(text)
    }

    fn written(action: &str, keys: &[&str]) -> Override {
        Override { action: action.into(), keys: keys.iter().map(|k| (*k).to_owned()).collect(), place: "config.toml:3".into() }
    }

    #[test]
    fn the_catalogue_binds_no_key_twice() {
        for (at, a) in ACTIONS.iter().enumerate() {
            for b in &ACTIONS[at + 1..] {
                for context in a.contexts.iter().filter(|c| b.contexts.contains(c)) {
                    for (x, y) in a.keys.iter().flat_map(|x| b.keys.iter().map(move |y| (x, y))) {
                        assert!(!collides(&keys(x), &keys(y)), "{context:?}: {} and {} share {x}", a.id, b.id);
                    }
                }
            }
        }
    }

    #[test]
    fn a_sequence_is_followed_key_by_key() {
        let map = Keymap::default();
        assert_eq!(map.meaning(Context::Board, &keys("g")), Meaning::Prefix);
        assert_eq!(map.meaning(Context::Board, &keys("g b")), Meaning::Intent(Intent::ShowBoard));
        assert_eq!(map.meaning(Context::Board, &keys("g x")), Meaning::Nothing);
        assert!(map.continuations(Context::Board, &keys("g")).iter().any(|(key, action)| key == "o" && action.id == "go.project"));
    }

    #[test]
    fn a_person_may_bind_unbind_and_is_told_of_conflicts_with_file_and_line() {
        let (map, wrong) = Keymap::new(&[written("ticket.start", &["w"]), written("ticket.take", &[])]);
        assert!(wrong.is_empty());
        assert_eq!(map.meaning(Context::Board, &keys("w")), Meaning::Intent(Intent::StartWork));
        assert_eq!(map.meaning(Context::Board, &keys("s")), Meaning::Nothing);
        assert_eq!(map.meaning(Context::Board, &keys("i")), Meaning::Nothing);

        let (_, wrong) = Keymap::new(&[written("ticket.start", &["w"]), written("spec.edit", &["w"])]);
        assert!(wrong[0].text.contains("config.toml:3") && wrong[0].text.contains("ticket.start"), "{wrong:?}");
        let (_, wrong) = Keymap::new(&[written("ticket.strat", &["w"])]);
        assert!(wrong[0].hint.as_deref().is_some_and(|h| h.contains("ticket.start")), "{wrong:?}");
        let (_, wrong) = Keymap::new(&[written("editor.save", &["x"])]);
        assert!(wrong[0].text.contains("types text"), "{wrong:?}");
    }

    #[test]
    fn no_printable_key_is_bound_where_text_is_typed() {
        let (map, _) = Keymap::new(&[written("app.help", &["?", "x"]), written("editor.leave", &["q"])]);
        for c in ' '..='~' {
            assert_eq!(map.meaning(Context::Editor, &[Key::char(c)]), Meaning::Nothing, "{c}");
            assert_eq!(map.meaning(Context::Form, &[Key::char(c)]), Meaning::Nothing, "{c}");
        }
    }
}
