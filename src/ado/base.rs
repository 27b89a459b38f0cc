//! The base URL of an organisation (Services) or a collection (Server): everything the client asks begins with it.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::AddressError;
use super::call::decode;
use crate::domain::project::Deployment;

/// `https://dev.azure.com/{org}` or `https://host[:port][/virtual directory]/{collection}`, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    url: Url,
    text: String,
    name: String,
    deployment: Deployment,
}

impl Base {
    /// Takes a base URL as it was stored: the whole path belongs to it. Texts that people type go through
    /// [`Address::parse`](super::Address::parse).
    pub fn new(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text.trim()).map_err(|_| AddressError::not_an_address(text))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(AddressError::not_an_address(text));
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let name = decode(path.rsplit('/').next().unwrap_or_default());
        if name.is_empty() || path.eq_ignore_ascii_case("/tfs") {
            return Err(AddressError::CollectionMissing { url: url.to_string() });
        }
        let deployment = if is_microsoft(url.host_str().unwrap_or_default()) { Deployment::Services } else { Deployment::Server };
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text, name, deployment })
    }

    /// Without a trailing slash, percent-encoded where needed.
    pub fn url(&self) -> &str {
        &self.text
    }

    /// The organisation's or collection's name, decoded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the host name tells. [`Client::connection`](super::Client::connection) knows better: a proxy or a simulator may
    /// stand in front of Services.
    pub fn deployment(&self) -> Deployment {
        self.deployment
    }

    pub(super) fn parsed(&self) -> &Url {
        &self.url
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a host belongs to Azure DevOps Services.
pub(super) fn is_microsoft(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    ["dev.azure.com", "visualstudio.com"].iter().any(|d| host == *d || host.strip_suffix(d).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether a URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}
