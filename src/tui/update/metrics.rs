//! The metrics screen: what is asked and when, the cursor, the rows behind a number, what is typed.

use crate::domain::id::ProjectId;
use crate::metrics::figures::{Metric, Tile};
use crate::metrics::movers;
use crate::metrics::period::Span;
use crate::metrics::query::{Definition, Hours};
use crate::notice::{Notice, inert};
use crate::tui::actions;
use crate::tui::answer::{MetricRows, MetricsPage};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::listed::{Listed, Taken};
use crate::tui::model::metrics::{Choice, Drill, Place, Scope};
use crate::tui::model::overlay::{Overlay, Prompt, PromptFor, TextView};
use crate::tui::model::picker::{Item, Pick, Picker, PickerKind, Search};
use crate::tui::model::text_field::TextField;
use crate::tui::model::ticket::Tab;
use crate::tui::screen::metrics::explain;
use crate::tui::widget::figure as words;
use crate::tui::widget::text;

use super::{Out, act, load, toast};

/// The screen came into view: what it shows is read.
pub fn entered(model: &mut Model, out: &mut Out) {
    reload(model, out);
    load::live(model, out);
}

/// Reads the figures again, and the rows that are open.
pub fn reload(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    model.metrics.due = None;
    if model.metrics.page.ask(generation) {
        model.metrics.asked_at = Some(model.now);
        model.metrics.asking = Some(model.metrics.ask.clone());
        out.push(Effect::LoadMetrics { project, ask: Box::new(model.metrics.ask.clone()), generation });
        load_rows(model, out);
    }
}

fn load_rows(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    let ask = model.metrics.ask.clone();
    let Some(drill) = &mut model.metrics.drill else { return };
    if drill.rows.ask(generation) {
        out.push(Effect::LoadMetricRows { project, ask: Box::new(ask), metric: drill.metric, generation });
    }
}

/// Facts were collected, of a project or of any: read at once, or in a moment when that was just done.
pub fn facts(model: &mut Model, of: Option<ProjectId>, out: &mut Out) {
    use crate::tui::model::Base;
    let here = model.project.as_ref().map(|project| project.id);
    let asked_for = match (&model.metrics.ask.scope, of) {
        (Scope::All, _) | (_, None) => true,
        (Scope::Here, of) => of == here,
        (Scope::Project(project, _), of) => of == Some(*project),
    };
    if model.base == Base::Metrics && asked_for && model.metrics.may_look(model.now) {
        reload(model, out);
    }
}

pub fn loaded(model: &mut Model, generation: Generation, page: Answer<Box<MetricsPage>>, out: &mut Out) {
    let read = page.is_ok();
    let taken = model.metrics.page.take(generation, page);
    if taken != Taken::No && read {
        model.metrics.answered = model.metrics.asking.take();
    }
    if taken == Taken::AskAgain && model.metrics.may_look(model.now) {
        reload(model, out);
    }
}

pub fn rows_loaded(model: &mut Model, generation: Generation, rows: Answer<Box<MetricRows>>, out: &mut Out) {
    let Some(drill) = &mut model.metrics.drill else { return };
    let taken = drill.rows.take(generation, rows);
    if taken != Taken::No {
        settle(model);
    }
    if taken == Taken::AskAgain {
        load_rows(model, out);
    }
}

/// The question changed: what is on its way answers another one.
fn asked(model: &mut Model, out: &mut Out) {
    model.metrics.page.loading = None;
    if let Some(drill) = &mut model.metrics.drill {
        drill.rows = Listed::default();
    }
    reload(model, out);
}

/// Keeps the cursor on what it was on.
pub fn settle(model: &mut Model) {
    let visible = layout::metric_rows(model);
    if let Some(drill) = &mut model.metrics.drill {
        drill.settle(visible);
    }
}

pub fn tile(model: &Model) -> Option<&Tile> {
    let metric = model.metrics.drill.as_ref().map_or(model.metrics.metric, |drill| drill.metric);
    model.metrics.page.rows.as_ref()?.figures.tile(metric)
}

pub fn navigate(model: &mut Model, intent: Intent) {
    let visible = layout::metric_rows(model);
    let half = (visible / 2).max(1);
    let Some(drill) = &mut model.metrics.drill else { return go(model, intent) };
    let at = drill.cursor;
    let to = match intent {
        Intent::Down => at + 1,
        Intent::Up => at.saturating_sub(1),
        Intent::HalfDown => at + half,
        Intent::HalfUp => at.saturating_sub(half),
        Intent::Top => 0,
        Intent::Bottom => usize::MAX,
        Intent::NextTab | Intent::Right => return drill.turn(1),
        Intent::PreviousTab | Intent::Left => return drill.turn(drill.tabs().len() - 1),
        _ => return,
    };
    drill.move_to(to, visible);
}

/// Moves among the tiles, as they lie on the screen.
fn go(model: &mut Model, intent: Intent) {
    let grid = layout::tiles(model.width, model.height);
    let count = Metric::ALL.len();
    let at = Metric::ALL.iter().position(|metric| *metric == model.metrics.metric).unwrap_or(0);
    let last = count - 1;
    let to = match intent {
        // Along the rows and columns; past the end of one it goes on at the beginning of the next.
        Intent::NextTab => (at + 1) % count,
        Intent::PreviousTab => (at + last) % count,
        Intent::Right => Some(at + grid.to_the_right(count)).filter(|to| *to <= last).unwrap_or(at),
        Intent::Left => at.checked_sub(grid.to_the_right(count)).unwrap_or(at),
        Intent::Down => Some(at + grid.below(count)).filter(|to| *to <= last).unwrap_or(at),
        Intent::Up => at.checked_sub(grid.below(count)).unwrap_or(at),
        Intent::HalfDown | Intent::Bottom => last,
        Intent::HalfUp | Intent::Top => 0,
        _ => at,
    };
    model.metrics.metric = Metric::ALL[to];
}

/// Enter: the rows behind a number; on a row, the ticket that follows it, else its page.
pub fn enter(model: &mut Model, out: &mut Out) {
    match &model.metrics.drill {
        None if model.metrics.page.rows.is_none() => {}
        None => {
            model.metrics.drill = Some(Drill::new(model.metrics.metric));
            load_rows(model, out);
        }
        Some(drill) => match drill.place() {
            Some(Place { ticket: Some(key), .. }) => act::open_ticket(model, key, Tab::PullRequest, out),
            Some(Place { url: Some(url), .. }) => out.push(Effect::OpenUrl { url }),
            Some(_) => toast::plain(model, Notice::new("no page is known for this row")),
            None => {}
        },
    }
}

/// Why a wish about figures is refused, if it is.
pub fn refusal(model: &Model, intent: Intent) -> Option<Notice> {
    if model.project.is_none() {
        return Some(Notice::new("no project is connected").hint("connect an organisation first: press 5"));
    }
    match intent {
        Intent::CollectNow => None,
        Intent::OpenMetricRow => match model.metrics.drill.as_ref().map(|drill| drill.place().and_then(|place| place.url)) {
            None => Some(Notice::new("a row is opened in the browser, not a figure").hint("Enter shows the rows behind it")),
            Some(None) => Some(Notice::new("no page is known for this row")),
            Some(Some(_)) => None,
        },
        _ if tile(model).is_none() => Some(Notice::new("there are no figures yet").hint("r collects what they are made of")),
        _ => None,
    }
}

pub fn act(model: &mut Model, intent: Intent, out: &mut Out) {
    let ask = &mut model.metrics.ask;
    match intent {
        Intent::NextWindow => {
            ask.span = ask.span.next();
            asked(model, out);
        }
        Intent::NextDefinition => {
            let at = Definition::ALL.iter().position(|(_, definition)| *definition == ask.definition).unwrap_or(0);
            ask.definition = Definition::ALL[(at + 1) % Definition::ALL.len()].1;
            asked(model, out);
        }
        Intent::WorkingHours => {
            ask.hours = match ask.hours {
                Hours::Calendar => Hours::Working,
                Hours::Working => Hours::Calendar,
            };
            asked(model, out);
        }
        Intent::TypeWindow => type_window(model),
        Intent::FilterMetrics => filter(model, out),
        Intent::ExportMetrics => type_path(model),
        Intent::Formula => formula(model, out),
        Intent::CollectNow => {
            let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
            let scope = model.metrics.ask.scope.clone();
            out.push(Effect::Collect { project, scope });
        }
        Intent::OpenMetricRow => {
            let url = model.metrics.drill.as_ref().and_then(Drill::place).and_then(|place| place.url);
            out.extend(url.map(|url| Effect::OpenUrl { url }));
        }
        Intent::CopyMetric => copy(model, out),
        _ => {}
    }
}

/// The figure in a line, or the address of the row.
fn copy(model: &Model, out: &mut Out) {
    if let Some(place) = model.metrics.drill.as_ref().and_then(Drill::place) {
        let (what, text) = match place.url {
            Some(url) => ("address", url),
            None => ("name", place.name),
        };
        return out.push(Effect::CopyText { what, text: inert(&text) });
    }
    let Some(tile) = tile(model) else { return };
    let said = words::of(tile);
    let mut about = Vec::new();
    about.extend((!said.rest.is_empty()).then_some(said.rest));
    about.push(format!("n {}", tile.n));
    about.push(model.metrics.ask.span.words());
    about.push(format!("by the definition {}", tile.definition.name()));
    let text = format!("{}: {} ({})", tile.metric.title(), said.headline, about.join("; "));
    out.push(Effect::CopyText { what: "figure", text: inert(&text) });
}

/// The formula of the tile with its numbers, what was left out and why, what is missing and what to do about it; of a median also what
/// moved it, which is worked out meanwhile.
fn formula(model: &mut Model, out: &mut Out) {
    let Some(metric) = tile(model).map(|tile| tile.metric) else { return };
    model.metrics.moved = Listed::default();
    if let Some(project) = model.project.as_ref().map(|project| project.id)
        && movers::is_moved(metric)
    {
        let generation = model.next_generation();
        model.metrics.moved.ask(generation);
        out.push(Effect::LoadMoved { project, ask: Box::new(model.metrics.ask.clone()), metric, generation });
    }
    let Some(lines) = formula_lines(model) else { return };
    let view = TextView { title: metric.title().to_owned(), loading: None, lines, scroll: 0, problem: None };
    model.overlay = Some(Overlay::Text(Box::new(view)));
}

fn formula_lines(model: &Model) -> Option<Vec<String>> {
    let width = 106.min(model.width.saturating_sub(6));
    let page = model.metrics.page.rows.as_ref()?;
    let lines = explain::lines(tile(model)?, &page.figures, &model.metrics.moved).into_iter();
    let wrapped = lines.flat_map(|line| match line.strip_prefix("  ") {
        Some(inner) => text::wrap(inner, width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")).collect(),
        None => text::wrap(&line, width),
    });
    Some(wrapped.collect())
}

/// What moved a median is known: it goes into the explanation, if that is still read.
pub fn moved_loaded(model: &mut Model, generation: Generation, lines: Answer<Vec<String>>) {
    if model.metrics.moved.take(generation, lines) == Taken::No {
        return;
    }
    let (Some(lines), Some(title)) = (formula_lines(model), tile(model).map(|tile| tile.metric.title())) else { return };
    if let Some(Overlay::Text(view)) = &mut model.overlay
        && view.title == title
    {
        view.lines = lines;
    }
}

/// Everything that narrows or changes the question, in one list.
fn filter(model: &mut Model, out: &mut Out) {
    let mut picker = Picker::new(PickerKind::Plain, "Figures of", Search::On, choices(model));
    if let Some(project) = model.project.as_ref().map(|project| project.id)
        && model.metrics.teams.rows.is_none()
    {
        let generation = model.next_generation();
        if model.metrics.teams.ask(generation) {
            out.push(Effect::LoadTeams { project, generation });
        }
        picker.loading = model.metrics.teams.loading;
    }
    model.overlay = Some(Overlay::Picker(Box::new(picker)));
}

fn choices(model: &Model) -> Vec<Item> {
    let ask = &model.metrics.ask;
    let on = |is: bool, detail: &str| match (is, detail.is_empty()) {
        (true, true) => "on".to_owned(),
        (true, false) => format!("{detail}, on"),
        (false, _) => detail.to_owned(),
    };
    let item = |group, label: String, detail: String, choice| Item::new(inert(&label), inert(&detail), Pick::Metrics(choice)).group(group);
    let mut items = Vec::new();
    if ask.is_narrowed() {
        items.push(item("Everything", "no filter".to_owned(), String::new(), Choice::Everything));
    }
    for days in Span::USUAL {
        let span = Span::Days(days);
        items.push(item("Window", format!("window {}", span.words()), on(ask.span == span, ""), Choice::Span(span)));
    }
    let typed = if matches!(ask.span, Span::Between(..) | Span::Since(_)) { ask.span.words() } else { String::new() };
    let is_typed = !typed.is_empty() || matches!(ask.span, Span::Days(days) if !Span::USUAL.contains(&days));
    items.push(item("Window", "window from .. to".to_owned(), on(is_typed, &typed), Choice::TypeSpan));
    let page = model.metrics.page.rows.as_deref();
    let here = model.project.as_ref();
    let name = here.map_or("this project", |project| project.name.as_str());
    items.push(item("Project", format!("project {name}"), on(ask.scope == Scope::Here, "open"), Choice::Scope(Scope::Here)));
    items.push(item("Project", "all projects".to_owned(), on(ask.scope == Scope::All, ""), Choice::Scope(Scope::All)));
    for (id, name) in page.iter().flat_map(|page| &page.others).filter(|(id, _)| here.is_none_or(|here| here.id != *id)) {
        let scope = Scope::Project(*id, name.clone());
        items.push(item("Project", format!("project {name}"), on(ask.scope == scope, ""), Choice::Scope(scope)));
    }
    let any = |what: &str| format!("any {what}");
    items.push(item("Repository", any("repository"), on(ask.repository.is_none(), ""), Choice::Repository(None)));
    for (id, name) in page.iter().flat_map(|page| &page.repositories) {
        let chosen = Some((*id, name.clone()));
        items.push(item("Repository", format!("repository {name}"), on(ask.repository == chosen, ""), Choice::Repository(chosen)));
    }
    items.push(item("Service", any("service"), on(ask.service.is_none(), ""), Choice::Service(None)));
    for service in page.iter().flat_map(|page| &page.figures.services) {
        let chosen = Some((service.id.clone(), service.name.clone()));
        let detail = format!("{} deployments, {}", service.deployments, service.production.join(", "));
        items.push(item("Service", format!("service {}", service.name), on(ask.service == chosen, &detail), Choice::Service(chosen)));
    }
    items.push(item("Team", "everybody".to_owned(), on(ask.team.is_none(), ""), Choice::Team(None)));
    for team in model.metrics.teams.rows.iter().flatten() {
        let chosen = Some(team.clone());
        items.push(item("Team", format!("team {team}"), on(ask.team == chosen, ""), Choice::Team(chosen)));
    }
    for (name, definition) in Definition::ALL {
        items.push(item("Definition", format!("definition {name}"), on(ask.definition == definition, ""), Choice::Definition(definition)));
    }
    for (words, hours) in [("calendar hours", Hours::Calendar), ("working hours", Hours::Working)] {
        items.push(item("Hours", words.to_owned(), on(ask.hours == hours, ""), Choice::Hours(hours)));
    }
    items
}

/// Teams of the project: they go into the list that is open.
pub fn teams_loaded(model: &mut Model, generation: Generation, teams: Answer<Vec<String>>) {
    if model.metrics.teams.take(generation, teams) == Taken::No {
        return;
    }
    let items = choices(model);
    if let Some(Overlay::Picker(picker)) = &mut model.overlay
        && picker.loading == Some(generation)
    {
        picker.set_items(items);
    }
}

/// One of the list was chosen.
pub fn choose(model: &mut Model, choice: Choice, out: &mut Out) {
    let ask = &mut model.metrics.ask;
    match choice {
        Choice::Span(span) => ask.span = span,
        Choice::TypeSpan => return type_window(model),
        Choice::Scope(scope) => {
            // A repository or service is of one project.
            if ask.scope != scope {
                (ask.repository, ask.service, ask.team) = (None, None, None);
            }
            ask.scope = scope;
        }
        Choice::Repository(repository) => ask.repository = repository,
        Choice::Service(service) => ask.service = service,
        Choice::Team(team) => ask.team = team,
        Choice::Definition(definition) => ask.definition = definition,
        Choice::Hours(hours) => ask.hours = hours,
        Choice::Everything => {
            (ask.scope, ask.repository, ask.service, ask.team) = (Scope::Here, None, None, None);
        }
    }
    asked(model, out);
}

fn prompt(model: &mut Model, what: PromptFor, title: &'static str, text: &str, about: &'static str) {
    let field = TextField::new(text);
    model.overlay = Some(Overlay::Prompt(Box::new(Prompt { what, title, field, about, problem: None, waiting: None })));
}

fn type_window(model: &mut Model) {
    let text = match (model.metrics.typed_window.as_str(), model.metrics.ask.span) {
        ("", Span::Days(days)) => format!("{days}d"),
        ("", span) => span.words(),
        (typed, _) => typed.to_owned(),
    };
    prompt(model, PromptFor::Window, "Window", &text, "14d, 4w, 2026-10-01..2026-10-31, or a first day up to today");
}

fn type_path(model: &mut Model) {
    let day = model.now.to_zoned(model.settings.zone.clone()).date();
    let of = model.metrics.drill.as_ref().map_or_else(|| "metrics".to_owned(), |drill| drill.metric.name().replace('_', "-"));
    let text = match model.metrics.typed_path.as_str() {
        "" => format!("kanado-{of}-{day}.csv"),
        typed => typed.to_owned(),
    };
    prompt(model, PromptFor::Export, "Write to", &text, "a new file: .csv for a table, .json for everything");
}

pub fn paste(model: &mut Model, text: &str) {
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        prompt.field.paste(text);
        keep(model);
    }
}

/// What is typed is kept, however the dialog ends.
fn keep(model: &mut Model) {
    if let Some(Overlay::Prompt(prompt)) = &model.overlay {
        let text = prompt.field.text().to_owned();
        match prompt.what {
            PromptFor::Window => model.metrics.typed_window = text,
            PromptFor::Export => model.metrics.typed_path = text,
        }
    }
}

/// A key while a line is typed.
pub fn prompt_key(model: &mut Model, key: Key, out: &mut Out) {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else { return };
    match key.code {
        Code::Esc => model.overlay = None,
        Code::Enter if prompt.waiting.is_none() => submit(model, out),
        _ if prompt.waiting.is_none() && prompt.field.handle(key) => {
            prompt.problem = None;
            keep(model);
        }
        _ => {}
    }
}

fn submit(model: &mut Model, out: &mut Out) {
    let Some(Overlay::Prompt(prompt)) = &model.overlay else { return };
    let (what, text) = (prompt.what, prompt.field.text().trim().to_owned());
    let zone = model.metrics.page.rows.as_ref().map_or(&model.settings.metrics_zone, |page| &page.zone.zone);
    let problem = match what {
        PromptFor::Window => match Span::parse(&text, zone, model.now) {
            Ok(span) => {
                model.overlay = None;
                model.metrics.typed_window.clear();
                model.metrics.ask.span = span;
                return asked(model, out);
            }
            Err(words) => Notice::new(words),
        },
        PromptFor::Export if !(text.ends_with(".csv") || text.ends_with(".json")) => {
            Notice::new("the name ends in .csv or in .json").hint("it says what is written")
        }
        PromptFor::Export => {
            let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
            let generation = model.next_generation();
            let metric = model.metrics.drill.as_ref().map(|drill| drill.metric);
            out.push(Effect::ExportMetrics { project, ask: Box::new(model.metrics.ask.clone()), metric, path: text, generation });
            if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
                prompt.waiting = Some(generation);
            }
            return;
        }
    };
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        prompt.problem = Some(problem);
    }
}

/// The file was written, or why not: then the name can be changed.
pub fn exported(model: &mut Model, generation: Generation, written: Answer<String>) {
    let waits = match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) if prompt.waiting == Some(generation) => Some(prompt),
        _ => None,
    };
    match (written, waits) {
        (Ok(words), waits) => {
            if waits.is_some() {
                model.overlay = None;
            }
            model.metrics.typed_path.clear();
            toast::good(model, words);
        }
        (Err(notice), Some(prompt)) => (prompt.problem, prompt.waiting) = (Some(notice), None),
        (Err(notice), None) => toast::bad(model, notice),
    }
}

/// The words of an action, for hints on an empty screen.
pub fn key_of(model: &Model, intent: Intent) -> String {
    let context = crate::tui::actions::Context::Metrics;
    let words = || actions::of(intent).map_or_else(String::new, |action| action.words.to_owned());
    model.keymap.shown(context, intent).unwrap_or_else(words)
}
