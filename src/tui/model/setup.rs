//! The setup screen's state: the connection being typed and checked, projects, repositories, members, review rules.

use super::listed::Listed;
use super::text_field::TextField;
use super::webhooks::MENU;
use crate::domain::person::ReviewRules;
use crate::notice::Notice;
use crate::tui::answer::{ConnectionReport, MemberRow, ProjectRow, RepositoryRow, WebhookCard};
use crate::tui::event::Generation;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Connection,
    Projects,
    Repositories,
    Members,
    Webhooks,
    Review,
}

impl Section {
    pub const ALL: [Self; 6] = [Self::Connection, Self::Projects, Self::Repositories, Self::Members, Self::Webhooks, Self::Review];

    pub fn title(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::Projects => "Projects",
            Self::Repositories => "Repositories",
            Self::Members => "Members",
            Self::Webhooks => "Webhooks",
            Self::Review => "Review rules",
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectField {
    #[default]
    Url,
    Token,
}

/// Whether the keyboard types into the connection's fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    #[default]
    List,
    Fields(ConnectField),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Check {
    #[default]
    NotRun,
    Running(Generation),
    Failed(Notice),
    Passed(Box<ConnectionReport>),
    /// Keeping the token and the project.
    Activating(Box<ConnectionReport>, Generation),
}

#[derive(Debug, Clone)]
pub struct SetupState {
    pub section: Section,
    pub url: TextField,
    pub token: TextField,
    pub focus: Focus,
    pub check: Check,
    /// The row the cursor is on, of the current section.
    pub row: usize,
    pub projects: Option<Vec<ProjectRow>>,
    pub repositories: Option<Vec<RepositoryRow>>,
    pub members: Option<Vec<MemberRow>>,
    pub webhooks: Listed<Box<WebhookCard>>,
    pub rules: ReviewRules,
    /// Loads under way: repositories and members.
    pub loading: Option<Generation>,
    pub loading_members: Option<Generation>,
    pub loading_projects: Option<Generation>,
}

impl Default for SetupState {
    fn default() -> Self {
        Self {
            section: Section::Connection,
            url: TextField::default(),
            token: TextField::hidden(),
            focus: Focus::List,
            check: Check::NotRun,
            row: 0,
            projects: None,
            repositories: None,
            members: None,
            webhooks: Listed::default(),
            rules: ReviewRules::default(),
            loading: None,
            loading_members: None,
            loading_projects: None,
        }
    }
}

impl SetupState {
    /// The project of the cursor, on the list of projects.
    pub fn selected_project(&self) -> Option<&ProjectRow> {
        self.projects.as_ref()?.get(self.row).filter(|_| self.section == Section::Projects)
    }

    /// How many rows the current section has.
    pub fn rows(&self) -> usize {
        match self.section {
            Section::Connection => match &self.check {
                Check::Passed(report) => report.projects.len(),
                _ => 0,
            },
            Section::Projects => self.projects.as_ref().map_or(0, Vec::len),
            Section::Repositories => self.repositories.as_ref().map_or(0, Vec::len),
            Section::Members => self.members.as_ref().map_or(0, Vec::len),
            Section::Webhooks => MENU.len(),
            Section::Review => 2,
        }
    }
}
