//! Work items: incidents, those that pull requests and commits name, and what changed of either.
//!
//! Open incidents are read in every pass: one that was deleted, or that is of another project, is on no list of changes, and would stay
//! open for ever.

use std::collections::BTreeSet;

use super::course::{Course, Stop};
use super::cursor::{Place, Step};
use super::plan::{self, Operation};
use crate::ado::WorkItemQuery;
use crate::domain::collection::Source;
use crate::domain::fact::LinkedWorkItem;
use crate::domain::id::RepositoryId;
use crate::domain::project::Repository;
use crate::domain::work_item::{LinkTarget, Via};

/// With more changed ones than this, only those that are known or incidents are read.
const MANY: usize = 1000;

impl Course<'_> {
    /// Finds what changed and what is named without being known, and reads it in batches.
    pub async fn changed_items(&self, operation: &Operation, place: &Place) -> Result<(), Stop> {
        let (project, rules) = (&self.project().guid, &self.shared.settings.rules);
        let incidents =
            WorkItemQuery { changed_since: place.since, types: rules.incident_types.clone(), tags: rules.incident_tags.clone() };
        let everything = WorkItemQuery { changed_since: place.since, types: Vec::new(), tags: Vec::new() };
        let is_first = place.since <= self.from;
        let mut calls = 1;
        let named = self.store().items_without_facts(self.project().id).await?;
        let mut wanted: BTreeSet<i64> = BTreeSet::new();
        if is_first {
            wanted.extend(self.client().work_item_ids(project, &incidents).await?);
        } else {
            let changed = self.client().work_item_ids(project, &everything).await?;
            if changed.len() > MANY {
                calls += 1;
                let known = self.store().known_items(self.project().id).await?;
                wanted.extend(changed.iter().filter(|number| known.contains(number)));
                wanted.extend(self.client().work_item_ids(project, &incidents).await?);
            } else {
                wanted.extend(changed);
            }
        }
        if !is_first {
            wanted.extend(self.store().open_incidents(self.project().id, rules).await?);
        }
        for item in named {
            if !self.has_lost(Source::WorkItems, &item.to_string()).await {
                wanted.insert(item);
            }
        }
        let wanted: Vec<i64> = wanted.into_iter().collect();
        self.expect(Source::WorkItems, calls + wanted.len().div_ceil(plan::WORK_ITEMS));
        for batch in wanted.chunks(plan::WORK_ITEMS) {
            self.items_batch(batch).await?;
        }
        let mut turn = self.turn(Source::WorkItems).await;
        turn.calls(calls);
        turn.step(operation, place, Step::Done);
        self.store().put_work_items(self.project().id, &[], turn.page()).await?;
        turn.keep();
        Ok(())
    }

    async fn items_batch(&self, numbers: &[i64]) -> Result<(), Stop> {
        let found = self.client().work_items_with_links(numbers).await?;
        self.keep_items(numbers, found).await
    }

    /// Keeps work items with their own links; numbers that nothing was found for are not asked for again.
    pub async fn keep_items(&self, asked: &[i64], found: Vec<LinkedWorkItem>) -> Result<(), Stop> {
        let links: Vec<_> = found.iter().flat_map(|one| links_of(one, self.repositories())).collect();
        let read: Vec<i64> = found.iter().map(|one| one.item.number).collect();
        self.store().put_own_links(self.project().id, &read, &links).await?;
        let items: Vec<_> = found.into_iter().map(|one| one.item).collect();
        let gone: Vec<i64> = asked.iter().copied().filter(|number| !items.iter().any(|item| item.number == *number)).collect();
        if !gone.is_empty() {
            self.store().forget_items(self.project().id, &gone).await?;
        }
        let mut turn = self.turn(Source::WorkItems).await;
        for number in gone {
            turn.lose(number.to_string());
        }
        self.store().put_work_items(self.project().id, &items, turn.page()).await?;
        turn.keep();
        Ok(())
    }
}

/// What a work item hangs on, as far as its repositories are known.
pub fn links_of(one: &LinkedWorkItem, repositories: &[Repository]) -> Vec<(i64, RepositoryId, LinkTarget, Via)> {
    let links = one.links.iter().filter_map(|link| {
        let repository = match &link.repository {
            Some(guid) => repositories.iter().find(|known| known.guid == *guid)?.id,
            None => RepositoryId(0),
        };
        Some((one.item.number, repository, link.target.clone(), Via::Link))
    });
    links.collect()
}
