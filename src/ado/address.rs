//! Reads what people call their organisation: a name, a URL of a page, or a git remote.
//!
//! Limits: nothing is asked over the network. A Server in a virtual directory other than `tfs` is recognised only in a git URL
//! with three parts before `_git`; for other URLs give the base itself to [`Base::new`].

use url::Url;

use super::base::{Base, is_loopback};
use super::call::{decode, encode};

/// Where a text points: an organisation or collection, and perhaps a project and a repository in it (decoded names).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub base: Base,
    pub project: Option<String>,
    pub repository: Option<String>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{text}` is not an Azure DevOps organisation, URL or git remote")]
    NotAnAddress { text: String },
    #[error("`{url}` names a server but no collection")]
    CollectionMissing { url: String },
    #[error("`{url}` names no organisation")]
    OrganisationMissing { url: String },
    #[error("`{text}` is a git remote of another service ({host})")]
    OtherService { text: String, host: String },
}

impl AddressError {
    pub(super) fn not_an_address(text: &str) -> Self {
        Self::NotAnAddress { text: shown(text) }
    }
}

impl crate::notice::Explain for AddressError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::NotAnAddress { .. } | Self::OtherService { .. } => {
                    "give an organisation (lumen), lumen/Project, https://dev.azure.com/lumen, https://server/tfs/Collection or a git remote"
                }
                Self::CollectionMissing { .. } => "add the collection: https://server/tfs/DefaultCollection",
                Self::OrganisationMissing { .. } => "add the organisation: https://dev.azure.com/lumen",
            }
            .to_owned(),
        )
    }
}

impl Address {
    /// Reads an organisation name, `org/project`, a `dev.azure.com`, `*.visualstudio.com` or Server URL, or a git remote
    /// (https or ssh). An organisation's old `*.visualstudio.com` form becomes its `dev.azure.com` form: both answer, and one
    /// organisation then has one name.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let invalid = || AddressError::not_an_address(text);
        if text.is_empty() || text.chars().any(char::is_control) || text.len() > 2000 {
            return Err(invalid());
        }
        if let Some(rest) = text.strip_prefix("ssh://") {
            let (authority, path) = rest.split_once('/').ok_or_else(invalid)?;
            return ssh(text, authority, path);
        }
        if text.contains("://") {
            return from_url(&Url::parse(text).map_err(|_| invalid())?, text);
        }
        if let Some((authority, path)) = text.split_once(':')
            && authority.contains('@')
            && !authority.contains('/')
        {
            return ssh(text, authority, path);
        }
        let first = text.split('/').next().unwrap_or_default();
        if first.contains(['.', ':']) || first.eq_ignore_ascii_case("localhost") {
            let https = Url::parse(&format!("https://{text}")).map_err(|_| invalid())?;
            if is_loopback(&https) {
                return from_url(&Url::parse(&format!("http://{text}")).map_err(|_| invalid())?, text);
            }
            return from_url(&https, text);
        }
        let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        if !is_organisation(parts[0]) || parts.len() > 3 || parts.iter().any(|p| p.is_empty()) {
            return Err(invalid());
        }
        Ok(Self { base: services(parts[0])?, project: parts.get(1).map(decode), repository: parts.get(2).map(decode) })
    }
}

fn from_url(url: &Url, text: &str) -> Result<Address, AddressError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::not_an_address(text));
    }
    let host = url.host_str().ok_or_else(|| AddressError::not_an_address(text))?.to_ascii_lowercase();
    let parts: Vec<String> = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).map(decode).collect();
    if let Some(other) = ["github.com", "gitlab.com", "bitbucket.org"].iter().find(|o| host == **o) {
        return Err(AddressError::OtherService { text: shown(text), host: (*other).to_owned() });
    }
    if host == "dev.azure.com" {
        let Some((org, rest)) = parts.split_first() else {
            return Err(AddressError::OrganisationMissing { url: shown(text) });
        };
        if !is_organisation(org) {
            return Err(AddressError::not_an_address(text));
        }
        return Ok(within(services(org)?, rest));
    }
    if let Some(org) = host.strip_suffix(".visualstudio.com") {
        if !is_organisation(org) {
            return Err(AddressError::not_an_address(text));
        }
        let rest = match parts.split_first() {
            Some((first, rest)) if first.eq_ignore_ascii_case("DefaultCollection") => rest,
            _ => &parts[..],
        };
        return Ok(within(services(org)?, rest));
    }
    let base_parts = server_base_parts(&parts);
    // Names that begin with an underscore are the service's own words, such as `_git`.
    if parts.len() < base_parts || parts[..base_parts].iter().any(|part| part.starts_with('_')) {
        return Err(AddressError::CollectionMissing { url: shown(text) });
    }
    let (base, rest) = parts.split_at(base_parts);
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let path: String = base.iter().map(|p| format!("/{}", encode(p))).collect();
    Ok(within(Base::new(&format!("{}://{host}{port}{path}", url.scheme()))?, rest))
}

/// How many leading parts of a Server path name the collection: a virtual directory adds one.
fn server_base_parts(parts: &[String]) -> usize {
    let under_tfs = parts.first().is_some_and(|p| p.eq_ignore_ascii_case("tfs"));
    let before_git = parts.iter().position(|p| p == "_git");
    if under_tfs || before_git == Some(3) { 2 } else { 1 }
}

/// The project and repository in what follows the base.
fn within(base: Base, rest: &[String]) -> Address {
    let mut project = rest.first().filter(|p| !p.starts_with('_')).cloned();
    let mut repository = None;
    if let Some(git) = rest.iter().position(|p| p == "_git").filter(|at| *at <= 1) {
        // Clones may ask for a kind of repository in between: `_git/_full/name`.
        repository = rest[git + 1..].iter().find(|p| !matches!(p.as_str(), "_full" | "_optimized")).cloned();
        if git == 0 {
            project.clone_from(&repository);
        }
    }
    Address { base, project, repository }
}

fn ssh(text: &str, authority: &str, path: &str) -> Result<Address, AddressError> {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    // `ssh://host:22/path` has its port in the authority; `host:path` has none.
    let parts: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(decode).collect();
    let services_host =
        matches!(host.as_str(), "ssh.dev.azure.com" | "vs-ssh.visualstudio.com") || host.ends_with(".vs-ssh.visualstudio.com");
    if services_host {
        let rest = match parts.split_first() {
            Some((v, rest)) if v.eq_ignore_ascii_case("v3") => rest,
            _ => return Err(AddressError::not_an_address(text)),
        };
        return match rest {
            [org, project, repository] if is_organisation(org) => {
                Ok(Address { base: services(org)?, project: Some(project.clone()), repository: Some(repository.clone()) })
            }
            _ => Err(AddressError::not_an_address(text)),
        };
    }
    if !parts.iter().any(|p| p == "_git") {
        return Err(AddressError::OtherService { text: shown(text), host });
    }
    let path: String = parts.iter().map(|p| format!("/{}", encode(p))).collect();
    let url = Url::parse(&format!("https://{host}{path}")).map_err(|_| AddressError::not_an_address(text))?;
    from_url(&url, text)
}

fn services(org: &str) -> Result<Base, AddressError> {
    Base::new(&format!("https://dev.azure.com/{}", encode(org)))
}

fn is_organisation(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The text without user info, which may hold a token, and not endless.
fn shown(text: &str) -> String {
    let cleaned = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &text[..scheme + 3], &text[at + 1..]),
        _ => text.to_owned(),
    };
    crate::notice::inert(&cleaned.chars().take(120).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::project::Deployment;

    fn read(text: &str) -> (String, Option<String>, Option<String>) {
        let a = Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        (a.base.url().to_owned(), a.project, a.repository)
    }

    #[test]
    fn every_form_people_have_at_hand_is_understood() {
        let cases: &[(&str, &str, Option<&str>, Option<&str>)] = &[
            ("lumen", "https://dev.azure.com/lumen", None, None),
            (" lumen/Orbit ", "https://dev.azure.com/lumen", Some("Orbit"), None),
            ("lumen/My Project", "https://dev.azure.com/lumen", Some("My Project"), None),
            ("https://dev.azure.com/lumen/", "https://dev.azure.com/lumen", None, None),
            ("dev.azure.com/lumen/Orbit", "https://dev.azure.com/lumen", Some("Orbit"), None),
            ("https://dev.azure.com/lumen/My%20Project/_boards/board", "https://dev.azure.com/lumen", Some("My Project"), None),
            ("https://dev.azure.com/lumen/_projects", "https://dev.azure.com/lumen", None, None),
            ("https://secret@dev.azure.com/lumen/Orbit/_git/api?path=/a", "https://dev.azure.com/lumen", Some("Orbit"), Some("api")),
            ("https://dev.azure.com/lumen/_git/Orbit", "https://dev.azure.com/lumen", Some("Orbit"), Some("Orbit")),
            ("https://dev.azure.com/lumen/Orbit/_git/_full/api", "https://dev.azure.com/lumen", Some("Orbit"), Some("api")),
            ("https://lumen.visualstudio.com/DefaultCollection/Orbit/_git/api", "https://dev.azure.com/lumen", Some("Orbit"), Some("api")),
            ("https://lumen.visualstudio.com/Orbit", "https://dev.azure.com/lumen", Some("Orbit"), None),
            ("git@ssh.dev.azure.com:v3/lumen/My%20Project/api", "https://dev.azure.com/lumen", Some("My Project"), Some("api")),
            ("lumen@vs-ssh.visualstudio.com:v3/lumen/Orbit/api", "https://dev.azure.com/lumen", Some("Orbit"), Some("api")),
            ("ssh://git@ssh.dev.azure.com/v3/lumen/Orbit/api", "https://dev.azure.com/lumen", Some("Orbit"), Some("api")),
            ("https://tfs.corp.example/tfs/Main/Orbit/_git/api", "https://tfs.corp.example/tfs/Main", Some("Orbit"), Some("api")),
            ("https://tfs.corp.example:8443/Main/Orbit", "https://tfs.corp.example:8443/Main", Some("Orbit"), None),
            ("https://tfs.corp.example/Main/_git/api", "https://tfs.corp.example/Main", Some("api"), Some("api")),
            ("https://tfs.corp.example/devops/Main/Orbit/_git/api", "https://tfs.corp.example/devops/Main", Some("Orbit"), Some("api")),
            ("ssh://tfs.corp.example:22/tfs/Main/Orbit/_git/api", "https://tfs.corp.example/tfs/Main", Some("Orbit"), Some("api")),
            ("https://tfs.corp.example/tfs/My%20Coll/Orbit", "https://tfs.corp.example/tfs/My%20Coll", Some("Orbit"), None),
            ("localhost:8100/lumen/Orbit", "http://localhost:8100/lumen", Some("Orbit"), None),
            ("http://127.0.0.1:8100/lumen", "http://127.0.0.1:8100/lumen", None, None),
        ];
        for (text, base, project, repository) in cases {
            assert_eq!(read(text), ((*base).to_owned(), project.map(str::to_owned), repository.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn a_server_without_a_collection_is_refused_by_name() {
        for text in ["https://tfs.corp.example", "https://tfs.corp.example/tfs/", "https://tfs.corp.example/"] {
            assert!(matches!(Address::parse(text), Err(AddressError::CollectionMissing { .. })), "{text}");
        }
        assert!(matches!(Address::parse("https://dev.azure.com/"), Err(AddressError::OrganisationMissing { .. })));
    }

    #[test]
    fn remotes_of_other_services_and_nonsense_are_refused_without_repeating_a_token() {
        for text in ["git@github.com:a/b.git", "https://github.com/a/b"] {
            assert!(matches!(Address::parse(text), Err(AddressError::OtherService { .. })), "{text}");
        }
        for text in ["", "-", "a b c", "ftp://x/y", "lumen//x", "https://", "git@ssh.dev.azure.com:v3/lumen", "a\u{7}b"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let error = Address::parse("https://u:canary@dev.azure.com/").unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }

    #[test]
    fn the_base_knows_its_name_and_kind() {
        let base = Address::parse("https://tfs.corp.example/tfs/My%20Coll").unwrap().base;
        assert_eq!((base.name(), base.deployment()), ("My Coll", Deployment::Server));
        assert_eq!(Base::new("https://dev.azure.com/lumen/").unwrap().deployment(), Deployment::Services);
        assert_eq!(Base::new("https://tfs.corp.example/a/b").unwrap().url(), "https://tfs.corp.example/a/b");
    }
}
