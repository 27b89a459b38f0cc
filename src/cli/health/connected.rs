//! Whether an organisation answers with the token that is there: by what is known, or by asking now.

use jiff::Timestamp;
use serde::Serialize;

use crate::action::{Context, rate_limit};
use crate::ado::{Need, ScopeCheck, ScopeOutcome, tokens_page};
use crate::domain::board::age_step;
use crate::domain::collection::Collection;
use crate::domain::health::HookHealth;
use crate::domain::project::{Organisation, Project};
use crate::notice::{Explain as _, inert};

/// How a project stands to its organisation.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    pub connected: bool,
    /// Why not, and what to do.
    pub why: Option<String>,
    pub hint: Option<String>,
    /// When Azure DevOps last answered something about it, as far as the store knows.
    pub last_answer: Option<Timestamp>,
    /// What was found by asking now.
    #[serde(flatten)]
    pub asked: Option<Asked>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    pub scopes: Vec<ScopeCheck>,
    /// Where the scopes of the token are changed.
    pub tokens_page: String,
}

/// By what is known: a token is there, and what was asked last was answered.
pub fn known(
    organisation: &Organisation,
    project: &Project,
    hooks: &HookHealth,
    collection: &Collection,
    token: Result<(), &crate::secret::Error>,
) -> Connection {
    let last_answer = rate_limit::answered_at(organisation, project, &hooks.reconciled, collection);
    let connection =
        |why: Option<String>, hint: Option<String>| Connection { connected: why.is_none(), why, hint, last_answer, asked: None };
    if let Err(error) = token {
        return connection(Some(error.to_string()), error.hint());
    }
    // One source that fails is its own trouble; all of them are the organisation's.
    let attempted: Vec<_> = collection.sources.iter().filter(|state| state.attempted_at.is_some() && state.refused.is_none()).collect();
    let failed =
        attempted.iter().rev().find_map(|state| state.failed.clone()).filter(|_| attempted.iter().all(|state| state.failed.is_some()));
    connection(failed, None)
}

/// Asks who the token is and what its scopes allow.
pub async fn ask(ctx: &Context, organisation: &Organisation, project: &Project, known: Connection) -> Connection {
    let asked = async {
        let client = ctx.clients.acting(organisation).await?.client;
        let asked = [(organisation.id, client.clone())];
        let scopes = rate_limit::keeping(ctx, &asked, async {
            client.connection().await?;
            let repository = ctx.store.repositories(project.id).await?.into_iter().find(|repository| !repository.disabled);
            let repository = repository.as_ref().map(|repository| &repository.guid);
            Ok::<_, crate::action::Error>(client.check(Some(&project.guid), repository).await?)
        });
        Ok::<_, crate::action::Error>(Asked { scopes: scopes.await?, tokens_page: tokens_page(&organisation.url) })
    };
    match asked.await {
        Ok(asked) => Connection { connected: true, why: None, hint: None, last_answer: Some(ctx.clock.now()), asked: Some(asked) },
        Err(error) => Connection { connected: false, why: Some(error.to_string()), hint: error.hint(), ..known },
    }
}

impl Connection {
    /// Whether something that the board cannot do without is missing.
    pub fn is_well(&self) -> bool {
        let is_lacking = |scope: &ScopeCheck| scope.outcome == ScopeOutcome::Missing && scope.need == Need::Required;
        self.connected && !self.asked.as_ref().is_some_and(|asked| asked.scopes.iter().any(is_lacking))
    }

    pub fn words(&self, now: Timestamp) -> String {
        let last = self.last_answer.map_or("nothing was ever answered".to_owned(), |at| match age_step(at, now).as_str() {
            "now" => "answered just now".to_owned(),
            age => format!("last answer {age} ago"),
        });
        match &self.why {
            None => format!("Connected; {last}"),
            Some(why) => {
                let hint = self.hint.as_ref().map_or(String::new(), |hint| format!(" ({})", inert(hint)));
                format!("NOT connected: {}{hint}; {last}", inert(why))
            }
        }
    }

    /// Scopes that are missing, each with what is lost.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let Some(asked) = &self.asked else { return Vec::new() };
        let mut lines = Vec::new();
        for scope in &asked.scopes {
            match &scope.outcome {
                ScopeOutcome::Allowed => {}
                ScopeOutcome::Missing => lines.push(("scope missing", missing(scope))),
                ScopeOutcome::Unknown(why) => lines.push(("scope", format!("{}: cannot be told: {}", scope.scope, inert(why)))),
            }
        }
        if lines.is_empty() {
            lines.push(("scopes", "all there".to_owned()));
        }
        lines.extend(to_do(&asked.scopes, &asked.tokens_page).map(|words| ("to do", words)));
        lines
    }
}

/// `Build (read): without it, ...; the token should have it`.
pub fn missing(scope: &ScopeCheck) -> String {
    let need = match scope.need {
        Need::Required => "the board needs it",
        Need::Expected => "the token should have it",
        Need::Optional => "only if you use it",
    };
    format!("{}: without it, {}; {need}", scope.scope, scope.degrades)
}

/// Where to put right what is missing, if anything is.
pub fn to_do(scopes: &[ScopeCheck], page: &str) -> Option<String> {
    let is_missing = scopes.iter().any(|scope| scope.outcome == ScopeOutcome::Missing);
    is_missing.then(|| format!("edit the token at {page} and tick what is missing; or make a new one there, then `kanado token rotate`"))
}
