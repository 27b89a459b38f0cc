//! The addresses that Azure DevOps is told to deliver to, checked before it is asked.
//!
//! Limits: names are not looked up. A name that leads to a private address is found out by the test notification only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ::url::{Host, Url};

use crate::domain::hook::Purpose;
use crate::domain::id::Guid;
use crate::domain::project::Deployment;
use crate::notice::Notice;

/// Where a person's own hooks and ours are received.
const PATH: &str = "/api/webhooks/ado/";
/// The other way in: the project is found in the body.
const BY_BODY: &str = "/v1/azure/webhook/";

/// An address that may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a final slash.
    pub base: String,
    /// What may go wrong although it is not refused.
    pub warnings: Vec<Notice>,
}

/// What a delivery address of ours is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Purpose(Guid, Purpose),
    /// The bare address of a project, for hooks made by hand.
    Project(Guid),
    /// The project is found in the body.
    ByBody,
    /// At our receiver, and no address that it knows.
    Other,
}

/// The address of a purpose.
pub fn address(base: &str, project: &Guid, purpose: Purpose) -> String {
    format!("{base}{PATH}{project}/{}", purpose.word())
}

/// The address of a project's hooks that are made by hand, whatever they are for.
pub(super) fn bare(base: &str, project: &Guid) -> String {
    format!("{base}{PATH}{project}")
}

/// What an address of somebody's hook means at the receiver `base`; nothing when it leads elsewhere.
pub(super) fn read(base: &str, url: &str) -> Option<Address> {
    let (head, rest) = url.split_at_checked(base.len())?;
    if !head.eq_ignore_ascii_case(base) || !(rest.is_empty() || rest.starts_with(['/', '?'])) {
        return None;
    }
    let lower = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_ascii_lowercase();
    if lower.starts_with(BY_BODY) {
        return Some(Address::ByBody);
    }
    let Some(path) = lower.strip_prefix(PATH) else { return Some(Address::Other) };
    Some(match path.split_once('/') {
        None if !path.is_empty() => Address::Project(Guid::new(path)),
        Some((project, word)) => match Purpose::parse(word) {
            Some(purpose) => Address::Purpose(Guid::new(project), purpose),
            None => Address::Other,
        },
        None => Address::Other,
    })
}

/// Whether Azure DevOps would take the address, explained where it would not.
///
/// # Errors
/// Words for the person, with what to do instead.
pub fn check(text: Option<&str>, deployment: Deployment, insecure: Insecure) -> Result<PublicUrl, Notice> {
    let set = "`kanado config set webhooks.public_url https://...`";
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Notice::new("there is no address yet that Azure DevOps could deliver to")
            .hint(format!("`kanado serve` listens; say how it is reached from outside: {set}")));
    };
    let refused = |words: String, hint: String| Err(Notice::new(words).hint(hint));
    let Ok(url) = Url::parse(text) else {
        return refused(format!("`{text}` is no address"), format!("it begins with https:// and a host: {set}"));
    };
    let Some(host) = url.host() else {
        return refused(format!("`{text}` names no host"), format!("it begins with https:// and a host: {set}"));
    };
    if !matches!(url.scheme(), "https" | "http") {
        return refused(format!("Azure DevOps does not deliver to {}://", url.scheme()), format!("use https: {set}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused(
            "the address holds a name or a password, which everybody could read who may see the hooks".to_owned(),
            format!("leave them out; kanado makes up a secret for each hook: {set}"),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("the address holds a query or a fragment".to_owned(), format!("give scheme, host and path only: {set}"));
    }
    if url.port() == Some(0) {
        return refused("port 0 is no port".to_owned(), format!("leave it out, or give the one that is reached from outside: {set}"));
    }
    let own_machine = match &host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    };
    let base = url.as_str().trim_end_matches('/').to_owned();
    if own_machine {
        return match insecure {
            Insecure::Loopback => Ok(PublicUrl { base, warnings: Vec::new() }),
            Insecure::Never => refused(
                format!("{base} is this machine itself: Azure DevOps refuses such an address, and could not reach it"),
                format!(
                    "give the name under which others reach it, such as https://kanado.example.com: {set}. A simulator on this machine takes it with hooks.allow_insecure_url = true"
                ),
            ),
        };
    }
    if url.scheme() == "http" {
        return refused(
            format!("{base} is plain http, over which anybody on the way could read the secret: Azure DevOps wants https for that"),
            format!("put a proxy with a certificate in front, or `kanado serve --tls-cert FILE --tls-key FILE`; then {set}"),
        );
    }
    let special = match &host {
        Host::Domain(_) => None,
        Host::Ipv4(ip) => special_v4(*ip),
        Host::Ipv6(ip) => special_v6(*ip),
    };
    // A Server stands in the same network; it may well reach what the service cannot.
    match (special, deployment) {
        (Some(kind @ Kind::Private(_)), Deployment::Server) => {
            let words = format!("{base} is {}: hooks work only while the server can reach it", kind.words());
            return Ok(PublicUrl { base, warnings: vec![Notice::new(words)] });
        }
        (Some(kind), _) => {
            return refused(
                format!("{base} is {}: Azure DevOps refuses such an address, and could not reach it", kind.words()),
                format!("give a name or an address that is reached from the internet: {set}"),
            );
        }
        (None, _) => {}
    }
    let mut warnings = Vec::new();
    if let Host::Domain(name) = &host
        && deployment == Deployment::Services
        && is_internal(name)
    {
        warnings.push(
            Notice::new(format!("{name} looks like a name inside your own network, which Azure DevOps Services cannot reach"))
                .hint("if no test arrives, give the name that is known outside"),
        );
    }
    Ok(PublicUrl { base, warnings })
}

/// Whether `hooks.allow_insecure_url` is set; it yields for this machine only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insecure {
    Loopback,
    Never,
}

/// Names that are never published: one word alone, and the endings kept for networks of one's own.
fn is_internal(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.')
        || [".local", ".internal", ".lan", ".home.arpa", ".corp", ".home", ".test", ".example", ".invalid"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Kinds of addresses in the registries of special addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Reached inside a network only.
    Private(&'static str),
    /// Reached by nobody.
    Nowhere(&'static str),
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Private(words) | Self::Nowhere(words) => words,
        }
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<Kind> {
    let [a, b, c, _] = ip.octets();
    Some(match (a, b, c) {
        _ if ip.is_private() => Kind::Private("an address of a private network"),
        (100, 64..=127, _) => Kind::Private("an address that providers share among their customers"),
        (169, 254, _) => Kind::Nowhere("a link-local address"),
        (0, ..) => Kind::Nowhere("an address of no machine"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Kind::Nowhere("an address kept for documentation"),
        (192, 0, 0) | (192, 88, 99) => Kind::Nowhere("an address kept for protocols"),
        (198, 18 | 19, _) => Kind::Nowhere("an address kept for measurements"),
        (224..=239, ..) => Kind::Nowhere("an address of a group"),
        (240..=255, ..) => Kind::Nowhere("a reserved address"),
        _ => return None,
    })
}

fn special_v6(ip: Ipv6Addr) -> Option<Kind> {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return special_v4(inner);
    }
    let [a, b, ..] = ip.segments();
    Some(match a {
        _ if IpAddr::V6(ip).is_unspecified() => Kind::Nowhere("an address of no machine"),
        0xfc00..=0xfdff => Kind::Private("an address of a private network"),
        0xfe80..=0xfebf => Kind::Nowhere("a link-local address"),
        0xfec0..=0xfeff => Kind::Private("a site-local address"),
        0xff00..=0xffff => Kind::Nowhere("an address of a group"),
        0x2001 if b == 0xdb8 => Kind::Nowhere("an address kept for documentation"),
        0x3fff if b < 0x1000 => Kind::Nowhere("an address kept for documentation"),
        0x0100 if ip.segments()[1..4] == [0, 0, 0] => Kind::Nowhere("an address whose packets are thrown away"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_services(text: &str) -> Result<PublicUrl, Notice> {
        check(Some(text), Deployment::Services, Insecure::Never)
    }

    #[test]
    fn an_address_that_azure_devops_would_refuse_is_explained_with_what_to_do() {
        for (text, says) in [
            ("http://kanado.example.com", "plain http"),
            ("https://localhost:8090", "this machine itself"),
            ("http://board.localhost", "this machine itself"),
            ("https://127.0.0.1", "this machine itself"),
            ("https://[::1]:8443", "this machine itself"),
            ("https://[::ffff:127.0.0.1]", "this machine itself"),
            ("https://10.1.2.3", "private network"),
            ("https://172.16.0.9", "private network"),
            ("https://192.168.1.5:8443", "private network"),
            ("https://100.64.0.1", "providers share"),
            ("https://169.254.169.254", "link-local"),
            ("https://0.0.0.0", "no machine"),
            ("https://192.0.2.7", "documentation"),
            ("https://198.51.100.7", "documentation"),
            ("https://203.0.113.7", "documentation"),
            ("https://198.18.0.1", "measurements"),
            ("https://224.0.0.1", "group"),
            ("https://255.255.255.255", "reserved"),
            ("https://[fd00::1]", "private network"),
            ("https://[fe80::1]", "link-local"),
            ("https://[2001:db8::1]", "documentation"),
            ("https://[::]", "no machine"),
            ("https://[::ffff:10.0.0.1]", "private network"),
            ("https://me:secret@kanado.example.com", "name or a password"),
            ("https://kanado.example.com/?key=1", "query"),
            ("https://kanado.example.com:0", "port 0"),
            ("ftp://kanado.example.com", "ftp"),
            ("kanado.example.com", "no address"),
        ] {
            let notice = on_services(text).unwrap_err();
            assert!(notice.text.contains(says), "{text}: {notice}");
            assert!(notice.hint.is_some() && !notice.to_string().contains("secret@"), "{text}: {notice}");
        }
        assert!(check(None, Deployment::Services, Insecure::Never).is_err());
        assert!(check(Some("  "), Deployment::Services, Insecure::Never).is_err());
    }

    #[test]
    fn an_address_that_is_reached_from_outside_is_taken_without_its_final_slash() {
        for (text, base) in [
            ("https://kanado.example.com/", "https://kanado.example.com"),
            ("https://kanado.example.com:8443/team/", "https://kanado.example.com:8443/team"),
            ("https://20.42.1.9", "https://20.42.1.9"),
            ("https://172.32.0.1", "https://172.32.0.1"),
            ("https://[2a01:111::1]", "https://[2a01:111::1]"),
        ] {
            assert_eq!(on_services(text).unwrap(), PublicUrl { base: base.to_owned(), warnings: vec![] });
        }
    }

    #[test]
    fn the_switch_for_insecure_addresses_yields_for_this_machine_only() {
        let with = |text| check(Some(text), Deployment::Services, Insecure::Loopback);
        for text in ["http://127.0.0.1:8090", "http://localhost:8090", "https://[::1]"] {
            assert!(with(text).is_ok(), "{text}");
        }
        for text in ["http://kanado.example.com", "https://10.0.0.1", "http://192.168.0.1"] {
            assert!(with(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_may_be_given_an_address_of_its_own_network_with_a_warning() {
        let taken = check(Some("https://10.0.0.7"), Deployment::Server, Insecure::Never).unwrap();
        assert_eq!(taken.warnings.len(), 1);
        assert!(check(Some("https://169.254.1.1"), Deployment::Server, Insecure::Never).is_err());
        assert!(check(Some("https://build"), Deployment::Server, Insecure::Never).unwrap().warnings.is_empty());
        assert_eq!(on_services("https://build").unwrap().warnings.len(), 1);
    }

    #[test]
    fn an_address_is_read_back_in_any_case_and_others_are_not_ours() {
        let base = "https://kanado.example.com/team";
        let project = Guid::new("5c9a7e0f-0000-4000-8000-000000000001");
        for purpose in Purpose::ALL {
            let url = address(base, &project, purpose);
            assert_eq!(read(base, &url.to_uppercase()), Some(Address::Purpose(project.clone(), purpose)));
        }
        assert_eq!(read(base, &format!("{}/", bare(base, &project))), Some(Address::Project(project.clone())));
        assert_eq!(read(base, "https://kanado.example.com/team/v1/azure/webhook/boards"), Some(Address::ByBody));
        assert_eq!(read(base, "https://kanado.example.com/team/elsewhere"), Some(Address::Other));
        assert_eq!(read(base, &format!("{}/unknown", bare(base, &project))), Some(Address::Other));
        for url in ["https://kanado.example.com/teams/x", "https://kanado.example.com", "https://kanado.example.com.evil/team", "", "é"] {
            assert_eq!(read(base, url), None, "{url}");
        }
    }
}
