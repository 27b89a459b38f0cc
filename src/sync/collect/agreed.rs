//! Whose lists of bots and hotfixes flows are made with, where several processes share a store.
//!
//! On a server the lists that flows were made with are kept beside them. A process that collects by itself takes those, whatever its
//! configuration says, so that two boards with different lists don't make each other's flows again and again; [`differences`] tells of
//! it. A person who asks for a backfill brings the lists of that configuration along. A file is one person's: its configuration counts.

use super::{Settings, Whose};
use crate::metrics::lists::Lists;
use crate::metrics::query::Rules;
use crate::store::{Engine, Result, Store};

/// The setting of a store that holds the lists.
const SETTING: &str = "flows.lists";

/// The lists that flows of a shared store were made with last.
async fn kept(store: &Store) -> Result<Option<Lists>> {
    if store.engine() == Engine::Sqlite {
        return Ok(None);
    }
    let text = store.setting(SETTING).await?;
    // What another version wrote and this one can't read is no agreement: the next pass makes one.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The rules to make flows with in a pass. Where nothing is agreed upon yet, these settings are from now on.
pub(super) async fn rules(store: &Store, settings: &Settings) -> Result<Rules> {
    let (mut rules, own) = (settings.rules.clone(), Lists::of(&settings.rules));
    match kept(store).await? {
        Some(kept) if settings.lists == Whose::Team => kept.put_into(&mut rules),
        Some(kept) if kept == own => {}
        _ if store.engine() == Engine::Sqlite => {}
        _ => {
            if let Ok(text) = serde_json::to_string(&own) {
                store.set_setting(SETTING, &text).await?;
            }
        }
    }
    Ok(rules)
}

/// Has what is kept between passes made with the lists that are agreed upon.
pub async fn adopt(store: &Store, rules: &Rules) -> Result<()> {
    if let Some(kept) = kept(store).await? {
        let mut rules = rules.clone();
        kept.put_into(&mut rules);
        store.set_flow_rules(&rules);
    }
    Ok(())
}

/// How the lists that flows are made with differ from those of these rules, a line a list; nothing where they don't.
pub async fn differences(store: &Store, rules: &Rules) -> Result<Vec<String>> {
    Ok(kept(store).await?.map(|kept| kept.differences(&Lists::of(rules))).unwrap_or_default())
}
