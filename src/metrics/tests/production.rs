//! Which stages are production.

use super::world::World;
use crate::domain::run::DefinitionKind;
use crate::metrics::figures::{Metric, Value};
use crate::metrics::input::{Decided, StageKind};
use crate::metrics::production::{Ground, judge, says_production, tokens, verdicts, wanted};
use crate::metrics::query::{Definition, Query, Rules};

fn kinds(list: &[(&str, &str, Option<&str>)]) -> Vec<StageKind> {
    let mut world = World::new();
    for (name, stage, environment) in list {
        world.kind(1, name, stage, *environment);
    }
    world.input.kinds
}

fn grounds(kinds: &[StageKind], rules: &Rules) -> Vec<Option<Ground>> {
    verdicts(kinds, rules).into_iter().map(|verdict| verdict.production.then_some(verdict.ground)).collect()
}

#[test]
fn names_are_judged_by_their_tokens() {
    for name in
        ["DeployProd", "ProdEU", "prod1", "PROD", "EUProd", "deploy_to_production", "Deploy PRD", "go-live", "Prod.West", "PRODWest"]
    {
        assert!(says_production(name), "{name}: {:?}", tokens(name));
    }
    for name in [
        "preprod",
        "NonProd",
        "PreProduction",
        "product-catalog",
        "reproduce",
        "deployprod",
        "DEPLOYPROD",
        "non-prod",
        "not_live",
        "no prod",
        "pseudo-production",
        "alive",
        "delivery",
        "",
        "Staging",
    ] {
        assert!(!says_production(name), "{name}: {:?}", tokens(name));
    }
    assert_eq!(tokens("DeployHTTPProd2EU"), ["deploy", "http", "prod", "eu"]);
}

#[test]
fn the_environment_comes_before_the_stage() {
    let kinds = kinds(&[("web", "Release", Some("prod")), ("web", "ProdSmoke", None), ("web", "ProdEU", Some("eu"))]);
    // The smoke stage deploys into no environment, the third into one whose name says nothing: its own does.
    assert_eq!(grounds(&kinds, &Rules::default()), [Some(Ground::Environment), None, Some(Ground::Stage)]);
    let kinds = self::kinds(&[("web", "ProdSmoke", None), ("web", "ProdEU", Some("eu"))]);
    assert_eq!(grounds(&kinds, &Rules::default()), [None, Some(Ground::Stage)], "whatever says of the environment that it is production");
}

#[test]
fn the_stage_comes_before_the_pipeline() {
    let with_stage = kinds(&[("deploy prod", "", None), ("deploy prod", "Production", None), ("deploy prod", "Build", None)]);
    assert_eq!(grounds(&with_stage, &Rules::default()), [None, Some(Ground::Stage), None]);
    let without = kinds(&[("deploy prod", "", None), ("deploy prod", "Build", None)]);
    assert_eq!(grounds(&without, &Rules::default()), [Some(Ground::Pipeline), None]);
}

#[test]
fn a_tag_of_the_pipeline_says_production_too() {
    let mut kinds = kinds(&[("web", "", None)]);
    assert!(!judge(&kinds[0], &Rules::default()).production);
    kinds[0].tags = vec!["live".to_owned()];
    assert_eq!(judge(&kinds[0], &Rules::default()).ground, Ground::Pipeline);
}

#[test]
fn a_stage_is_judged_by_what_people_see_as_well() {
    let mut kinds = kinds(&[("web", "", None), ("web", "s3", None), ("web", "s2", None)]);
    (kinds[1].shown, kinds[2].shown) = (Some("Deploy to Production".to_owned()), Some("Deploy to preprod".to_owned()));
    assert_eq!(grounds(&kinds, &Rules::default()), [None, Some(Ground::Stage), None]);
    assert!(judge(&kinds[1], &Rules::default()).why.contains("`Deploy to Production`"));
    let rules = Rules { production: vec!["*preprod".to_owned()], not_production: vec!["*Production".to_owned()], ..Rules::default() };
    assert_eq!(grounds(&kinds, &rules), [None, None, Some(Ground::Configured)]);
}

#[test]
fn what_the_configuration_names_wins_over_names_and_its_denial_over_all() {
    let kinds = kinds(&[("web", "Blue", None), ("web", "Prod", None)]);
    let rules = Rules { production: vec!["bl*".into()], not_production: vec!["prod".into()], ..Rules::default() };
    assert_eq!(grounds(&kinds, &rules), [Some(Ground::Configured), None]);
    let both = Rules { production: vec!["blue".into()], not_production: vec!["web".into()], ..Rules::default() };
    assert_eq!(grounds(&kinds, &both), [None, None]);
}

#[test]
fn what_a_person_decided_wins_over_everything() {
    let mut kinds = kinds(&[("web", "Blue", None), ("web", "Prod", None)]);
    kinds[0].decided = Some(Decided::Production);
    kinds[1].decided = Some(Decided::NotProduction);
    let rules = Rules { production: vec!["prod".into()], not_production: vec!["blue".into()], ..Rules::default() };
    assert_eq!(grounds(&kinds, &rules), [Some(Ground::Decided), None]);
}

#[test]
fn a_pipeline_decided_as_a_whole_needs_no_stages() {
    let mut kinds = kinds(&[("web", "", None), ("web", "Prod", None)]);
    kinds[0].decided = Some(Decided::Production);
    assert_eq!(grounds(&kinds, &Rules::default()), [Some(Ground::Decided), None]);
}

#[test]
fn a_classic_release_is_production_by_its_name_only_where_no_environment_is() {
    let mut release = kinds(&[("Prod shop", "Stage 1", Some("Stage 1"))]);
    release[0].kind = DefinitionKind::Release;
    assert_eq!(grounds(&release, &Rules::default()), [Some(Ground::Pipeline)]);
    let mut several = kinds(&[("Prod shop", "Stage 1", Some("Stage 1")), ("Prod shop", "Live", Some("Live"))]);
    several.iter_mut().for_each(|kind| kind.kind = DefinitionKind::Release);
    assert_eq!(grounds(&several, &Rules::default()), [None, Some(Ground::Environment)]);
}

#[test]
fn only_what_may_be_production_is_wanted() {
    let kinds = kinds(&[("web", "", None), ("web", "Build", None), ("web", "Prod", None)]);
    let query = World::new().query();
    let ours = wanted(&kinds, &query);
    assert_eq!((ours.kinds.len(), ours.kinds[0].stage.as_str(), ours.runs.len()), (1, "Prod", 0));
    // DevLake's patterns: nothing says `deploy` here.
    let devlake = wanted(&kinds, &Query { definition: Definition::DevLake, ..query.clone() });
    assert_eq!((devlake.kinds.len(), devlake.runs.len()), (0, 0));
    let mut whole = kinds;
    whole[2].stage = "Last".into();
    whole.iter_mut().for_each(|kind| kind.definition_name = "deploy prod".into());
    assert_eq!(wanted(&whole, &query).runs.len(), 1);
    assert_eq!(wanted(&whole, &Query { definition: Definition::DevLake, ..query }).runs.len(), 1);
}

#[test]
fn devlake_takes_preprod_non_prod_and_product_for_production() {
    for stage in ["deploy preprod", "Deploy NonProd", "deploy product-catalog"] {
        let kinds = kinds(&[("web", stage, None)]);
        let query = Query { definition: Definition::DevLake, ..World::new().query() };
        assert_eq!(wanted(&kinds, &query).kinds.len(), 1, "{stage}");
        assert_eq!(wanted(&kinds, &World::new().query()).kinds.len(), 0, "{stage}");
    }
}

#[test]
fn without_production_nothing_falls_back_to_all_builds() {
    let mut world = World::new();
    world.kind(1, "web", "Build", None);
    world.stage(1, 1, "Build", "2026-03-03 09:00", super::world::WEB, 1);
    for metric in [Metric::DeploymentFrequency, Metric::LeadTime, Metric::ChangeFailRate, Metric::PipelineReliability] {
        assert_eq!(world.tile(metric).value, Value::NoProduction, "{metric:?}");
    }
}

#[test]
fn the_ground_of_production_is_shown_in_the_tile() {
    let tile = World::with_web().tile(Metric::DeploymentFrequency);
    assert!(tile.notes.iter().any(|note| note == "production of deploy web: stage `Production`, by its name"), "{:?}", tile.notes);
}
