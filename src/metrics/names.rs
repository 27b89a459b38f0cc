//! What the rows of figures are called: project, repository, definition, number, as people know them.
//!
//! Limits: names come from outside and are not inert; what the input does not name is called by its number.

use super::figures::Subject;
use super::input::Input;
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::run::DefinitionKind;

/// The project of a subject, where the input names it.
pub fn project_of<'a>(subject: &Subject, input: &'a Input) -> Option<&'a str> {
    let id = match subject {
        Subject::PullRequest { repository, .. } | Subject::Commit { repository, .. } => repository_row(*repository, input)?.1,
        Subject::Deployment { project, .. } | Subject::WorkItem { project, .. } => *project,
    };
    project(id, input)
}

pub fn project(id: ProjectId, input: &Input) -> Option<&str> {
    input.projects.iter().find(|project| project.id == id).map(|project| project.name.as_str())
}

/// What holds the subject: a repository, a definition.
pub fn holder_of<'a>(subject: &Subject, input: &'a Input) -> Option<&'a str> {
    match subject {
        Subject::PullRequest { repository, .. } | Subject::Commit { repository, .. } => {
            repository_row(*repository, input).map(|row| row.2.as_str())
        }
        Subject::Deployment { project, kind, definition, .. } => input
            .kinds
            .iter()
            .find(|row| row.project == *project && row.kind == *kind && row.definition == *definition)
            .map(|row| row.definition_name.as_str()),
        Subject::WorkItem { .. } => None,
    }
}

/// In a few words: `tide-api !42`, `deploy run 4711`, `tide-api 1a2b3c4`, `#12`.
pub fn subject(subject: &Subject, input: &Input) -> String {
    let holder = holder_of(subject, input);
    match subject {
        Subject::PullRequest { repository, number } => match holder {
            Some(name) => format!("{name} !{number}"),
            None => format!("repository {repository} !{number}"),
        },
        Subject::Commit { repository, sha } => match holder {
            Some(name) => format!("{name} {}", sha.short()),
            None => format!("repository {repository} {}", sha.short()),
        },
        Subject::Deployment { kind, definition, run, .. } => {
            let word = match kind {
                DefinitionKind::Pipeline => "run",
                DefinitionKind::Release => "release",
            };
            holder.map_or_else(|| format!("definition {definition} {word} {run}"), |name| format!("{name} {word} {run}"))
        }
        Subject::WorkItem { number, .. } => format!("#{number}"),
    }
}

fn repository_row(id: RepositoryId, input: &Input) -> Option<&(RepositoryId, ProjectId, String, Option<String>)> {
    input.repositories.iter().find(|(known, ..)| *known == id)
}
