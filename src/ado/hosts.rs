//! Where a request goes: the base, or a sub-host that `resourceAreas` names and that may have the token.
//!
//! A named host is trusted only if it is the base's own origin, or if both belong to Azure DevOps Services (`dev.azure.com` and
//! `visualstudio.com`) over https. Nothing else ever gets the token.

use serde::Deserialize;
use url::Url;

use super::base::{is_loopback, is_microsoft};
use super::wire::loose;

const GRAPH: &str = "bb1e7ec9-e901-4b68-999a-de7012b920f8";
const IDENTITIES: &str = "8a3d49b8-91f0-46ef-b33d-dda338c25db3";
const RELEASE: &str = "efc2f575-36ef-48e9-b672-0c6fb4a48ac5";

/// Sub-hosts by area; absent when the instance does not have the area (a Server has no graph).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Areas {
    pub graph: Option<Url>,
    pub identities: Option<Url>,
    pub release: Option<Url>,
}

/// A row of `resourceAreas`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Area {
    #[serde(default, deserialize_with = "loose::word")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    location_url: Option<String>,
}

impl Areas {
    pub fn from_rows(rows: &[Area]) -> Self {
        let find = |id: &str| {
            let row = rows.iter().find(|r| r.id.as_deref().is_some_and(|i| i.eq_ignore_ascii_case(id)))?;
            Url::parse(row.location_url.as_deref()?).ok()
        };
        Self { graph: find(GRAPH), identities: find(IDENTITIES), release: find(RELEASE) }
    }
}

/// Where release management lives when the areas do not say: Services have a host for it, any other server answers at the base.
pub fn release_of(base: &Url) -> Url {
    let mut url = base.clone();
    let host = base.host_str().unwrap_or_default().to_ascii_lowercase();
    let renamed = match host.strip_suffix(".visualstudio.com") {
        Some(organisation) if !organisation.contains('.') => Some(format!("{organisation}.vsrm.visualstudio.com")),
        _ => (host == "dev.azure.com").then(|| "vsrm.dev.azure.com".to_owned()),
    };
    if let Some(renamed) = renamed {
        // A host in place of a host: this cannot fail, and the base is what is left if it did.
        let _ = url.set_host(Some(&renamed));
    }
    url
}

/// Whether the token for `base` may go to `url`.
pub fn is_trusted(base: &Url, url: &Url) -> bool {
    if base.origin() == url.origin() {
        return true;
    }
    let both_microsoft = is_microsoft(base.host_str().unwrap_or_default()) && is_microsoft(url.host_str().unwrap_or_default());
    both_microsoft && url.scheme() == "https" && url.port_or_known_default() == Some(443)
}

/// Whether a token may travel to `url` at all: encrypted, or not leaving the machine.
pub fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_its_own_host_and_within_services_only() {
        let cases = [
            ("https://dev.azure.com/lumen", "https://vssps.dev.azure.com/lumen", true),
            ("https://dev.azure.com/lumen", "https://lumen.vssps.visualstudio.com/", true),
            ("https://dev.azure.com/lumen", "http://vssps.dev.azure.com/lumen", false),
            ("https://dev.azure.com/lumen", "https://vssps.dev.azure.com:8443/lumen", false),
            ("https://dev.azure.com/lumen", "https://dev.azure.com.evil.example/", false),
            ("https://dev.azure.com/lumen", "https://evildev.azure.com/", false),
            ("https://tfs.corp.example/tfs/Main", "https://tfs.corp.example/tfs/Main", true),
            ("https://tfs.corp.example/tfs/Main", "https://vssps.dev.azure.com/lumen", false),
            ("https://tfs.corp.example/tfs/Main", "http://tfs.corp.example/tfs/Main", false),
            ("http://127.0.0.1:8100/lumen", "http://127.0.0.1:8101/lumen", false),
        ];
        for (base, url, trusted) in cases {
            assert_eq!(is_trusted(&Url::parse(base).unwrap(), &Url::parse(url).unwrap()), trusted, "{base} -> {url}");
        }
    }

    #[test]
    fn release_management_has_its_own_host_on_services_only() {
        for (base, release) in [
            ("https://dev.azure.com/lumen", "https://vsrm.dev.azure.com/lumen"),
            ("https://lumen.visualstudio.com/DefaultCollection", "https://lumen.vsrm.visualstudio.com/DefaultCollection"),
            ("https://tfs.corp.example/tfs/Main", "https://tfs.corp.example/tfs/Main"),
            ("http://127.0.0.1:8100/lumen", "http://127.0.0.1:8100/lumen"),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!(release_of(&base).as_str(), release);
            assert!(is_trusted(&base, &release_of(&base)));
        }
    }

    #[test]
    fn only_loopback_may_be_reached_over_plain_http() {
        for (url, private) in [
            ("http://localhost:1/x", true),
            ("http://127.8.0.1/x", true),
            ("http://[::1]:9/x", true),
            ("https://a.example/x", true),
            ("http://a.example/x", false),
            ("http://localhost.evil.example/x", false),
            ("http://10.0.0.1/x", false),
        ] {
            assert_eq!(is_private(&Url::parse(url).unwrap()), private, "{url}");
        }
    }
}
