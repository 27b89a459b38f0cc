//! Messages at the foot of the screen: how long they stay.

use jiff::SignedDuration;

use crate::notice::Notice;
use crate::tui::effect::Effect;
use crate::tui::model::{Bell, Model, Toast, Tone};

use super::Out;

/// Something went as wished.
pub fn good(model: &mut Model, text: impl Into<String>) {
    let until = model.now + SignedDuration::from_secs(4);
    model.toast = Some(Toast { notice: Notice::new(text), tone: Tone::Good, until: Some(until) });
}

/// Something to know, or a refusal.
pub fn plain(model: &mut Model, notice: Notice) {
    let until = model.now + SignedDuration::from_secs(8);
    model.toast = Some(Toast { notice, tone: Tone::Plain, until: Some(until) });
}

/// Something failed. It stays until the next one, or until Esc.
pub fn bad(model: &mut Model, notice: Notice) {
    model.toast = Some(Toast { notice, tone: Tone::Bad, until: None });
}

pub fn bell(model: &Model, out: &mut Out) {
    if model.settings.bell == Bell::Rings {
        out.push(Effect::Bell);
    }
}
