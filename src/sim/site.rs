//! Where the simulator says it is: the addresses in its answers, for the Services and the Server shape of a URL.
//!
//! Only builds and takes apart strings. Sub-hosts do not exist here: every area lives under the same base, but release management,
//! which lives below `/lumen.vsrm` on Services.
use url::form_urlencoded;
use uuid::Uuid;

use super::world::Directory;

/// Stands for the host `vsrm.dev.azure.com`; in one segment, as a base address has it.
const RELEASE: &str = ".vsrm";

/// Which product is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum ServerVersion {
    Server2019,
    Server2020,
    Server2022,
    #[default]
    Services,
}

impl ServerVersion {
    pub fn is_services(self) -> bool {
        self == ServerVersion::Services
    }
}

/// The base of every address.
#[derive(Debug, Clone)]
pub struct Site {
    root: String,
    prefix: String,
    organisation: String,
    pub version: ServerVersion,
}

impl Site {
    /// `root` is scheme, host and port, with or without a closing slash.
    pub fn new(root: &str, organisation: &str, version: ServerVersion) -> Self {
        let prefix = if version.is_services() { format!("/{organisation}") } else { "/tfs/DefaultCollection".to_owned() };
        Site { root: root.trim_end_matches('/').to_owned(), prefix, organisation: organisation.to_owned(), version }
    }

    /// Whose people these are.
    pub fn directory(&self) -> Directory {
        if self.version.is_services() { Directory::Entra } else { Directory::Windows }
    }

    pub fn root(&self) -> &str {
        &self.root
    }

    /// `http://host/lumen` or `http://host/tfs/DefaultCollection`.
    pub fn organisation_url(&self) -> String {
        format!("{}{}", self.root, self.prefix)
    }

    /// Where release management is: a host of its own on Services, told apart by its path here.
    pub fn release_url(&self) -> String {
        if self.version.is_services() { format!("{}{RELEASE}", self.organisation_url()) } else { self.organisation_url() }
    }

    /// The rest of a path below the organisation at the host of release management.
    pub fn strip_release<'a>(&self, path: &'a str) -> Option<&'a str> {
        let prefix = format!("{}{RELEASE}", self.prefix);
        let head = path.get(..prefix.len()).filter(|head| self.version.is_services() && head.eq_ignore_ascii_case(&prefix))?;
        path.get(head.len()..)?.strip_prefix('/')
    }

    /// The rest of a path below the organisation or collection, without a leading slash; case does not count.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (head, tail) = (path.get(..self.prefix.len())?, path.get(self.prefix.len()..)?);
        if !head.eq_ignore_ascii_case(&self.prefix) {
            return None;
        }
        match tail.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if tail.is_empty() => Some(""),
            None => None,
        }
    }

    pub fn api(&self, rest: &str) -> String {
        format!("{}/_apis/{rest}", self.organisation_url())
    }

    pub fn project_api(&self, project: Uuid, rest: &str) -> String {
        format!("{}/{project}/_apis/{rest}", self.organisation_url())
    }

    pub fn repository_api(&self, project: Uuid, repository: Uuid, rest: &str) -> String {
        let base = self.project_api(project, &format!("git/repositories/{repository}"));
        if rest.is_empty() { base } else { format!("{base}/{rest}") }
    }

    /// The address people browse and clone.
    pub fn web(&self, project: &str, repository: &str) -> String {
        format!("{}/{}/_git/{}", self.organisation_url(), percent_encode(project), percent_encode(repository))
    }

    /// The clone address: Services puts the organisation in as user.
    pub fn remote(&self, project: &str, repository: &str) -> String {
        let web = self.web(project, repository);
        match (self.version.is_services(), web.split_once("://")) {
            (true, Some((scheme, rest))) => {
                format!("{scheme}://{}@{rest}", percent_encode(&self.organisation))
            }
            _ => web,
        }
    }

    pub fn ssh(&self, project: &str, repository: &str) -> String {
        let (project, repository) = (percent_encode(project), percent_encode(repository));
        let host = self.root.split_once("://").map_or(self.root.as_str(), |(_, rest)| rest);
        let host = host.split(':').next().unwrap_or(host);
        if self.version.is_services() {
            format!("git@ssh.{host}:v3/{}/{project}/{repository}", self.organisation)
        } else {
            format!("ssh://{host}:22{}/{project}/_git/{repository}", self.prefix)
        }
    }
}

/// Encodes one path segment; a space becomes `%20`.
pub fn percent_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Decodes one path segment; bytes that are no UTF-8 are replaced.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = match (bytes[at], text.get(at + 1..at + 3)) {
            (b'%', Some(hex)) => u8::from_str_radix(hex, 16).ok(),
            _ => None,
        };
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_found_in_any_case() {
        let site = Site::new("http://h:1/", "lumen", ServerVersion::Services);
        assert_eq!(site.strip("/LUMEN/_apis/projects"), Some("_apis/projects"));
        assert_eq!(site.strip("/lumen"), Some(""));
        assert_eq!(site.strip("/lumenous/_apis"), None);
        let server = Site::new("http://h", "lumen", ServerVersion::Server2022);
        assert_eq!(server.strip("/tfs/defaultcollection/P/_git/r"), Some("P/_git/r"));
        assert_eq!(server.strip("/tfs/_apis/projects"), None);
        assert_eq!(site.strip_release("/LUMEN.vsrm/_apis/hooks"), Some("_apis/hooks"));
        assert_eq!(site.strip("/lumen.vsrm/_apis/hooks"), None);
        assert_eq!(site.strip_release("/lumen/_apis/hooks"), None);
        assert_eq!(server.strip_release("/tfs/DefaultCollection.vsrm/_apis"), None);
    }

    #[test]
    fn names_with_spaces_survive_the_way_there_and_back() {
        let site = Site::new("http://h:1", "lumen", ServerVersion::Services);
        assert_eq!(site.remote("My Project", "a/b"), "http://lumen@h:1/lumen/My%20Project/_git/a%2Fb");
        assert_eq!(percent_decode("My%20Project%2"), "My Project%2");
    }
}
