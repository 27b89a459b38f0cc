//! Everything the screen is a function of. `update` changes it, `screen` paints it, nothing else touches it.

pub mod activity;
pub mod board;
pub mod editor;
pub mod form;
pub mod listed;
pub mod live;
pub mod metrics;
pub mod overlay;
pub mod picker;
pub mod pull_requests;
pub mod setup;
pub mod story;
pub mod text_field;
pub mod ticket;
pub mod watching;
pub mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::actions::Context;
use super::answer::{Collections, ProjectRow, TaskRow, TaskState};
use super::effect::SyncReason;
use super::event::Generation;
use super::key::Key;
use super::keymap::Keymap;
use super::session::{Session, SessionScreen};
use super::theme::{Charset, Depth, Theme, ThemeName};
use crate::domain::board::{Card, Column};
use crate::domain::collection::STALE_AFTER;
use crate::domain::id::TicketKey;
use crate::domain::ticket::SpecBadge;
use crate::metrics::query::Definition;
use crate::notice::Notice;

use activity::ActivityState;
use board::BoardState;
use editor::EditorState;
use form::{NewTicketForm, PullRequestForm};
use listed::Listed;
use live::{Following, LiveState};
use metrics::MetricsState;
use overlay::Overlay;
use pull_requests::PullRequestsState;
use setup::SetupState;
use story::StoryState;
use ticket::TicketState;
use watching::Watching;
use webhooks::SecretView;

/// How long after a key a strip of what may follow is shown.
pub const WHICH_KEY_AFTER: SignedDuration = SignedDuration::from_millis(300);

/// What the configuration says about the screen.
#[derive(Debug, Clone)]
pub struct Settings {
    pub columns: Vec<Column>,
    /// At most one sync by itself in this time.
    pub view_load_seconds: i64,
    /// What stays in view is synced again after this time; zero leaves it to the person.
    pub every_seconds: i64,
    pub bell: Bell,
    /// The times of day are told in this zone.
    pub zone: TimeZone,
    /// Days and weeks of figures begin at its midnight.
    pub metrics_zone: TimeZone,
    /// So many days back facts are collected.
    pub collected_days: u64,
    /// Whose words decide what a figure is, until somebody says otherwise.
    pub definition: Definition,
    /// Why a remote change is refused (`--readonly`), if it is.
    pub readonly: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            columns: Column::defaults(),
            view_load_seconds: 15,
            every_seconds: 0,
            bell: Bell::Silent,
            zone: TimeZone::UTC,
            metrics_zone: TimeZone::UTC,
            collected_days: 30,
            definition: Definition::default(),
            readonly: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    Rings,
    Silent,
}

/// The screen under everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Nothing is connected yet: connect, or demo.
    Welcome,
    Board,
    PullRequests,
    Metrics,
    Activity,
    Setup,
}

/// A message at the foot of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub notice: Notice,
    pub tone: Tone,
    /// When it goes away by itself; never, if it must be read.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

/// Keys of a sequence that is not complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingKeys {
    pub keys: Vec<Key>,
    pub since: Timestamp,
}

/// How fresh the pull requests are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncState {
    pub running: Option<Generation>,
    pub why: SyncReason,
    /// When a sync was last asked for, by a view or a person.
    pub asked_at: Option<Timestamp>,
    /// Why the last one failed, if it did.
    pub failed: Option<Notice>,
}

/// Forms that were left without being sent: what was typed in them comes back.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub new_ticket: Option<Box<NewTicketForm>>,
    pub pull_requests: BTreeMap<TicketKey, Box<PullRequestForm>>,
}

/// The state of the screen.
#[derive(Debug, Clone)]
pub struct Model {
    /// The time of the last event.
    pub now: Timestamp,
    pub width: u16,
    pub height: u16,
    pub settings: Settings,
    pub theme: Theme,
    pub keymap: Keymap,
    pub pending: PendingKeys,
    pub project: Option<ProjectRow>,
    pub token_days_left: Option<i64>,
    pub base: Base,
    pub board: BoardState,
    pub pull_requests: PullRequestsState,
    pub metrics: MetricsState,
    pub activity: ActivityState,
    /// How the collection of facts stands.
    pub collections: Listed<Box<Collections>>,
    pub setup: SetupState,
    pub live: LiveState,
    /// When the text of the open form is kept, in case this process is killed. Absent while nothing new was typed.
    pub form_save_at: Option<Timestamp>,
    pub watching: Watching,
    /// Why the pull request in view is where it is.
    pub story: StoryState,
    /// The ticket that is open over the base screen.
    pub ticket: Option<TicketState>,
    /// The spec being edited, over everything but dialogs.
    pub editor: Option<EditorState>,
    pub overlay: Option<Overlay>,
    /// The form that the help was opened from.
    pub under: Option<Box<Overlay>>,
    pub toast: Option<Toast>,
    pub tasks: Vec<TaskRow>,
    pub sync: SyncState,
    pub rate_limited_until: Option<Timestamp>,
    pub kept: Kept,
    /// Specs that were written in this session.
    pub drafts: BTreeSet<TicketKey>,
    pub mouse: super::effect::MouseCapture,
    /// The welcome screen's selection.
    pub welcome: WelcomeChoice,
    pub focus: TerminalFocus,
    /// The spec being loaded for the editor.
    pub(super) opening_editor: Option<(Generation, TicketKey)>,
    /// A look at the spec being edited.
    pub(super) refreshing_editor: Option<Generation>,
    /// A conflict being settled, after which its ticket's editor opens.
    pub(super) open_editor_after: Option<(Generation, TicketKey)>,
    /// The load after which `$EDITOR` opens.
    pub(super) editor_outside_next: Option<Generation>,
    /// A secret that something else took the place of: it is shown again when that is done with.
    pub(super) unread_secret: Option<Box<SecretView>>,
    /// Where the last session was, until everything of it is shown again.
    pub(super) restoring: Option<Session>,
    generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WelcomeChoice {
    Connect,
    Demo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalFocus {
    Here,
    Elsewhere,
}

impl Model {
    pub fn new(now: Timestamp, settings: Settings) -> Self {
        let mut metrics = MetricsState::default();
        metrics.ask.definition = settings.definition;
        Self {
            now,
            width: 80,
            height: 24,
            settings,
            theme: Theme::new(ThemeName::Dark, Depth::True, Charset::Unicode),
            keymap: Keymap::default(),
            pending: PendingKeys::default(),
            project: None,
            token_days_left: None,
            base: Base::Welcome,
            board: BoardState::default(),
            pull_requests: PullRequestsState::default(),
            metrics,
            activity: ActivityState::default(),
            collections: Listed::default(),
            setup: SetupState::default(),
            live: LiveState::default(),
            form_save_at: None,
            watching: Watching::default(),
            story: StoryState::default(),
            ticket: None,
            editor: None,
            overlay: None,
            under: None,
            toast: None,
            tasks: Vec::new(),
            sync: SyncState::default(),
            rate_limited_until: None,
            kept: Kept::default(),
            drafts: BTreeSet::new(),
            mouse: super::effect::MouseCapture::Off,
            welcome: WelcomeChoice::Connect,
            focus: TerminalFocus::Here,
            opening_editor: None,
            refreshing_editor: None,
            open_editor_after: None,
            editor_outside_next: None,
            unread_secret: None,
            restoring: None,
            generation: 0,
        }
    }

    /// A number no earlier question had.
    pub fn next_generation(&mut self) -> Generation {
        self.generation += 1;
        Generation(self.generation)
    }

    /// Where keys are pressed, when no dialog is open.
    pub fn context(&self) -> Context {
        if self.editor.is_some() {
            Context::Editor
        } else if self.ticket.is_some() {
            Context::Ticket
        } else {
            match self.base {
                Base::Board => Context::Board,
                Base::PullRequests => Context::PullRequests,
                Base::Metrics => Context::Metrics,
                Base::Activity => Context::Activity,
                Base::Setup | Base::Welcome => Context::Setup,
            }
        }
    }

    /// The ticket that an intent is about: the one being edited, the open one, else the selected one.
    pub fn subject(&self) -> Option<TicketKey> {
        if let Some(editor) = &self.editor {
            return Some(editor.key.clone());
        }
        if let Some(ticket) = &self.ticket {
            return Some(ticket.key.clone());
        }
        match self.base {
            Base::Board => self.board.selected.clone(),
            Base::PullRequests => self.pull_requests.selected_row().and_then(|row| row.ticket.clone()),
            Base::Metrics | Base::Activity | Base::Setup | Base::Welcome => None,
        }
    }

    pub fn running_tasks(&self) -> impl Iterator<Item = &TaskRow> {
        self.tasks.iter().filter(|task| task.state == TaskState::Running)
    }

    /// What is being done with a ticket right now.
    pub fn task_on(&self, key: &TicketKey) -> Option<&TaskRow> {
        self.running_tasks().find(|task| task.subject.as_ref() == Some(key))
    }

    pub fn task(&self, id: u64) -> Option<&TaskRow> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Specs written in this session that are still not on their branch.
    pub fn unpushed(&self) -> impl Iterator<Item = &Card> {
        let cards = self.drafts.iter().filter_map(|key| self.board.card(key));
        cards.filter(|card| matches!(card.spec, SpecBadge::Draft | SpecBadge::ChangedOnBranch))
    }

    /// Puts the form that is open where it is found again: something else needs its place.
    pub fn put_form_aside(&mut self) {
        for open in [self.overlay.take(), self.under.take().map(|open| *open)].into_iter().flatten() {
            match open {
                Overlay::NewTicket(form) => self.kept.new_ticket = Some(form),
                Overlay::Secret(view) => self.unread_secret = Some(view),
                Overlay::PullRequest(form) if form.touched => drop(self.kept.pull_requests.insert(form.key.clone(), form)),
                _ => {}
            }
        }
    }

    /// What to find again at the next start.
    pub fn session(&self) -> Session {
        let mut new_ticket = self.kept.new_ticket.as_ref().and_then(|form| form.typed());
        let mut pull_requests: Vec<_> = self.kept.pull_requests.values().filter_map(|form| form.typed()).collect();
        match self.overlay.as_ref().into_iter().chain(self.under.as_deref()).last() {
            Some(Overlay::NewTicket(form)) => new_ticket = form.typed(),
            Some(Overlay::PullRequest(form)) => pull_requests.extend(form.typed()),
            _ => {}
        }
        Session {
            new_ticket,
            pull_requests,
            project: self.project.as_ref().map(|project| project.id),
            screen: match self.base {
                Base::PullRequests => SessionScreen::PullRequests,
                Base::Metrics => SessionScreen::Metrics,
                Base::Activity => SessionScreen::Activity,
                Base::Setup => SessionScreen::Setup,
                Base::Board | Base::Welcome => SessionScreen::Board,
            },
            selected: self.board.selected.clone(),
            filter: self.board.filter.text().to_owned(),
            mine: self.board.mine,
            ticket: self.ticket.as_ref().map(|ticket| ticket.key.clone()),
            editor: self.editor.as_ref().map(|editor| (editor.key.clone(), editor.area.cursor().0)),
            preview: self.board.preview,
            metrics: Some(self.metrics.ask.clone()),
            watched: self.watching.keys.clone(),
        }
    }

    /// Goes back to where a person was, as the data arrives.
    pub fn restore(&mut self, session: Session) {
        self.board.selected = session.selected.clone();
        self.board.filter.set(&session.filter);
        self.board.mine = session.mine;
        self.board.preview = session.preview;
        self.watching = Watching::of(session.watched.clone());
        if let Some(ask) = &session.metrics {
            self.metrics.ask = ask.clone();
        }
        self.kept.new_ticket = session.new_ticket.as_ref().map(|text| Box::new(NewTicketForm::from_typed(text)));
        let forms = session.pull_requests.iter().map(|text| (text.key.clone(), Box::new(PullRequestForm::from_typed(text))));
        self.kept.pull_requests = forms.collect();
        self.base = match session.screen {
            SessionScreen::Board => Base::Board,
            SessionScreen::PullRequests => Base::PullRequests,
            SessionScreen::Metrics => Base::Metrics,
            SessionScreen::Activity => Base::Activity,
            SessionScreen::Setup => Base::Setup,
        };
        self.restoring = Some(session);
    }

    /// The next moment at which something on the screen changes by itself; nothing happens before it.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let mut at: Vec<Timestamp> = Vec::new();
        at.extend(self.toast.as_ref().and_then(|toast| toast.until));
        if !self.pending.keys.is_empty() {
            at.push(self.pending.since + WHICH_KEY_AFTER);
        }
        at.extend(self.editor.as_ref().and_then(|editor| editor.save_at));
        at.extend(self.form_save_at);
        at.extend(self.rate_limited_until);
        if self.live.following() == Following::ByLooking {
            // What is live has no age.
            at.extend(self.board.ages.iter().map(|seen_at| next_age_step(*seen_at, self.now)));
            at.extend(self.pull_requests.ages.iter().map(|seen_at| next_age_step(*seen_at, self.now)));
        }
        at.extend(self.live.next_look());
        if self.base == Base::Metrics {
            at.extend(self.metrics.next_look());
            // From then on what is shown is called stale.
            at.extend(
                self.metrics
                    .page
                    .rows
                    .as_ref()
                    .and_then(|page| page.figures.as_of)
                    .map(|at| at + STALE_AFTER + SignedDuration::from_secs(1)),
            );
        }
        at.extend(self.next_sync());
        at.into_iter().filter(|at| *at > self.now).min()
    }

    /// When what is in view is synced again by itself. Nobody looks at a terminal in the background, so nothing is asked for it; and
    /// what is live is told of.
    pub fn next_sync(&self) -> Option<Timestamp> {
        let looks = matches!(self.base, Base::Board | Base::PullRequests) && self.focus != TerminalFocus::Elsewhere;
        let rests = self.settings.every_seconds > 0 && self.sync.running.is_none() && self.project.is_some();
        let asked_at = self.sync.asked_at.filter(|_| looks && rests && self.live.following() == Following::ByLooking)?;
        asked_at.checked_add(SignedDuration::from_secs(self.settings.every_seconds)).ok()
    }
}

/// When the words of [`crate::domain::board::age_step`] change next.
pub fn next_age_step(since: Timestamp, now: Timestamp) -> Timestamp {
    let seconds = now.duration_since(since).as_secs().max(0);
    let next = match seconds {
        0..=9 => 10,
        10..=59 => 60,
        60..=3_599 => (seconds / 60 + 1) * 60,
        3_600..=86_399 => (seconds / 3_600 + 1) * 3_600,
        _ => (seconds / 86_400 + 1) * 86_400,
    };
    since.checked_add(SignedDuration::from_secs(next)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::board::age_step;

    #[test]
    fn an_age_changes_its_words_exactly_at_its_next_step() {
        let since = Timestamp::UNIX_EPOCH;
        for seconds in [0, 9, 10, 59, 60, 119, 3_599, 3_600, 86_399, 86_400, 200_000] {
            let now = since + SignedDuration::from_secs(seconds);
            let next = next_age_step(since, now);
            assert!(next > now);
            assert_ne!(age_step(since, now), age_step(since, next), "{seconds}");
            assert_eq!(age_step(since, now), age_step(since, next - SignedDuration::from_secs(1)), "{seconds}");
        }
    }
}
