//! What is written on the outside of a delivery: which event, of which subscription, of which project.
//!
//! Reading it looks into nothing but a few names, so that it can be done for every delivery before it is kept.

use super::bag::Bag;
use super::link;
use crate::domain::id::Guid;

/// The outside of a delivery. Whatever is missing or of another type is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Whether the body is an object of JSON in UTF-8. Nothing else is known of one that is not.
    pub readable: bool,
    /// The event. Test deliveries share the sample's, so it names none by itself.
    pub id: Option<String>,
    pub event_type: Option<String>,
    /// Absent for the all-zero id of a subscription that is tried out before it is saved.
    pub subscription: Option<Guid>,
    pub notification: Option<i64>,
    /// The project it says it is of: its container, else the project of what it is about.
    pub project: Option<Guid>,
    /// The project of what it is about, where it names both and they differ.
    pub other_project: Option<Guid>,
    /// It is of a subscription that is tried out before it is saved: its id is all zeros.
    pub is_of_unsaved: bool,
    /// It is about Microsoft's made-up organisation, by its addresses or its project.
    pub is_sample: bool,
}

impl Envelope {
    /// Whether it comes from the button that tries a subscription out, if it was sent to this project. A sample is about an organisation
    /// called Fabrikam; what is of the very project it was sent to is none, whatever that organisation is called.
    pub fn is_test_at(&self, project: &Guid) -> bool {
        let names_it = self.project.as_ref() == Some(project) && self.other_project.is_none();
        self.is_of_unsaved || (self.is_sample && !names_it)
    }

    /// Whether the body says that it is of another project. One that names none is taken to be of the project it was sent to.
    pub fn is_of_another_than(&self, project: &Guid) -> bool {
        [&self.project, &self.other_project].into_iter().flatten().any(|stated| stated != project)
    }
}

/// Reads the outside of a body. Never fails: a body that cannot be read is an envelope that says so.
pub fn envelope(body: &[u8]) -> Envelope {
    match text(body).and_then(open) {
        Ok(bag) => of(&bag),
        Err(_) => Envelope::default(),
    }
}

const OUTSIDE: &[&str] =
    &["id", "eventType", "eventId", "subscriptionId", "notificationId", "resource", "resourceVersion", "resourceContainers", "createdDate"];

/// The body as text, without a byte order mark.
pub(super) fn text(body: &[u8]) -> Result<&str, String> {
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        return Err("the body is UTF-16, not UTF-8".to_owned());
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the body is empty".to_owned());
    }
    std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8 (byte {})", error.valid_up_to()))
}

/// The fields of the body; the words for one that is no object name no part of it.
pub(super) fn open(text: &str) -> Result<Bag<'_>, String> {
    Bag::read(text, OUTSIDE).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "the body is JSON, but not an object".to_owned(),
        serde_json::error::Category::Eof => "the body ends in the middle".to_owned(),
        _ => format!("the body is not JSON (line {}, column {})", error.line(), error.column()),
    })
}

pub(super) fn of(bag: &Bag<'_>) -> Envelope {
    let subscription = bag.word("subscriptionId").and_then(|id| uuid::Uuid::try_parse(id.trim()).ok());
    let container = bag.object("resourceContainers", CONTAINERS).object("project", &["id"]).word("id").and_then(guid);
    let own = own_project(bag);
    let is_sample = is_sample(bag, container.as_ref());
    let other_project = own.clone().filter(|own| container.as_ref().is_some_and(|container| container != own));
    Envelope {
        readable: true,
        id: bag.word("id").filter(|id| !id.is_empty()),
        event_type: event_type(bag),
        subscription: subscription.filter(|id| !id.is_nil()).map(plain),
        notification: bag.number("notificationId"),
        project: container.or(own),
        other_project,
        is_of_unsaved: subscription.is_some_and(|id| id.is_nil()),
        is_sample,
    }
}

/// The kind of event; some published samples write it as `eventId`, and release events under another name.
fn event_type(bag: &Bag<'_>) -> Option<String> {
    let named = bag.word("eventType").filter(|name| !name.is_empty());
    let name = named.or_else(|| bag.word("eventId").filter(|name| name.contains('.')))?.to_ascii_lowercase();
    Some(match name.strip_prefix("ms.azure-devops-release.") {
        Some(rest) => format!("ms.vss-release.{rest}"),
        None => name,
    })
}

/// The project of what an event is about.
fn own_project(bag: &Bag<'_>) -> Option<Guid> {
    const PLACES: &[&str] = &["project", "repository", "pullRequest", "targetRepository", "definition"];
    let resource = bag.object("resource", PLACES);
    let repository = |of: &Bag<'_>, name: &str| of.object(name, &["project"]).object("project", &["id"]).word("id");
    resource
        .object("project", &["id"])
        .word("id")
        .or_else(|| repository(&resource, "repository"))
        .or_else(|| repository(&resource.object("pullRequest", &["repository"]), "repository"))
        .or_else(|| repository(&resource, "targetRepository"))
        .or_else(|| resource.object("definition", &["project"]).object("project", &["id"]).word("id"))
        .and_then(guid)
}

const CONTAINERS: &[&str] = &["project", "account", "collection"];

/// The project that Microsoft's samples say they are in.
const SAMPLE_PROJECT: &str = "be9b3917-87e6-42a4-a549-2bc06a7a878f";

/// Whether a body is about Microsoft's made-up organisation.
fn is_sample(bag: &Bag<'_>, container: Option<&Guid>) -> bool {
    if container.is_some_and(|id| id.as_str() == SAMPLE_PROJECT) {
        return true;
    }
    const PLACES: &[&str] = &["url", "repository", "pullRequest", "project", "pipeline", "definition", "_links"];
    const URLS: &[&str] = &["url", "remoteUrl", "repository"];
    let resource = bag.object("resource", PLACES);
    let of = |name: &str| resource.object(name, URLS);
    let urls = [
        resource.word("url"),
        of("repository").word("url"),
        of("repository").word("remoteUrl"),
        of("project").word("url"),
        of("pipeline").word("url"),
        of("definition").word("url"),
        of("pullRequest").word("url"),
        of("pullRequest").object("repository", URLS).word("url"),
        resource.object("_links", &["self"]).object("self", &["href"]).word("href"),
    ];
    let containers = bag.object("resourceContainers", CONTAINERS);
    let bases = CONTAINERS.iter().map(|name| containers.object(name, &["baseUrl"]).word("baseUrl"));
    // A release names no address of its own.
    let project = resource.object("project", &["name"]).word("name").map(|name| name.to_ascii_lowercase());
    let organisations = urls.into_iter().chain(bases).flatten().filter_map(|url| link::organisation(&url));
    organisations.chain(project).any(|name| name.starts_with("fabrikam"))
}

/// An id of Azure DevOps in any of the ways to write one; anything else is none.
pub(super) fn guid(text: impl AsRef<str>) -> Option<Guid> {
    uuid::Uuid::try_parse(text.as_ref().trim()).ok().filter(|id| !id.is_nil()).map(plain)
}

fn plain(id: uuid::Uuid) -> Guid {
    Guid::new(id.hyphenated().to_string())
}
