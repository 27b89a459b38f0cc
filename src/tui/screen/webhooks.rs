//! The webhook card of the setup, the plan of a change, and the secret that is shown once.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::hook::SubscriptionState;
use crate::tui::actions;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::webhooks::{HookDialog, HookVerb, MENU, SecretView};
use crate::tui::refusal::refusal;
use crate::tui::widget::delivery::moment;
use crate::tui::widget::{panel, text};

use super::activity::live_words;
use super::setup::{name_style, nothing, row_mark};
use super::spec_plan;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(card) = model.setup.webhooks.rows.as_deref() else {
        let problem = model.setup.webhooks.problem.as_ref().map(ToString::to_string);
        let loading = problem.is_none() && model.setup.webhooks.loading.is_some();
        return nothing(model, area, loading, problem.as_deref().unwrap_or("No project is connected. [ goes to the connection."), buf);
    };
    let mut facts: Vec<(&str, String, Style)> = vec![match &card.url {
        Ok(url) => ("Address", url.clone(), theme.text),
        Err(why) => ("Address", why.text.clone(), theme.warn),
    }];
    let (live, style) = live_words(&card.health.live, model);
    facts.push(("State", live, style));
    let secret = match card.secrets.iter().find(|(_, until)| until.is_none()) {
        Some((made, _)) => format!("made {}", moment(*made, &model.settings.zone)),
        None => "none; only hooks made by hand need one".to_owned(),
    };
    let old = card.secrets.iter().filter_map(|(_, until)| *until).max();
    let secret = old.map_or(secret.clone(), |until| format!("{secret}; an old one counts until {}", moment(until, &model.settings.zone)));
    facts.push(("Secret", secret, theme.text));
    let all = card.health.subscriptions.len();
    let enabled = card.health.subscriptions.iter().filter(|row| row.state == SubscriptionState::Enabled).count();
    let registered = match (all, enabled) {
        (0, _) => ("none registered".to_owned(), theme.dim),
        (all, enabled) if all == enabled => (format!("{all} registered, all enabled"), theme.text),
        (all, enabled) => (format!("{all} registered, {enabled} enabled; 4 says what is with the others"), theme.warn),
    };
    facts.push(("Hooks", registered.0, registered.1));

    let mut y = area.y;
    for (name, words, style) in &facts {
        text::put(buf, area.x + 2, y, 9, name, theme.dim);
        let room = area.width.saturating_sub(11);
        if *name != "Address" {
            text::put_fit(buf, area.x + 11, y, room, words, *style, &theme.marks);
            y += 1;
            continue;
        }
        // The address is to be read to its last letter.
        for line in text::wrap(words, room).into_iter().take(4) {
            text::put(buf, area.x + 11, y, room, &line, *style);
            y += 1;
        }
    }
    // Where not all rows fit, those around the cursor are painted.
    let top = if area.bottom() > y + 1 + u16::try_from(MENU.len()).unwrap_or(0) { y + 1 } else { y };
    let visible = usize::from(area.bottom().saturating_sub(top)).max(1);
    let from = model.setup.row.saturating_sub(visible / 2).min(MENU.len().saturating_sub(visible));
    for ((at, intent), y) in MENU.iter().enumerate().skip(from).zip(top..area.bottom()) {
        row_mark(model, at, area.x, y, buf);
        let refused = refusal(model, *intent);
        let words = actions::of(*intent).map_or("", |action| action.words);
        let style = if refused.is_some() { theme.dim } else { name_style(model, at) };
        let end = text::put_fit(buf, area.x + 2, y, area.width.saturating_sub(2), words, style, &theme.marks);
        if let Some(why) = refused {
            let room = area.right().saturating_sub(end + 2);
            text::put_fit(buf, end + 2, y, room, &why.text, theme.faint, &theme.marks);
        }
    }
}

/// The plan of a change of the webhooks.
pub fn draw_plan(model: &Model, dialog: &HookDialog, buf: &mut Buffer) {
    let words = spec_plan::Words {
        title: dialog.verb.title().to_owned(),
        planning: match dialog.verb {
            HookVerb::Register | HookVerb::Remove => "looking at the webhooks in Azure DevOps",
            HookVerb::Generate | HookVerb::Rotate | HookVerb::Revoke => "looking at the secrets",
        },
        verb: dialog.verb.verb(),
    };
    spec_plan::draw_asking(model, &words, &dialog.asking, buf);
}

/// The secret, once.
pub fn draw_secret(model: &Model, view: &SecretView, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 76.min(model.width.saturating_sub(2));
    let mut lines: Vec<(String, Style)> = vec![(String::new(), theme.text)];
    // Never cut: half a secret opens nothing.
    let secret = view.secret.reveal();
    let room = usize::from(width.saturating_sub(4)).max(1);
    let letters: Vec<char> = secret.chars().collect();
    lines.extend(letters.chunks(room).map(|part| (part.iter().collect(), theme.strong)));
    lines.push((String::new(), theme.text));
    let mut add = |words: &str, style| lines.extend(text::wrap(words, width - 4).into_iter().map(|line| (line, style)));
    add(
        "This is the password of the webhooks made by hand; the user name may be anything. It is kept nowhere and shown this once.",
        theme.text,
    );
    if let Some(url) = &view.url {
        add(&format!("They call {url}"), theme.dim);
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = layout::dialog(model.width, model.height, width, height);
    let inner = panel::draw(buf, area, "The webhook secret", &[("y", "copy"), ("Enter", "I have it")], theme);
    for (y, (line, style)) in (inner.top()..inner.bottom()).zip(&lines) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}
