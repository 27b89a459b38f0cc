//! `kanado metrics zone`: at whose midnight the days of a project's figures begin. Kept in the store, so that a whole team sees the same.
//!
//! Limits: names of the time zone database only (`Europe/Berlin`); fixed offsets have no daylight saving time to be right about.

use jiff::tz::TimeZone;
use serde_json::json;

use super::ask;
use crate::action::figures;
use crate::cli::exit::{Exit, Failure};
use crate::cli::frame::{Frame, fit, widest};
use crate::domain::project::Project;
use crate::metrics::query::ZoneOf;
use crate::notice::inert;

/// Lets the configuration's zone hold again.
const AUTO: &str = "auto";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Such as Europe/Berlin; auto lets the configuration decide again [default: show it]
    #[arg(value_name = "ZONE")]
    zone: Option<String>,
    /// All projects that are measured, and not only the one meant
    #[arg(long)]
    all_projects: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let wish = args.zone.as_deref().map(read).transpose()?;
    let projects = ask::projects(args.all_projects, frame).await?;
    if let Some(zone) = wish {
        let names: Vec<&str> = projects.iter().map(|project| project.name.as_str()).collect();
        let words = zone
            .as_ref()
            .and_then(TimeZone::iana_name)
            .map_or_else(|| "let the configuration decide over the days of".to_owned(), |zone| format!("give these the days of {zone}:"));
        let plan = json!({ "projects": names, "time_zone": zone.as_ref().and_then(TimeZone::iana_name) });
        if let Some(exit) = frame.stop(format!("{words} {}", names.join(", ")), &plan)? {
            return Ok(exit);
        }
        let ctx = frame.ctx().await?;
        for project in &projects {
            ctx.store.set_time_zone(project.id, zone.as_ref()).await?;
        }
    }
    show(&projects, frame).await
}

/// The zone of that name; nothing where the configuration is to decide.
fn read(name: &str) -> Result<Option<TimeZone>, Failure> {
    if name.eq_ignore_ascii_case(AUTO) {
        return Ok(None);
    }
    match TimeZone::get(name) {
        Ok(zone) if zone.iana_name().is_some() => Ok(Some(zone)),
        _ => Err(Failure::usage(
            format!("`{name}` is no time zone"),
            "write a name of the time zone database, such as Europe/Berlin, America/New_York or UTC; auto lets the configuration decide",
        )),
    }
}

async fn show(projects: &[Project], frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let mut rows = Vec::with_capacity(projects.len());
    let width = widest(projects.iter().map(|project| project.name.as_str())).min(40);
    for project in projects {
        let zone = figures::zone(&ctx, &[project.id]).await?;
        let why = match &zone.of {
            ZoneOf::Projects => "set for the project".to_owned(),
            ZoneOf::Configuration | ZoneOf::Several => "by the configuration".to_owned(),
            ZoneOf::Unknown(name) => format!("by the configuration: this machine does not know {}", inert(name)),
        };
        frame.output.say(format!("{}  {} ({why})", fit(&project.name, width), zone.name()))?;
        rows.push(json!({ "project": project.name, "time_zone": zone.name(), "overridden": zone.of == ZoneOf::Projects }));
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_name_of_the_database_or_auto() {
        let name = |text: &str| read(text).unwrap().and_then(|zone| zone.iana_name().map(str::to_owned));
        assert_eq!(name("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(name("UTC").as_deref(), Some("UTC"));
        assert_eq!(name("Auto"), None);
        for wrong in ["Berlin", "+02:00", "CET-1CEST", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
