//! Approvals that a deployment waits for, as Azure DevOps states them, and who is still to give them.
//!
//! Limits: who is in a group is not looked up, so a group is named as such, also to those who are in it.

use serde::{Deserialize, Serialize};

use super::id::Guid;

/// In which order those who are asked have to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Any,
    OneAfterTheOther,
}

/// How many of those who are asked have to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    All,
    AtLeast(u32),
    /// Classic releases keep it in the definition, and do not say it of an approval.
    NotTold,
}

/// An approval that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: Guid,
    pub needed: Needed,
    pub order: Order,
    /// In their order.
    pub steps: Vec<Step>,
}

/// One who is asked, a person or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub approver: Approver,
    pub state: StepState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    pub id: Guid,
    /// Text from outside. Of a group without the `[project]\` before it.
    pub name: String,
    pub is_group: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    Open,
    /// By whom; of a group that is one of its members.
    Approved {
        by: Option<Approver>,
    },
    /// Refused, skipped, cancelled, too late: it is waited for no more.
    Over,
}

/// Whom an approval is asked of at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How many approvals are still needed; absent where nobody tells.
    pub needed: Option<u32>,
    pub order: Order,
    /// Those who may give them, never empty; in their order.
    pub of: Vec<Somebody>,
    /// Those who approved.
    pub approved: Vec<Somebody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Somebody {
    pub name: String,
    pub is_group: bool,
    /// The one who looks.
    pub is_me: bool,
}

impl Approval {
    /// What is left of it to give; nothing where nobody is named.
    pub fn asked(&self, me: Option<&Guid>) -> Option<Asked> {
        let somebody = |approver: &Approver| Somebody {
            name: approver.name.clone(),
            is_group: approver.is_group,
            is_me: me.is_some_and(|me| *me == approver.id),
        };
        let open: Vec<_> = self.steps.iter().filter(|step| step.state == StepState::Open).map(|step| somebody(&step.approver)).collect();
        let approved: Vec<_> = self
            .steps
            .iter()
            .filter_map(|step| match &step.state {
                StepState::Approved { by } => Some(somebody(by.as_ref().unwrap_or(&step.approver))),
                StepState::Open | StepState::Over => None,
            })
            .collect();
        let most = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let given = u32::try_from(approved.len()).unwrap_or(u32::MAX);
        let needed = match self.needed {
            Needed::All => Some(most),
            // While the approval is open at least one is missing, whatever the steps say.
            Needed::AtLeast(count) => Some(count.saturating_sub(given).clamp(1, most.max(1))),
            Needed::NotTold => None,
        };
        (!open.is_empty()).then_some(Asked { needed, order: self.order, of: open, approved })
    }
}

/// Names that are told; of more, how many more there are.
const NAMES: usize = 5;

impl Asked {
    /// "an approval by Bob Tanaka", "2 approvals of: A, B, anyone of Release Managers".
    pub fn words(&self) -> String {
        let count = u32::try_from(self.of.len()).unwrap_or(u32::MAX);
        let mut words = match (self.of.as_slice(), self.needed, self.order) {
            ([one], _, _) if one.is_me => "your approval".to_owned(),
            ([one], _, _) => format!("an approval by {}", one.words()),
            (all, Some(needed), Order::Any) if needed >= count => format!("approvals by {}", names(all, ", ", " and ")),
            (all, Some(needed), Order::OneAfterTheOther) if needed >= count => format!("approvals by {}", names(all, ", then ", ", then ")),
            (all, Some(needed), order) => {
                let how = if order == Order::OneAfterTheOther { " (in this order)" } else { "" };
                let what = if needed == 1 { "an approval by one of".to_owned() } else { format!("{needed} approvals of") };
                format!("{what}: {}{how}", names(all, ", ", ", "))
            }
            (all, None, _) => format!("approval, asked of {}", names(all, ", ", " and ")),
        };
        if !self.approved.is_empty() {
            words.push_str(&format!(", approved by {} already", names(&self.approved, ", ", " and ")));
        }
        words
    }
}

impl Somebody {
    fn words(&self) -> String {
        match (self.is_me, self.is_group) {
            (true, _) => "you".to_owned(),
            (false, true) => format!("anyone of {}", self.name),
            (false, false) => self.name.clone(),
        }
    }
}

fn names(all: &[Somebody], between: &str, last: &str) -> String {
    let mut words: Vec<String> = all.iter().take(NAMES).map(Somebody::words).collect();
    if all.len() > NAMES {
        words.push(format!("{} more", all.len() - NAMES));
    }
    match words.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(between)),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, state: StepState) -> Step {
        let is_group = name.starts_with("the ");
        Step { approver: Approver { id: Guid::new(name), name: name.into(), is_group }, state }
    }

    fn approved() -> StepState {
        StepState::Approved { by: None }
    }

    fn words(needed: Needed, order: Order, steps: Vec<Step>) -> String {
        let approval = Approval { id: Guid::new("a"), needed, order, steps };
        approval.asked(Some(&Guid::new("me"))).map_or_else(String::new, |asked| asked.words())
    }

    fn open(names: &[&str]) -> Vec<Step> {
        names.iter().map(|name| step(name, StepState::Open)).collect()
    }

    #[test]
    fn who_is_to_approve_is_told_with_how_many_and_in_which_order() {
        use Needed::{All, AtLeast, NotTold};
        use Order::{Any, OneAfterTheOther};
        for (needed, order, names, told) in [
            (All, Any, &["Ann"][..], "an approval by Ann"),
            (AtLeast(1), OneAfterTheOther, &["me"], "your approval"),
            (AtLeast(1), Any, &["the Release Managers"], "an approval by anyone of the Release Managers"),
            (All, Any, &["Ann", "Bo"], "approvals by Ann and Bo"),
            (All, Any, &["Ann", "Bo", "the Pilots"], "approvals by Ann, Bo and anyone of the Pilots"),
            (AtLeast(3), Any, &["Ann", "Bo", "me"], "approvals by Ann, Bo and you"),
            (All, OneAfterTheOther, &["Ann", "Bo", "Cy"], "approvals by Ann, then Bo, then Cy"),
            (AtLeast(1), Any, &["Ann", "the Pilots"], "an approval by one of: Ann, anyone of the Pilots"),
            (AtLeast(2), Any, &["Ann", "Bo", "Cy"], "2 approvals of: Ann, Bo, Cy"),
            (AtLeast(2), OneAfterTheOther, &["Ann", "Bo", "Cy"], "2 approvals of: Ann, Bo, Cy (in this order)"),
            (NotTold, Any, &["Ann", "Bo"], "approval, asked of Ann and Bo"),
            (NotTold, Any, &["Ann"], "an approval by Ann"),
            (AtLeast(2), Any, &["A", "B", "C", "D", "E", "F", "G"], "2 approvals of: A, B, C, D, E, 2 more"),
        ] {
            assert_eq!(words(needed, order, open(names)), told);
        }
    }

    #[test]
    fn who_approved_or_is_out_of_it_is_not_waited_for() {
        let mut steps = open(&["Ann", "Bo", "Cy"]);
        steps[1].state = approved();
        assert_eq!(words(Needed::AtLeast(2), Order::Any, steps.clone()), "an approval by one of: Ann, Cy, approved by Bo already");
        assert_eq!(words(Needed::All, Order::Any, steps.clone()), "approvals by Ann and Cy, approved by Bo already");
        steps[0].state = StepState::Over;
        assert_eq!(words(Needed::AtLeast(2), Order::Any, steps.clone()), "an approval by Cy, approved by Bo already");
        // For a group one of its people did.
        let by = Approver { id: Guid::new("di"), name: "Di".into(), is_group: false };
        steps[1] = step("the Pilots", StepState::Approved { by: Some(by) });
        assert_eq!(words(Needed::All, Order::Any, steps.clone()), "an approval by Cy, approved by Di already");
        steps[2].state = approved();
        assert_eq!(words(Needed::All, Order::Any, steps), "");
    }
}
