//! `connectionData`: who the token is.

use serde::Deserialize;

use super::identity::Record;
use super::loose;
use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::project::Deployment;

/// The id of the person that an unauthenticated visitor of a public organisation is.
pub const ANONYMOUS: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionData {
    authenticated_user: Record,
    #[serde(default, deserialize_with = "loose::word")]
    instance_id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    deployment_type: Option<String>,
}

impl ConnectionData {
    pub fn is_anonymous(&self) -> bool {
        self.authenticated_user.id.eq_ignore_ascii_case(ANONYMOUS)
    }

    /// `otherwise` stands where the server does not say what it is.
    pub fn fact(self, otherwise: Deployment) -> fact::Connection {
        let deployment = match self.deployment_type.map(|d| d.to_ascii_lowercase()).as_deref() {
            Some("hosted") => Deployment::Services,
            Some("onpremises") => Deployment::Server,
            _ => otherwise,
        };
        fact::Connection { me: self.authenticated_user.identity(), instance: self.instance_id.map(Guid::new), deployment }
    }
}
