//! What a person does in the web page who may not, or would rather not, let kanado do it: the steps in the page's own words.

use serde::Serialize;

use super::secret::MANUAL_USER;
use super::url;
use crate::domain::hook::Purpose;
use crate::domain::id::Guid;

/// The steps, one text a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manual {
    /// The page to open.
    pub page: String,
    pub hooks: Vec<Hook>,
    /// For all of them.
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// One hook, as it is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    pub purpose: Purpose,
    /// "Trigger on this type of event".
    pub event: &'static str,
    /// Under "Filters", what is not left at [Any].
    pub filter: Option<(&'static str, &'static str)>,
    pub url: String,
    /// Without it the board is not live.
    pub needed: bool,
}

/// The event and the filter as the page names them.
fn labels(purpose: Purpose) -> (&'static str, Option<(&'static str, &'static str)>) {
    let updated = |change| ("Pull request updated", Some(("Change", change)));
    match purpose {
        Purpose::PullRequestCreated => ("Pull request created", None),
        Purpose::PullRequestMerged => ("Pull request merge attempted", None),
        Purpose::PullRequestPush => updated("Source branch updated"),
        Purpose::PullRequestReviewers => updated("Reviewers changed"),
        Purpose::PullRequestStatus => updated("Status changed"),
        Purpose::PullRequestVote => updated("Votes score changed"),
        Purpose::PullRequestComment => ("Pull request commented on", None),
        Purpose::Push => ("Code pushed", None),
        Purpose::RepositoryCreated => ("Repository created", None),
        Purpose::RepositoryRenamed => ("Repository renamed", None),
        Purpose::RepositoryDeleted => ("Repository deleted", None),
        Purpose::RepositoryStatus => ("Repository status changed", None),
        Purpose::BuildCompleted => ("Build completed", None),
        Purpose::RunState => ("Run state changed", None),
        Purpose::StageState => ("Run stage state changed", None),
        Purpose::DeploymentCompleted => ("Release deployment completed", None),
        Purpose::WorkItemCreated => ("Work item created", None),
        Purpose::WorkItemUpdated => ("Work item updated", None),
        Purpose::WorkItemDeleted => ("Work item deleted", None),
        Purpose::WorkItemRestored => ("Work item restored", None),
        Purpose::WorkItemCommented => ("Work item commented on", None),
    }
}

/// The steps for a project. Without an address the place for it is left open.
pub fn manual(organisation_url: &str, project_name: &str, project: &Guid, base: Option<&str>) -> Manual {
    let base = base.unwrap_or("https://ADDRESS-OF-KANADO").trim_end_matches('/');
    let hooks = Purpose::ALL.into_iter().map(|purpose| {
        let (event, filter) = labels(purpose);
        Hook { purpose, event, filter, url: url::address(base, project, purpose), needed: purpose.moves_cards() }
    });
    let page = format!("{}/{}/_settings/serviceHooks", organisation_url.trim_end_matches('/'), encoded(project_name));
    Manual {
        before: vec![
            "Who does this needs the permissions View subscriptions and Edit subscriptions, which project administrators have.".to_owned(),
            "Have the secret at hand: `kanado hooks secret generate` shows it, once.".to_owned(),
            format!("Open {page}"),
            "(Project settings > Service hooks). For each hook of the list:".to_owned(),
            "  1. Select + (Create subscription), then Web Hooks, then Next.".to_owned(),
            "  2. Trigger on this type of event: as listed. Filters: as listed, everything else stays [Any]. Next.".to_owned(),
            "  3. URL: as listed.".to_owned(),
            format!("     Basic authentication username: {MANUAL_USER}"),
            "     Basic authentication password: the secret".to_owned(),
            "     Resource details to send: All. Messages to send: None. Detailed messages to send: None.".to_owned(),
            "     Accept untrusted SSL certificates stays off, HTTP headers stays empty.".to_owned(),
            "  4. Test: it says Succeeded. Finish.".to_owned(),
        ],
        hooks: hooks.collect(),
        after: vec![
            "Those marked * are needed for a live board; the others keep specs, chips and repositories fresh.".to_owned(),
            format!("Where one address for all is easier: {} takes every event;", url::bare(base, project)),
            "then \"Pull request updated\" with Change [Any] once does for its four lines.".to_owned(),
        ],
        page,
    }
}

impl Manual {
    /// As text to follow.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.before.clone();
        lines.push(String::new());
        for hook in &self.hooks {
            let mark = if hook.needed { "*" } else { " " };
            let filter = hook.filter.map(|(name, value)| format!(", {name}: {value}")).unwrap_or_default();
            lines.push(format!("{mark} {}{filter}", hook.event));
            lines.push(format!("    {}", hook.url));
        }
        lines.push(String::new());
        lines.extend(self.after.iter().cloned());
        lines
    }
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    let mut url = ::url::Url::parse("https://host").ok();
    if let Some(mut segments) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        segments.push(name);
    }
    url.map(|url| url.path().trim_start_matches('/').to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_name_the_page_the_event_the_filter_the_address_and_the_fields() {
        let manual = manual("https://dev.azure.com/lumen/", "Harbour lights", &Guid::new("ABC"), Some("https://kanado.example.com/"));
        let text = manual.lines().join("\n");
        for words in [
            "https://dev.azure.com/lumen/Harbour%20lights/_settings/serviceHooks",
            "* Pull request updated, Change: Votes score changed\n    https://kanado.example.com/api/webhooks/ado/abc/pull-request-vote",
            "Basic authentication username: kanado",
            "Basic authentication password: the secret",
            "Resource details to send: All. Messages to send: None.",
            "https://kanado.example.com/api/webhooks/ado/abc takes every event",
        ] {
            assert!(text.contains(words), "{words} is missing in\n{text}");
        }
        assert_eq!(manual.hooks.len(), Purpose::ALL.len());
        assert_eq!(manual.hooks.iter().filter(|hook| hook.needed).count(), 6);
    }

    #[test]
    fn without_an_address_the_place_for_it_is_left_open() {
        let manual = manual("https://dev.azure.com/lumen", "Harbour", &Guid::new("abc"), None);
        assert!(manual.hooks[0].url.starts_with("https://ADDRESS-OF-KANADO/api/webhooks/"), "{}", manual.hooks[0].url);
    }

    #[test]
    fn each_filter_is_the_one_that_is_registered() {
        for purpose in Purpose::ALL {
            assert_eq!(labels(purpose).1.is_some(), purpose.event().notification_type.is_some(), "{}", purpose.word());
        }
    }
}
