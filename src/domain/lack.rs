//! Sources that may not be read, put together where the same thing is to be done about them, for people. Pure.

use serde::Serialize;

use super::collection::Source;

/// So many projects are named; the others are counted.
const MOST_NAMED: usize = 3;

/// What may not be read for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lack {
    pub sources: Vec<Source>,
    pub projects: Vec<String>,
    /// Why, and what to do.
    pub words: String,
}

impl Lack {
    /// One for each reason, in the order in which they occur. Takes the project, the source and the reason of each refusal.
    pub fn of<'a>(refusals: impl IntoIterator<Item = (&'a str, Source, &'a str)>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (project, source, words) in refusals {
            let at = all.iter().position(|one| one.words == words).unwrap_or_else(|| {
                all.push(Self { sources: Vec::new(), projects: Vec::new(), words: words.to_owned() });
                all.len() - 1
            });
            let one = &mut all[at];
            if !one.sources.contains(&source) {
                one.sources.push(source);
            }
            if !one.projects.iter().any(|known| known == project) {
                one.projects.push(project.to_owned());
            }
        }
        all
    }

    /// `pipeline runs and stages`.
    pub fn what(&self) -> String {
        listed(self.sources.iter().map(|source| source.words().to_owned()).collect())
    }

    /// `pipeline runs and stages of Harbor and Quay`.
    pub fn what_of(&self) -> String {
        let more = self.projects.len().saturating_sub(MOST_NAMED);
        let mut names: Vec<String> = self.projects.iter().take(MOST_NAMED).cloned().collect();
        names.extend((more > 0).then(|| format!("{more} more")));
        format!("{} of {}", self.what(), listed(names))
    }
}

fn listed(mut names: Vec<String>) -> String {
    match names.pop() {
        None => String::new(),
        Some(only) if names.is_empty() => only,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_step_puts_right_is_told_once() {
        let (lacks, view) = ("the token lacks Build (read)", "no permission \"View releases\" in Quay");
        let all = Lack::of([
            ("Harbor", Source::Builds, lacks),
            ("Harbor", Source::Timelines, lacks),
            ("Quay", Source::Builds, lacks),
            ("Quay", Source::Releases, view),
            ("Quay", Source::Timelines, lacks),
        ]);
        let told: Vec<_> = all.iter().map(|one| (one.what_of(), one.words.as_str())).collect();
        assert_eq!(
            told,
            [("pipeline runs and stages of Harbor and Quay".to_owned(), lacks), ("classic releases of Quay".to_owned(), view)]
        );
        assert_eq!(all[0].what(), "pipeline runs and stages");
    }

    #[test]
    fn many_projects_are_counted() {
        let names = ["A", "B", "C", "D", "E"];
        let all = Lack::of(names.map(|name| (name, Source::WorkItems, "why")));
        assert_eq!(all[0].what_of(), "work items of A, B, C and 2 more");
        assert_eq!(Lack::of([]), []);
    }
}
