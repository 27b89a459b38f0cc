//! The setup screen and the welcome: connecting, choosing a project, linking repositories, who reviews.

use crate::domain::person::ReviewerStrategy;
use crate::notice::Notice;
use crate::tui::actions::Context;
use crate::tui::answer::{ConnectionReport, HiddenText, ProjectRow};
use crate::tui::effect::{Effect, Link, MemberChange};
use crate::tui::event::{Answer, Generation};
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::model::setup::{Check, ConnectField, Focus, Section};
use crate::tui::model::{Base, Model, WelcomeChoice};

use super::{Out, keys, load, picker, toast, webhooks};

/// The screen was opened: what it shows is loaded.
pub fn entered(model: &mut Model, out: &mut Out) {
    model.setup.focus = Focus::List;
    if model.project.is_none() {
        model.setup.section = Section::Connection;
        model.setup.focus = Focus::Fields(ConnectField::Url);
    }
    load::projects(model, out);
    load::repositories(model, out);
    load::members(model, out);
    webhooks::reload(model, out);
    load::collections(model, out);
}

pub fn welcome_key(model: &mut Model, key: Key, out: &mut Out) {
    match key.code {
        Code::Char('j' | 'k') | Code::Up | Code::Down | Code::Tab => {
            model.welcome = match model.welcome {
                WelcomeChoice::Connect => WelcomeChoice::Demo,
                WelcomeChoice::Demo => WelcomeChoice::Connect,
            };
        }
        Code::Char('c') => connect(model, out),
        Code::Char('d') => out.push(Effect::StartDemo),
        Code::Enter => match model.welcome {
            WelcomeChoice::Connect => connect(model, out),
            WelcomeChoice::Demo => out.push(Effect::StartDemo),
        },
        Code::Char('q') => super::act::leave(model, out),
        _ => {}
    }
}

fn connect(model: &mut Model, out: &mut Out) {
    model.base = Base::Setup;
    entered(model, out);
}

/// A key while the address or the token is typed.
pub fn field_key(model: &mut Model, key: Key, out: &mut Out) {
    if let Some(intent) = keys::meaning_in(model, Context::Form, key) {
        return super::act::act(model, intent, out);
    }
    let Focus::Fields(field) = model.setup.focus else { return };
    match key.code {
        Code::Esc => {
            model.setup.focus = Focus::List;
            if model.project.is_none() {
                model.base = Base::Welcome;
            }
        }
        Code::Tab | Code::Down | Code::Up => {
            model.setup.focus = Focus::Fields(match field {
                ConnectField::Url => ConnectField::Token,
                ConnectField::Token => ConnectField::Url,
            });
        }
        Code::Enter if field == ConnectField::Url && model.setup.token.is_empty() && !model.setup.url.is_empty() => {
            model.setup.focus = Focus::Fields(ConnectField::Token);
        }
        Code::Enter => check(model, out),
        _ => {
            let handled = match field {
                ConnectField::Url => model.setup.url.handle(key),
                ConnectField::Token => model.setup.token.handle(key),
            };
            if handled && !matches!(model.setup.check, Check::Running(_) | Check::Activating(..)) {
                model.setup.check = Check::NotRun;
            }
        }
    }
}

pub fn paste(model: &mut Model, text: &str) {
    match model.setup.focus {
        Focus::Fields(ConnectField::Url) => model.setup.url.paste(text.trim()),
        Focus::Fields(ConnectField::Token) => model.setup.token.paste(text.trim()),
        Focus::List => {}
    }
}

/// Asks whether the address and the token work.
pub fn check(model: &mut Model, out: &mut Out) {
    if model.base != Base::Setup || matches!(model.setup.check, Check::Running(_) | Check::Activating(..)) {
        return;
    }
    if model.setup.url.is_empty() {
        model.setup.focus = Focus::Fields(ConnectField::Url);
        let notice = Notice::new("an address is needed").hint("an organisation's name, or its address: https://dev.azure.com/lumen");
        model.setup.check = Check::Failed(notice);
        return;
    }
    let generation = model.next_generation();
    model.setup.check = Check::Running(generation);
    let (url, token) = (model.setup.url.text().trim().to_owned(), HiddenText::new(model.setup.token.text().trim()));
    out.push(Effect::CheckConnection { url, token, generation });
}

pub fn checked(model: &mut Model, generation: Generation, report: Answer<Box<ConnectionReport>>) {
    if model.setup.check != Check::Running(generation) {
        return;
    }
    match report {
        Ok(report) => {
            model.setup.check = Check::Passed(report);
            model.setup.focus = Focus::List;
            model.setup.section = Section::Connection;
            model.setup.row = 0;
        }
        Err(notice) => model.setup.check = Check::Failed(notice),
    }
}

pub fn activated(model: &mut Model, generation: Generation, project: Answer<Box<ProjectRow>>, out: &mut Out) {
    let Check::Activating(report, wanted) = &model.setup.check else { return };
    if *wanted != generation {
        return;
    }
    let report = report.clone();
    model.setup.check = Check::Passed(report);
    match project {
        Ok(project) => {
            // It is kept where tokens are kept; the field needs it no more.
            model.setup.token.clear();
            toast::good(model, format!("{} is connected; link the repositories that tickets are for", project.name));
            model.setup.section = Section::Repositories;
            model.setup.row = 0;
            out.push(Effect::SelectProject { project: project.id });
        }
        Err(notice) => toast::bad(model, notice),
    }
}

pub fn navigate(model: &mut Model, intent: Intent, out: &mut Out) {
    let last = model.setup.rows().saturating_sub(1);
    let setup = &mut model.setup;
    setup.row = match intent {
        Intent::Down => (setup.row + 1).min(last),
        Intent::Up => setup.row.saturating_sub(1),
        Intent::HalfDown => (setup.row + 8).min(last),
        Intent::HalfUp => setup.row.saturating_sub(8),
        Intent::Top => 0,
        Intent::Bottom => last,
        Intent::NextTab | Intent::Right => {
            setup.section = setup.section.next();
            0
        }
        Intent::PreviousTab | Intent::Left => {
            setup.section = setup.section.previous();
            0
        }
        _ => setup.row,
    };
    let _ = out;
}

/// Enter on a row.
pub fn enter(model: &mut Model, out: &mut Out) {
    match model.setup.section {
        Section::Connection => match &model.setup.check {
            Check::Passed(report) => {
                let Some(project) = report.projects.get(model.setup.row).cloned() else {
                    model.setup.focus = Focus::Fields(ConnectField::Url);
                    return;
                };
                let report = report.clone();
                let generation = model.next_generation();
                model.setup.check = Check::Activating(report, generation);
                let (url, token) = (model.setup.url.text().trim().to_owned(), HiddenText::new(model.setup.token.text().trim()));
                out.push(Effect::Activate { url, token, project: project.guid, generation });
            }
            Check::Running(_) | Check::Activating(..) => {}
            Check::NotRun | Check::Failed(_) => model.setup.focus = Focus::Fields(ConnectField::Url),
        },
        Section::Projects => {
            if let Some(row) = model.setup.projects.as_ref().and_then(|rows| rows.get(model.setup.row)) {
                out.push(Effect::SelectProject { project: row.id });
            }
        }
        Section::Repositories | Section::Members => act(model, Intent::ToggleRow, out),
        Section::Webhooks => webhooks::enter(model, out),
        Section::Review => act(model, Intent::More, out),
    }
}

pub fn act(model: &mut Model, intent: Intent, out: &mut Out) {
    let row = model.setup.row;
    match (model.setup.section, intent) {
        (Section::Repositories, Intent::ToggleRow) => {
            if let Some(repository) = model.setup.repositories.as_mut().and_then(|rows| rows.get_mut(row)) {
                if repository.disabled {
                    let notice = Notice::new(format!("{} is disabled in Azure DevOps", repository.name));
                    return toast::plain(model, notice);
                }
                repository.linked = !repository.linked;
                let link = if repository.linked { Link::Linked } else { Link::Unlinked };
                out.push(Effect::LinkRepository { repository: repository.id, link });
            }
        }
        (Section::Members, Intent::ToggleRow) => {
            if let Some(member) = model.setup.members.as_mut().and_then(|rows| rows.get_mut(row)) {
                member.can_review = !member.can_review;
                out.push(Effect::SetMember { member: member.id, change: MemberChange::CanReview(member.can_review) });
            }
        }
        (Section::Members, Intent::DefaultReviewer) => {
            if let Some(member) = model.setup.members.as_ref().and_then(|rows| rows.get(row)).cloned() {
                picker::default_reviewer(model, &member);
            }
        }
        (Section::Repositories, Intent::Discover) => {
            if let Some(project) = model.project.as_ref().map(|project| project.id) {
                let generation = model.next_generation();
                model.setup.loading = Some(generation);
                out.push(Effect::DiscoverRepositories { project, generation });
            }
        }
        (Section::Members, Intent::Discover) => {
            if let Some(project) = model.project.as_ref().map(|project| project.id) {
                let generation = model.next_generation();
                model.setup.loading_members = Some(generation);
                out.push(Effect::DiscoverMembers { project, generation });
            }
        }
        (Section::Review, Intent::ToggleRow | Intent::Less | Intent::More) => change_rules(model, row, intent, out),
        (Section::Connection, Intent::ToggleRow | Intent::Discover) => model.setup.focus = Focus::Fields(ConnectField::Url),
        _ => {}
    }
}

fn change_rules(model: &mut Model, row: usize, intent: Intent, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let rules = &mut model.setup.rules;
    match (row, intent) {
        (0, _) => {
            rules.strategy = match rules.strategy {
                ReviewerStrategy::LoadBalance => ReviewerStrategy::Mapped,
                ReviewerStrategy::Mapped => ReviewerStrategy::LoadBalance,
            };
        }
        (_, Intent::Less) => rules.overload_threshold = rules.overload_threshold.saturating_sub(1).max(1),
        _ => rules.overload_threshold = (rules.overload_threshold + 1).min(99),
    }
    out.push(Effect::SetReviewRules { project, rules: model.setup.rules.clone() });
}
