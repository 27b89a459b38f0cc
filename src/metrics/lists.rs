//! The lists of a configuration that flows are made with: whoever shares a store shares its flows, so that they have to agree on these.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::query::Rules;

/// Who is a machine, and what is a hotfix. Everything else of [`Rules`] counts only where figures are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    pub bots: Vec<String>,
    pub hotfix_branches: Vec<String>,
    pub hotfix_labels: Vec<String>,
}

impl Lists {
    pub fn of(rules: &Rules) -> Self {
        let Rules { bots, hotfix_branches, hotfix_labels, .. } = rules.clone();
        Self { bots, hotfix_branches, hotfix_labels }
    }

    pub fn put_into(self, rules: &mut Rules) {
        let Self { bots, hotfix_branches, hotfix_labels } = self;
        (rules.bots, rules.hotfix_branches, rules.hotfix_labels) = (bots, hotfix_branches, hotfix_labels);
    }

    /// What differs from the lists of `here`, a line a list, by the names of the settings; nothing where only order and case do.
    pub fn differences(&self, here: &Self) -> Vec<String> {
        let pairs = [
            ("bots", &self.bots, &here.bots),
            ("hotfix_branches", &self.hotfix_branches, &here.hotfix_branches),
            ("hotfix_labels", &self.hotfix_labels, &here.hotfix_labels),
        ];
        pairs.into_iter().filter_map(|(name, theirs, ours)| difference(name, theirs, ours)).collect()
    }
}

fn difference(name: &str, theirs: &[String], ours: &[String]) -> Option<String> {
    let set = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>();
    let (theirs, ours) = (set(theirs), set(ours));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>, with: &str| {
        let names: Vec<&str> = one.difference(other).map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{with} {}", names.join(", ")))
    };
    let words: Vec<String> = [only(&theirs, &ours, "with"), only(&ours, &theirs, "without")].into_iter().flatten().collect();
    (!words.is_empty()).then(|| format!("{name} {}", words.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_differ_by_what_is_in_them_and_not_by_order_or_case() {
        let here = Lists::of(&Rules::default());
        let mut theirs = here.clone();
        theirs.bots.reverse();
        theirs.bots[0] = theirs.bots[0].to_uppercase();
        assert_eq!(theirs.differences(&here), Vec::<String>::new());
        theirs.bots = vec!["*[bot]".to_owned(), "Ship It".to_owned()];
        theirs.hotfix_labels.clear();
        let mut own = here.clone();
        own.bots = vec!["*[BOT]".to_owned(), "*-bot".to_owned()];
        assert_eq!(theirs.differences(&own), ["bots with ship it and without *-bot", "hotfix_labels without hotfix"]);
        let mut rules = Rules::default();
        theirs.clone().put_into(&mut rules);
        assert_eq!(Lists::of(&rules), theirs);
    }
}
