//! The webhook card of the setup: what it offers, the plan of a change, and the secret while it is shown.

use crate::tui::answer::{HiddenText, Plan};
use crate::tui::intent::Intent;
use crate::tui::model::overlay::{Asking, Guard};

/// The rows of the card, in order.
pub const MENU: [Intent; 7] = [
    Intent::HooksRegister,
    Intent::HooksRemove,
    Intent::SecretGenerate,
    Intent::SecretRotate,
    Intent::SecretRevoke,
    Intent::HookSteps,
    Intent::CopyWebhookUrl,
];

/// A change of a project's webhooks; each has a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookVerb {
    Register,
    Remove,
    Generate,
    Rotate,
    Revoke,
}

impl HookVerb {
    /// As the title of its dialog and of its task.
    pub fn title(self) -> &'static str {
        match self {
            Self::Register => "Register webhooks",
            Self::Remove => "Remove webhooks",
            Self::Generate => "Make a webhook secret",
            Self::Rotate => "Rotate the webhook secret",
            Self::Revoke => "Revoke the webhook secret",
        }
    }

    /// What `y` does.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Remove => "remove",
            Self::Generate => "make it",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
        }
    }
}

/// A plan for the webhooks, then `y`.
#[derive(Debug, Clone)]
pub struct HookDialog {
    pub verb: HookVerb,
    pub asking: Asking<Plan>,
}

/// A secret that is shown once. It is nowhere else, and gone when this is closed.
#[derive(Debug, Clone)]
pub struct SecretView {
    pub secret: HiddenText,
    pub url: Option<String>,
    pub guard: Guard,
}
