//! The attempts of a stage that went before the last, where the stage is production: one of them may have deployed.
//!
//! A timeline tells of the last attempt only, and names the timelines of those before. Each costs a request, so stages that are not
//! production, and those of which environments tell, are let be.

use crate::ado::{self, Client};
use crate::domain::id::{Guid, ProjectId};
use crate::domain::run::{DefinitionKind, Stage};
use crate::metrics::input::StageKind;
use crate::metrics::production;
use crate::metrics::query::Rules;

/// Stages whose earlier attempts are wanted, of a run of a pipeline of which some kinds of stages are known.
pub fn wanted(stages: &[Stage], definition: (ProjectId, i64), known: &[StageKind], rules: &Rules) -> Vec<Stage> {
    let is_of = |kind: &&StageKind| (kind.project, kind.definition) == definition && kind.kind == DefinitionKind::Pipeline;
    let mut kinds: Vec<StageKind> = known.iter().filter(is_of).cloned().collect();
    let (name, tags) = kinds.first().map(|kind| (kind.definition_name.clone(), kind.tags.clone())).unwrap_or_default();
    for stage in stages {
        // The first run of a pipeline that is looked at shows kinds that the store has yet to hear of.
        if !kinds.iter().any(|kind| kind.stage == stage.name) {
            kinds.push(StageKind {
                project: definition.0,
                kind: DefinitionKind::Pipeline,
                definition: definition.1,
                definition_name: name.clone(),
                tags: tags.clone(),
                stage: stage.name.clone(),
                shown: Some(stage.display_name.clone()),
                environment: None,
                runs: 0,
                last_at: None,
                decided: None,
                left_alone: Vec::new(),
            });
        }
    }
    let verdicts = production::verdicts(&kinds, rules);
    let is_production = |stage: &&Stage| {
        let mut of_it = kinds.iter().zip(&verdicts).filter(|(kind, _)| kind.stage == stage.name && kind.environment.is_none());
        of_it.any(|(_, verdict)| verdict.production)
    };
    stages.iter().filter(|stage| !stage.earlier.is_empty()).filter(is_production).cloned().collect()
}

/// Reads the earlier attempts of stages of a run. What is not kept any more is left out.
pub async fn earlier(client: &Client, project: &Guid, build: i64, of: &[Stage]) -> Result<Vec<Stage>, ado::Error> {
    let mut found = Vec::new();
    for stage in of {
        for timeline in &stage.earlier {
            let then = client.earlier_timeline(project, build, timeline).await?.unwrap_or_default();
            found.extend(then.into_iter().filter(|then| then.name == stage.name && then.attempt < stage.attempt));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::StageResult;

    fn stage(name: &str, shown: &str, earlier: usize) -> Stage {
        Stage {
            name: name.to_owned(),
            display_name: shown.to_owned(),
            attempt: earlier as i64 + 1,
            result: StageResult::Succeeded,
            started_at: None,
            finished_at: None,
            approval_from: None,
            approval_to: None,
            earlier: vec![Guid::new("6e6f7220-2d20-4e6f-8d61-6e64206e6f74"); earlier],
        }
    }

    #[test]
    fn only_of_production_stages_that_no_environment_tells_of_the_earlier_attempts_are_wanted() {
        let stages =
            [stage("Test", "Test", 1), stage("DeployProd", "DeployProd", 1), stage("s3", "Production EU", 2), stage("ProdUS", "US", 0)];
        let names = |known: &[StageKind], rules: &Rules| {
            wanted(&stages, (ProjectId(1), 7), known, rules).into_iter().map(|stage| stage.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], &Rules::default()), ["DeployProd", "s3"]);
        let told = StageKind {
            project: ProjectId(1),
            kind: DefinitionKind::Pipeline,
            definition: 7,
            definition_name: "api".to_owned(),
            tags: Vec::new(),
            stage: "DeployProd".to_owned(),
            shown: None,
            environment: Some("prod".to_owned()),
            runs: 1,
            last_at: None,
            decided: None,
            left_alone: Vec::new(),
        };
        assert_eq!(names(std::slice::from_ref(&told), &Rules::default()), Vec::<String>::new());
        assert_eq!(names(&[StageKind { definition: 8, ..told }], &Rules::default()), ["DeployProd", "s3"], "of another pipeline");
        let rules = Rules { production: vec!["Test".to_owned()], not_production: vec!["s3".to_owned()], ..Rules::default() };
        assert_eq!(names(&[], &rules), ["Test", "DeployProd"]);
    }
}
