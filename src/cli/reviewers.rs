//! `kanado reviewers`: how the reviewer of a pull request is chosen.

use clap::ValueEnum;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::members;
use crate::domain::person::{ReviewRules, ReviewerStrategy};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to choose
    #[arg(long, value_enum)]
    strategy: Option<StrategyFlag>,
    /// Active reviews at which a default reviewer counts as overloaded
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StrategyFlag {
    /// The member with the fewest active reviews
    #[value(alias = "load_balance")]
    LoadBalance,
    /// The author's default reviewer, unless overloaded
    Mapped,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    let mut rules = project.review_rules.clone();
    if args.strategy.is_some() || args.threshold.is_some() {
        let new = ReviewRules {
            strategy: match args.strategy {
                Some(StrategyFlag::LoadBalance) => ReviewerStrategy::LoadBalance,
                Some(StrategyFlag::Mapped) => ReviewerStrategy::Mapped,
                None => rules.strategy,
            },
            overload_threshold: args.threshold.unwrap_or(rules.overload_threshold),
        };
        let outline = Outline { reach: Reach::Board, lines: vec![format!("choose reviewers: {}", words(&new))], warnings: &[], plan: &new };
        if let Decision::Stop(exit) = frame.settle(&outline)? {
            return Ok(exit);
        }
        rules = members::set_rules(&ctx, &project, &new).await?.review_rules;
    }
    let pool: Vec<String> = ctx
        .store
        .members(project.id)
        .await?
        .into_iter()
        .filter(|member| member.can_review)
        .map(|member| member.identity.display_name)
        .collect();
    frame.output.json(&json!({ "strategy": rules.strategy, "overload_threshold": rules.overload_threshold, "pool": pool }))?;
    frame.output.say(format!("{}: {}", project.name, words(&rules)))?;
    frame.output.say(match pool.as_slice() {
        [] => "Nobody can review yet: `kanado members set PERSON --can-review`.".to_owned(),
        names => format!("Who can review: {}.", names.join(", ")),
    })?;
    Ok(Exit::Done)
}

fn words(rules: &ReviewRules) -> String {
    match rules.strategy {
        ReviewerStrategy::LoadBalance => "the member with the fewest active reviews".to_owned(),
        ReviewerStrategy::Mapped => {
            format!("the author's default reviewer; with {} active reviews or more, the member with the fewest", rules.overload_threshold)
        }
    }
}
