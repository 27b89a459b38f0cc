//! How many approvals a pull request wants: what the branch policies of its project say, by repository and target branch.
//!
//! Of the policies "Minimum number of reviewers" those that block and are in force count; all that cover a branch are to be met. One approval
//! is what a branch wants anyway, so policies that want no more are left out.
//!
//! Limits: a policy for the default branch of every repository holds for the branches that were default when the policies were read, and
//! for the repositories that were known then. Which votes a push takes back is told by the votes themselves, not by the policy.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::fact;
use crate::domain::id::RepositoryId;
use crate::domain::project::Repository;

/// Policies change seldom: what was read is good for this long.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(6);

/// What one policy wants of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub approvals: u32,
    pub author: AuthorsVote,
}

/// Whether the author's own approval is one of those that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorsVote {
    Counts,
    DoesNot,
}

/// Where a policy holds, and what it wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Absent: every repository of the project.
    pub repository: Option<RepositoryId>,
    pub branches: Branches,
    pub wanted: Wanted,
}

/// Names with `refs/heads/`; letters alike whether small or capital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    All,
    Exact(String),
    Prefix(String),
}

impl Branches {
    fn cover(&self, branch: &str) -> bool {
        let bare = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).to_lowercase();
        match self {
            Self::All => true,
            Self::Exact(name) => bare(name) == bare(branch),
            Self::Prefix(name) => bare(branch).starts_with(&bare(name)),
        }
    }
}

/// Whether it is known how many approvals the branches of a project want.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knowledge {
    #[default]
    NotYet,
    Read,
    /// One is taken to be enough.
    Unreadable {
        why: String,
    },
}

/// What a question about the policies of a project brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Rules(Vec<Rule>),
    Unreadable { why: String },
}

/// What is known of the policies of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    pub knowledge: Knowledge,
    pub rules: Vec<Rule>,
    /// When the rules were last found to be others than before.
    changed_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
}

impl Approvals {
    /// What a pull request into a branch wants; nothing where one approval is enough.
    pub fn wanted(&self, repository: RepositoryId, target_branch: &str) -> Vec<Wanted> {
        let holds = |rule: &&Rule| rule.repository.is_none_or(|id| id == repository) && rule.branches.cover(target_branch);
        self.rules.iter().filter(holds).map(|rule| rule.wanted).collect()
    }

    /// Whether it is time to ask again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.read_at.is_none_or(|read| now.duration_since(read) >= GOOD_FOR)
    }

    /// Names these rules among those that the project had; empty where one approval is enough everywhere and always was.
    pub fn name(&self) -> String {
        self.changed_at.map_or_else(String::new, |at| at.as_millisecond().to_string())
    }

    /// What is known after a question at `at`. Whoever may not see the policies takes nothing away from what others saw.
    pub fn after(self, found: Found, at: Timestamp) -> Self {
        match found {
            Found::Rules(rules) => {
                let changed_at = if rules == self.rules { self.changed_at } else { Some(at) };
                Self { knowledge: Knowledge::Read, rules, changed_at, read_at: Some(at) }
            }
            Found::Unreadable { why } if self.knowledge != Knowledge::Read => {
                Self { knowledge: Knowledge::Unreadable { why }, read_at: Some(at), ..self }
            }
            Found::Unreadable { .. } => Self { read_at: Some(at), ..self },
        }
    }
}

/// Brings what the service lists down to the repositories that are known.
pub fn rules(policies: &[fact::ApprovalPolicy], repositories: &[Repository]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in policies {
        let Some(approvals) = u32::try_from(policy.approvals).ok().filter(|approvals| *approvals > 1) else { continue };
        let author = if policy.creator_vote_counts { AuthorsVote::Counts } else { AuthorsVote::DoesNot };
        let wanted = Wanted { approvals, author };
        for scope in &policy.scopes {
            let covered = || repositories.iter().filter(|repository| scope.repository.as_ref().is_none_or(|guid| *guid == repository.guid));
            let repository = match &scope.repository {
                None => None,
                Some(_) => match covered().next() {
                    Some(repository) => Some(repository.id),
                    // Not listed yet, or not to be seen: no pull request of it is known either.
                    None => continue,
                },
            };
            match &scope.branches {
                fact::PolicyBranches::All => rules.push(Rule { repository, branches: Branches::All, wanted }),
                fact::PolicyBranches::Exact(name) => rules.push(Rule { repository, branches: Branches::Exact(name.clone()), wanted }),
                fact::PolicyBranches::Prefix(name) => rules.push(Rule { repository, branches: Branches::Prefix(name.clone()), wanted }),
                fact::PolicyBranches::Default => rules.extend(covered().filter_map(|repository| {
                    let branches = Branches::Exact(repository.default_branch.clone()?);
                    Some(Rule { repository: Some(repository.id), branches, wanted })
                })),
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Guid, ProjectId};

    fn repository(id: i64, default_branch: Option<&str>) -> Repository {
        Repository {
            id: RepositoryId(id),
            project: ProjectId(1),
            guid: Guid::new(format!("repo-{id}")),
            name: format!("repo-{id}"),
            linked: false,
            default_branch: default_branch.map(str::to_owned),
            target_branch: None,
            web_url: None,
            remote_url: None,
            disabled: false,
        }
    }

    fn policy(approvals: i64, repository: Option<&str>, branches: fact::PolicyBranches) -> fact::ApprovalPolicy {
        let scope = fact::PolicyScope { repository: repository.map(Guid::new), branches };
        fact::ApprovalPolicy { approvals, creator_vote_counts: false, scopes: vec![scope] }
    }

    fn known(policies: &[fact::ApprovalPolicy]) -> Approvals {
        let repositories = [repository(1, Some("main")), repository(2, Some("trunk")), repository(3, None)];
        Approvals::default().after(Found::Rules(rules(policies, &repositories)), Timestamp::UNIX_EPOCH)
    }

    fn numbers(approvals: &Approvals, repository: i64, branch: &str) -> Vec<u32> {
        approvals.wanted(RepositoryId(repository), branch).iter().map(|wanted| wanted.approvals).collect()
    }

    #[test]
    fn a_policy_holds_for_its_repository_and_its_branch() {
        use fact::PolicyBranches::{All, Exact, Prefix};
        let one = known(&[policy(2, Some("repo-1"), Exact("refs/heads/main".to_owned()))]);
        assert_eq!(numbers(&one, 1, "refs/heads/main"), [2]);
        assert_eq!(numbers(&one, 1, "Main"), [2], "branches are told with and without their beginning");
        assert!(numbers(&one, 1, "refs/heads/main2").is_empty() && numbers(&one, 2, "refs/heads/main").is_empty());
        let below = known(&[policy(3, None, Prefix("refs/heads/release/".to_owned()))]);
        assert_eq!((numbers(&below, 1, "refs/heads/release/1"), numbers(&below, 2, "release/2")), (vec![3], vec![3]));
        assert!(numbers(&below, 1, "refs/heads/main").is_empty());
        let all = known(&[policy(2, None, All), policy(4, Some("repo-1"), All), policy(5, Some("repo-9"), All)]);
        assert_eq!((numbers(&all, 1, "x"), numbers(&all, 2, "x")), (vec![2, 4], vec![2]), "all that cover it are to be met");
    }

    #[test]
    fn a_policy_for_default_branches_holds_for_that_of_each_repository() {
        let all = known(&[policy(2, None, fact::PolicyBranches::Default)]);
        assert_eq!((numbers(&all, 1, "main"), numbers(&all, 2, "trunk")), (vec![2], vec![2]));
        assert!(numbers(&all, 2, "main").is_empty() && numbers(&all, 3, "main").is_empty());
    }

    #[test]
    fn a_policy_that_wants_one_changes_nothing() {
        let one = known(&[policy(1, None, fact::PolicyBranches::All), policy(0, None, fact::PolicyBranches::All)]);
        assert_eq!((numbers(&one, 1, "main"), one.name(), &one.knowledge), (vec![], String::new(), &Knowledge::Read));
    }

    #[test]
    fn rules_have_a_name_until_they_change() {
        let at = |hour| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let two = || Found::Rules(rules(&[policy(2, None, fact::PolicyBranches::All)], &[]));
        let first = Approvals::default().after(two(), at(1));
        let again = first.clone().after(two(), at(9));
        assert_eq!(first.name(), again.name());
        assert!(!again.is_due(at(14)) && again.is_due(at(15)) && Approvals::default().is_due(at(0)));
        let none = again.after(Found::Rules(Vec::new()), at(20));
        assert_ne!(none.name(), first.name());
        assert_ne!(none.after(two(), at(30)).name(), first.name());
    }

    #[test]
    fn who_may_not_see_policies_says_so_and_forgets_nothing() {
        let refused = || Found::Unreadable { why: "the token lacks Code (read)".to_owned() };
        let at = Timestamp::UNIX_EPOCH;
        let blind = Approvals::default().after(refused(), at);
        assert_eq!(blind.knowledge, Knowledge::Unreadable { why: "the token lacks Code (read)".to_owned() });
        assert!(!blind.is_due(at), "not asked for again in every pass");
        let known = known(&[policy(2, None, fact::PolicyBranches::All)]);
        assert_eq!(known.clone().after(refused(), at), known);
    }
}
