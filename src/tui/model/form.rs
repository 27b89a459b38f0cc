//! The two forms that make things: a new ticket, a pull request. What is typed in them outlives closing them.

use ratatui_textarea::{TextArea, WrapMode};

use super::text_field::TextField;
use crate::domain::id::{RepositoryId, TicketKey};
use crate::notice::{Notice, inert_lines};
use crate::tui::answer::{PullRequestDraft, RepositoryRow};
use crate::tui::event::Generation;
use crate::tui::session::{NewTicketText, PullRequestText};

/// Several lines of text in a form.
pub type LinesField = TextArea<'static>;

pub fn lines_field(text: &str) -> LinesField {
    let mut area = TextArea::new(inert_lines(text).split('\n').map(str::to_owned).collect());
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_cursor_line_style(ratatui::style::Style::default());
    area
}

/// The text of a field of several lines.
pub fn text_of(area: &LinesField) -> String {
    area.lines().join("\n")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewTicketField {
    Title,
    Description,
    Criteria,
    Labels,
    Repository,
    Priority,
    Assignee,
}

impl NewTicketField {
    pub const ALL: [Self; 7] =
        [Self::Title, Self::Description, Self::Criteria, Self::Labels, Self::Repository, Self::Priority, Self::Assignee];
}

#[derive(Debug, Clone)]
pub struct NewTicketForm {
    pub field: NewTicketField,
    pub title: TextField,
    pub description: LinesField,
    /// One a line.
    pub criteria: LinesField,
    /// With spaces or commas between.
    pub labels: TextField,
    pub repositories: Vec<RepositoryRow>,
    pub repository: Option<RepositoryId>,
    pub priority: Option<u8>,
    pub mine: bool,
    pub sending: Option<Generation>,
    pub loading: Option<Generation>,
    pub problem: Option<Notice>,
}

impl Default for NewTicketForm {
    fn default() -> Self {
        Self {
            field: NewTicketField::Title,
            title: TextField::default(),
            description: lines_field(""),
            criteria: lines_field(""),
            labels: TextField::default(),
            repositories: Vec::new(),
            repository: None,
            priority: None,
            mine: false,
            sending: None,
            loading: None,
            problem: None,
        }
    }
}

impl NewTicketForm {
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.labels.is_empty() && self.description.is_empty() && self.criteria.is_empty()
    }

    /// What to keep of it when the program ends; nothing, if nothing was typed.
    pub fn typed(&self) -> Option<NewTicketText> {
        (!self.is_empty()).then(|| NewTicketText {
            title: self.title.text().into(),
            description: text_of(&self.description),
            criteria: text_of(&self.criteria),
            labels: self.labels.text().into(),
            repository: self.repository,
            priority: self.priority,
            mine: self.mine,
        })
    }

    pub fn from_typed(text: &NewTicketText) -> Self {
        Self {
            title: TextField::new(&text.title),
            description: lines_field(&text.description),
            criteria: lines_field(&text.criteria),
            labels: TextField::new(&text.labels),
            repository: text.repository,
            priority: text.priority,
            mine: text.mine,
            ..Self::default()
        }
    }

    pub fn repository_name(&self) -> Option<&str> {
        let chosen = self.repository?;
        self.repositories.iter().find(|row| row.id == chosen).map(|row| row.name.as_str())
    }

    /// The next or previous choice of the repository, `none` among them.
    pub fn turn_repository(&mut self, by: Turn) {
        let ids: Vec<Option<RepositoryId>> = std::iter::once(None).chain(self.repositories.iter().map(|row| Some(row.id))).collect();
        self.repository = turned(&ids, &self.repository, by);
    }

    pub fn turn_priority(&mut self, by: Turn) {
        self.priority = turned(&[None, Some(1), Some(2), Some(3), Some(4)], &self.priority, by);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Next,
    Previous,
}

/// The neighbour of a value in a ring of choices.
pub fn turned<T: Clone + PartialEq>(choices: &[T], current: &T, by: Turn) -> T {
    let at = choices.iter().position(|choice| choice == current).unwrap_or(0);
    let next = match by {
        Turn::Next => (at + 1) % choices.len(),
        Turn::Previous => (at + choices.len() - 1) % choices.len(),
    };
    choices[next].clone()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullRequestField {
    Title,
    Body,
    Reviewer,
    Target,
    Draft,
    WorkItems,
}

impl PullRequestField {
    pub const ALL: [Self; 6] = [Self::Title, Self::Body, Self::Reviewer, Self::Target, Self::Draft, Self::WorkItems];
}

/// How far the form has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormPhase {
    Loading(Generation),
    Filling,
    /// Asked to open it; the task is not known yet.
    Sending(Generation),
    Running(u64),
    Failed(Notice),
}

#[derive(Debug, Clone)]
pub struct PullRequestForm {
    pub key: TicketKey,
    pub phase: FormPhase,
    pub plan: Option<Box<PullRequestDraft>>,
    pub field: PullRequestField,
    pub title: TextField,
    pub body: LinesField,
    pub target: TextField,
    pub work_items: TextField,
    pub reviewer: Option<crate::domain::id::MemberId>,
    pub is_draft: bool,
    /// Typed in by a person, so that a newer plan does not overwrite it.
    pub touched: bool,
}

impl PullRequestForm {
    pub fn new(key: TicketKey, generation: Generation) -> Self {
        Self {
            key,
            phase: FormPhase::Loading(generation),
            plan: None,
            field: PullRequestField::Title,
            title: TextField::default(),
            body: lines_field(""),
            target: TextField::default(),
            work_items: TextField::default(),
            reviewer: None,
            is_draft: false,
            touched: false,
        }
    }

    /// What to keep of it when the program ends; nothing, if nobody changed it.
    pub fn typed(&self) -> Option<PullRequestText> {
        self.touched.then(|| PullRequestText {
            key: self.key.clone(),
            title: self.title.text().into(),
            body: text_of(&self.body),
            target: self.target.text().into(),
            work_items: self.work_items.text().into(),
            reviewer: self.reviewer,
            is_draft: self.is_draft,
        })
    }

    pub fn from_typed(text: &PullRequestText) -> Self {
        Self {
            title: TextField::new(&text.title),
            body: lines_field(&text.body),
            target: TextField::new(&text.target),
            work_items: TextField::new(&text.work_items),
            reviewer: text.reviewer,
            is_draft: text.is_draft,
            touched: true,
            ..Self::new(text.key.clone(), Generation::default())
        }
    }

    /// Takes over a plan; what a person typed stays.
    pub fn fill(&mut self, plan: Box<PullRequestDraft>) {
        if !self.touched {
            self.title.set(&plan.title);
            self.body = lines_field(&plan.body);
            self.target.set(&plan.target_branch);
            self.work_items.set(&plan.work_items.join(" "));
            self.reviewer = plan.chosen;
        }
        self.plan = Some(plan);
        self.phase = FormPhase::Filling;
    }

    pub fn turn_reviewer(&mut self, by: Turn) {
        let Some(plan) = &self.plan else { return };
        let ids: Vec<_> = std::iter::once(None).chain(plan.reviewers.iter().map(|choice| Some(choice.member))).collect();
        self.reviewer = turned(&ids, &self.reviewer, by);
    }

    pub fn reviewer_name(&self) -> Option<&str> {
        let chosen = self.reviewer?;
        self.plan.as_ref()?.reviewers.iter().find(|choice| choice.member == chosen).map(|choice| choice.name.as_str())
    }
}
