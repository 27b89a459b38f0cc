//! Paths into places, read as they stand on the wire: nothing is decoded, joined or cleaned, so no path means another one.

use crate::domain::hook::Purpose;
use crate::domain::id::Guid;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A delivery to a project.
    Project {
        guid: Guid,
        purpose: Option<String>,
    },
    /// A delivery to whichever project the body names and the secret opens.
    Anywhere {
        purpose: String,
    },
    /// The process is alive.
    Alive,
    /// Deliveries can be taken.
    Ready,
    Figures,
    Nowhere,
}

/// Reads a path without its query.
pub fn place(path: &str) -> Place {
    let Some(path) = path.strip_prefix('/') else { return Place::Nowhere };
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).splitn(6, '/').collect();
    match segments.as_slice() {
        ["api", "webhooks", "ado", project] => delivery(project, None),
        ["api", "webhooks", "ado", project, purpose] => delivery(project, Some(purpose)),
        ["v1", "azure", "webhook", purpose @ ("project" | "merge-request" | "boards")] => {
            Place::Anywhere { purpose: (*purpose).to_owned() }
        }
        ["healthz"] => Place::Alive,
        ["readyz"] => Place::Ready,
        ["metrics"] => Place::Figures,
        _ => Place::Nowhere,
    }
}

fn delivery(project: &str, purpose: Option<&str>) -> Place {
    if !is_guid(project) {
        return Place::Nowhere;
    }
    let purpose = match purpose {
        None => None,
        Some(word) if !is_word(word) => return Place::Nowhere,
        // A purpose that nobody knows was typed by hand: the delivery is taken like one without.
        Some(word) => Purpose::parse(&word.to_ascii_lowercase()).map(|purpose| purpose.word().to_owned()),
    };
    Place::Project { guid: Guid::new(project), purpose }
}

/// `8-4-4-4-12` hexadecimal digits in any case: the way Azure DevOps writes them.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0a1b2c3d-0000-4000-8000-00000000000f";

    #[test]
    fn a_project_is_found_in_any_case_and_with_or_without_a_purpose() {
        let bare = Place::Project { guid: Guid::new(ID), purpose: None };
        for path in
            [format!("/api/webhooks/ado/{ID}"), format!("/api/webhooks/ado/{}", ID.to_uppercase()), format!("/api/webhooks/ado/{ID}/")]
        {
            assert_eq!(place(&path), bare, "{path}");
        }
        for purpose in Purpose::ALL {
            let found = place(&format!("/api/webhooks/ado/{ID}/{}", purpose.word()));
            assert_eq!(found, Place::Project { guid: Guid::new(ID), purpose: Some(purpose.word().to_owned()) });
        }
        assert_eq!(place(&format!("/api/webhooks/ado/{ID}/no-such-purpose")), bare);
    }

    #[test]
    fn a_path_that_climbs_or_is_encoded_leads_nowhere() {
        for path in [
            "",
            "/",
            "//",
            "/api/webhooks/ado",
            "/api/webhooks/ado/",
            "/api/webhooks/ado/42",
            "/api/webhooks/ado/../ado/0a1b2c3d-0000-4000-8000-00000000000f",
            "/api/webhooks/ado/x/../0a1b2c3d-0000-4000-8000-00000000000f",
            "/api/webhooks/ado%2f0a1b2c3d-0000-4000-8000-00000000000f",
            "/api/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f%2fpush",
            "/api/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f/push%00",
            "/api/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f//push",
            "/api/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f/push/more",
            "/api/webhooks/ado/{0a1b2c3d-0000-4000-8000-00000000000f}",
            "/api/webhooks/ado/0a1b2c3d00004000800000000000000f",
            "/API/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f",
            "//api/webhooks/ado/0a1b2c3d-0000-4000-8000-00000000000f",
            "/v1/azure/webhook",
            "/v1/azure/webhook/else",
            "/metrics/x",
        ] {
            assert_eq!(place(path), Place::Nowhere, "{path}");
        }
    }
}
