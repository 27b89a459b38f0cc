//! What every action needs: the store, the clock, the configuration, and clients for the connected organisations.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::ado;
use crate::clock::Clock;
use crate::config::{Access, Config};
use crate::domain::id::{OrganisationId, ProjectId, RepositoryId, TicketKey};
use crate::domain::person::Member;
use crate::domain::project::{Organisation, Project, Repository};
use crate::domain::rate_limit::{RateLimit, Requests};
use crate::domain::ticket::Ticket;
use crate::secret::{self, Found, Kind, TokenSources};
use crate::store::Store;

use super::error::{Error, Result};

/// Shared by all actions; cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub store: Store,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub tokens: Arc<TokenSources>,
    pub clients: Clients,
}

/// One client an organisation, made when first needed, with the token found at that moment.
#[derive(Clone)]
pub struct Clients {
    config: Arc<Config>,
    tokens: Arc<TokenSources>,
    made: Arc<Mutex<HashMap<OrganisationId, ado::Client>>>,
    acting: Arc<Mutex<HashMap<OrganisationId, Acting>>>,
    /// Of all that were ever made here.
    tally: ado::Tally,
}

/// Whose account does what a team shares: receiving, registering webhooks, comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// The one whose token `[service]` names.
    Service,
    /// The user's own, where there is no other.
    Person,
}

/// A client and the account it acts as.
#[derive(Debug, Clone)]
pub struct Acting {
    pub client: ado::Client,
    pub account: Account,
}

/// What the client needs of the configuration.
pub fn network_settings(config: &Config) -> ado::Settings {
    let network = &config.network;
    let access = match config.access {
        Access::ReadWrite => ado::Access::ReadWrite,
        Access::ReadOnly => ado::Access::ReadOnly,
    };
    ado::Settings {
        access,
        ca_file: network.ca_file.clone(),
        allow_http: network.allow_http,
        connect_timeout_ms: network.connect_timeout_ms,
        timeout_ms: network.timeout_ms,
        max_in_flight: network.max_in_flight,
    }
}

/// A token as the client presents it.
pub fn credential(found: &Found) -> ado::Credential {
    match found.kind {
        Kind::Pat => ado::Credential::Pat(found.credential.clone()),
        Kind::Bearer => ado::Credential::Bearer(found.credential.clone()),
    }
}

impl Clients {
    pub fn new(config: Arc<Config>, tokens: Arc<TokenSources>) -> Self {
        Self { config, tokens, made: Arc::default(), acting: Arc::default(), tally: ado::Tally::default() }
    }

    /// Uses this client for an organisation, whatever the token sources say.
    pub async fn put(&self, organisation: OrganisationId, client: ado::Client) {
        self.made.lock().await.insert(organisation, client);
    }

    /// The client of an organisation. Fails when no token is found, or when the address may not be given one.
    pub async fn of(&self, organisation: &Organisation) -> Result<ado::Client> {
        let mut made = self.made.lock().await;
        if let Some(client) = made.get(&organisation.id) {
            return Ok(client.clone());
        }
        let found = secret::find(&self.tokens, &organisation.url).await?;
        let base = ado::Base::new(&organisation.url)?;
        let client = self.make(base, credential(&found))?;
        made.insert(organisation.id, client.clone());
        Ok(client)
    }

    /// The client for what a team shares: with the service's token where there is one, else the user's own.
    pub async fn acting(&self, organisation: &Organisation) -> Result<Acting> {
        if let Some(acting) = self.acting.lock().await.get(&organisation.id) {
            return Ok(acting.clone());
        }
        let acting = match secret::find_service(&self.tokens, &organisation.url).await? {
            Some(found) => {
                let base = ado::Base::new(&organisation.url)?;
                let client = self.make(base, credential(&found))?;
                Acting { client, account: Account::Service }
            }
            None => Acting { client: self.of(organisation).await?, account: Account::Person },
        };
        self.acting.lock().await.insert(organisation.id, acting.clone());
        Ok(acting)
    }

    /// A client for an address that may not be connected yet; what it sends is counted like everything else.
    ///
    /// # Errors
    /// The address may not be given the token, or the token can't be sent.
    pub fn make(&self, base: ado::Base, credential: ado::Credential) -> Result<ado::Client> {
        Ok(ado::Client::counted(base, credential, &network_settings(&self.config), self.tally.clone())?)
    }

    /// What was sent by the clients that were made here.
    pub fn requests(&self) -> Requests {
        self.tally.requests()
    }

    /// What organisations said last of their rate limit to the accounts that act for a team, as far as it was said in this process.
    pub async fn said(&self) -> BTreeMap<OrganisationId, RateLimit> {
        let acting = self.acting.lock().await;
        acting.iter().filter_map(|(id, acting)| Some((*id, acting.client.budget().borrow().said()?))).collect()
    }

    /// Forgets a client, so that the next use looks for its token again.
    pub async fn forget(&self, organisation: OrganisationId) {
        self.made.lock().await.remove(&organisation);
        self.acting.lock().await.remove(&organisation);
    }
}

/// A ticket with everything that says where its work happens.
pub struct Whereabouts {
    pub ticket: Ticket,
    pub project: Project,
    pub organisation: Organisation,
    pub repository: Repository,
    pub client: ado::Client,
}

impl Whereabouts {
    pub fn repo(&self) -> ado::RepoRef<'_> {
        ado::RepoRef { project: &self.project.guid, repository: &self.repository.guid }
    }
}

impl Context {
    pub async fn ticket(&self, key: &TicketKey) -> Result<Ticket> {
        self.store
            .ticket(key)
            .await?
            .ok_or_else(|| Error::refused(format!("there is no ticket {key}"), "`kanado ls` lists the tickets of the project"))
    }

    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        self.store
            .project(id)
            .await?
            .ok_or_else(|| Error::refused(format!("project {id} is not in the store"), "`kanado projects` lists them"))
    }

    pub async fn organisation(&self, id: OrganisationId) -> Result<Organisation> {
        self.store
            .organisation(id)
            .await?
            .ok_or_else(|| Error::refused(format!("organisation {id} is not in the store"), "`kanado connect URL` connects one"))
    }

    pub async fn client(&self, project: &Project) -> Result<ado::Client> {
        self.clients.of(&self.organisation(project.organisation).await?).await
    }

    /// The repository a ticket's work happens in: its own, else the project's only linked one.
    pub async fn repository_for(&self, ticket: &Ticket) -> Result<Repository> {
        if let Some(id) = ticket.repository {
            return self.repository(id).await;
        }
        let linked: Vec<_> = self.store.repositories(ticket.project).await?.into_iter().filter(|r| r.linked).collect();
        match linked.len() {
            1 => Ok(linked.into_iter().next().expect("one element")),
            0 => Err(Error::refused(
                format!("{} has no repository, and none is linked to its project", ticket.key),
                "link one: `kanado repos link NAME`, or on the board `g s`",
            )),
            _ => {
                let names: Vec<_> = linked.iter().map(|r| r.name.as_str()).collect();
                Err(Error::refused(
                    format!("{} has no repository yet, and the project has {}: {}", ticket.key, names.len(), names.join(", ")),
                    format!("choose one: `kanado edit {} --repo NAME`", ticket.key),
                ))
            }
        }
    }

    pub async fn repository(&self, id: RepositoryId) -> Result<Repository> {
        self.store
            .repository(id)
            .await?
            .ok_or_else(|| Error::refused(format!("repository {id} is not in the store"), "`kanado repos` lists them"))
    }

    /// The ticket with its project, organisation, repository and client.
    pub async fn whereabouts(&self, key: &TicketKey) -> Result<Whereabouts> {
        let ticket = self.ticket(key).await?;
        let project = self.project(ticket.project).await?;
        let organisation = self.organisation(project.organisation).await?;
        let repository = self.repository_for(&ticket).await?;
        if repository.disabled {
            return Err(Error::refused(
                format!("repository {} is disabled in Azure DevOps", repository.name),
                "enable it there, or choose another one for the ticket",
            ));
        }
        let client = self.clients.of(&organisation).await?;
        Ok(Whereabouts { ticket, project, organisation, repository, client })
    }

    /// The member of a project that the organisation's token belongs to, made on first need.
    pub async fn me(&self, organisation: &Organisation, project: ProjectId) -> Result<Option<Member>> {
        let Some(me) = &organisation.me else { return Ok(None) };
        if let Some(member) = self.store.member_by_identity(project, &me.id).await? {
            return Ok(Some(member));
        }
        self.store.put_members(project, std::slice::from_ref(me)).await?;
        Ok(self.store.member_by_identity(project, &me.id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_change_anything_gets_clients_that_may_not_either() {
        let mut config = Config::default();
        assert_eq!(network_settings(&config).access, ado::Access::ReadWrite);
        config.access = Access::ReadOnly;
        assert_eq!(network_settings(&config).access, ado::Access::ReadOnly);
    }
}
