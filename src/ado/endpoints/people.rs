//! Finding people by what somebody typed, with the identity id that reviewers and filters want.
//!
//! Teams come first ([`Client::people_of`]); this is for people outside them. Services: graph, whose subjects carry no identity
//! id and are exchanged for one, once each. Server, or a token without the graph scope: the identities endpoint.

use serde_json::json;

use crate::ado::call::{Call, Host, Release, encode};
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::identity::{GraphSubject, Record, StorageKey};
use crate::ado::{Client, Result};
use crate::domain::id::Guid;
use crate::domain::person::Identity;

/// Each person found costs a request the first time.
const MOST_FOUND: usize = 20;

impl Client {
    /// People whose name or mail address matches.
    pub async fn search_people(&self, text: &str) -> Result<Vec<Identity>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if self.areas(&format!("look for people called `{text}`")).await?.graph.is_none() {
            return self.search_identities(text).await;
        }
        match self.search_graph(text).await {
            Ok(people) => Ok(people),
            // The token may have the one scope and not the other; if neither, the graph scope is the one to ask for.
            Err(missing) if matches!(missing.kind(), ErrorKind::ScopeMissing { .. }) => {
                self.search_identities(text).await.map_err(|_| missing)
            }
            Err(e) => Err(e),
        }
    }

    async fn search_graph(&self, text: &str) -> Result<Vec<Identity>> {
        let call = Call::ask("/_apis/graph/subjectquery", Scope::Graph, format!("look for people called `{text}`"))
            .host(Host::Graph)
            .release(Release::Preview(1))
            .json(&json!({"query": text, "subjectKind": ["User"]}));
        let found: Vec<GraphSubject> = self.rows(&call).await?;
        let mut people = Vec::new();
        for subject in found.into_iter().filter(GraphSubject::is_person).take(MOST_FOUND) {
            if let Some(id) = self.identity_id(&subject.descriptor).await? {
                people.push(subject.identity(id));
            }
        }
        Ok(people)
    }

    /// The identity id of a graph descriptor. Never decoded from it: the GUID inside is another one.
    async fn identity_id(&self, descriptor: &str) -> Result<Option<Guid>> {
        if let Some(id) = self.people().get(descriptor) {
            return Ok(Some(id.clone()));
        }
        let path = format!("/_apis/graph/storagekeys/{}", encode(descriptor));
        let call = Call::get(path, Scope::Graph, "look up a person's id").host(Host::Graph);
        match self.object::<StorageKey>(&call).await {
            Ok(key) => {
                let id = Guid::new(key.value);
                self.people().insert(descriptor.to_owned(), id.clone());
                Ok(Some(id))
            }
            Err(e) if matches!(e.kind(), ErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn search_identities(&self, text: &str) -> Result<Vec<Identity>> {
        let call = Call::get("/_apis/identities", Scope::Identity, format!("look for people called `{text}`"))
            .host(Host::Identities)
            .query("searchFilter", "General")
            .query("filterValue", text)
            .query("queryMembership", "none");
        let found: Vec<Record> = self.rows(&call).await?;
        Ok(found.into_iter().filter(|r| !r.is_container).take(MOST_FOUND).map(Record::identity).collect())
    }
}
