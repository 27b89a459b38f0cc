//! Ids out of the addresses in a body. An address is never asked for anything: whatever is requested is built from the configuration
//! and from ids.

use super::envelope::guid;
use crate::domain::id::Guid;

/// The organisation in an address: the first part of the path at dev.azure.com, else the first part of the host.
pub fn organisation(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    let host = url.host_str()?;
    let name = match host {
        "dev.azure.com" => url.path_segments()?.next()?,
        _ => host.split('.').next()?,
    };
    Some(name.to_ascii_lowercase())
}

/// The part of an address that follows a word.
fn after<'a>(address: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = address.split(['/', '?', '#']);
    parts.find(|part| part.eq_ignore_ascii_case(word))?;
    parts.next()
}

/// `.../repositories/{id}/...`
pub fn repository(address: &str) -> Option<Guid> {
    after(address, "repositories").and_then(guid)
}

/// `.../pullRequests/{number}/...`
pub fn pull_request(address: &str) -> Option<i64> {
    after(address, "pullrequests")?.parse().ok()
}

/// `refs/pull/{number}/merge`: what a pull request's build builds.
pub fn merge_ref(name: &str) -> Option<i64> {
    name.strip_prefix("refs/pull/")?.strip_suffix("/merge")?.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_addresses_of_every_kind() {
        let at = "https://dev.azure.com/lumen/_apis/git/repositories/5E0A7C11-0000-4000-8000-0000000000B1/pullRequests/7/threads/5";
        assert_eq!(repository(at), Some(Guid::new("5e0a7c11-0000-4000-8000-0000000000b1")));
        assert_eq!(pull_request(at), Some(7));
        for nothing in ["", "https://dev.azure.com/lumen", "/repositories/..%2f..", "pullRequests/x", "pullRequests/", "repositories"] {
            assert_eq!((repository(nothing), pull_request(nothing)), (None, None), "{nothing}");
        }
    }

    #[test]
    fn the_organisation_is_in_the_path_or_in_the_host() {
        for (address, name) in [
            ("https://dev.azure.com/Fabrikam/_apis", Some("fabrikam")),
            ("https://someone@dev.azure.com/lumen/x", Some("lumen")),
            ("https://fabrikam-fiber-inc.visualstudio.com/DefaultCollection", Some("fabrikam-fiber-inc")),
            ("vstfs:///Build/Build/2", None),
            ("not an address", None),
        ] {
            assert_eq!(organisation(address).as_deref(), name, "{address}");
        }
    }

    #[test]
    fn only_a_merge_of_a_pull_request_is_one() {
        for (name, number) in [
            ("refs/pull/12/merge", Some(12)),
            ("refs/pull/0/merge", None),
            ("refs/pull/-3/merge", None),
            ("refs/pull/x/merge", None),
            ("refs/heads/pull/12/merge", None),
            ("refs/pull/12/head", None),
        ] {
            assert_eq!(merge_ref(name), number, "{name}");
        }
    }
}
