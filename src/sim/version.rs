//! Which api-version a request asks for, and what each kind of resource and product says to it.
//!
//! Versions come from the query or from the `Accept` header. A released version on a preview-only resource, a version
//! out of range and a write without a version each have their own refusal.
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};

use super::reply::{self, Failure};
use super::site::ServerVersion;

/// `7.1`, `7.1-preview` or `7.1-preview.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiVersion {
    pub major: u32,
    pub minor: u32,
    pub preview: Option<u32>,
}

/// A preview without its number.
const ANY_PREVIEW: u32 = 0;

impl ApiVersion {
    pub const fn released(major: u32, minor: u32) -> Self {
        ApiVersion { major, minor, preview: None }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (number, preview) = match text.trim().split_once('-') {
            None => (text.trim(), None),
            Some((number, preview)) => {
                let rest = preview.get(..7).filter(|word| word.eq_ignore_ascii_case("preview")).map(|_| &preview[7..])?;
                let revision = match rest.strip_prefix('.') {
                    Some(digits) => digits.parse().ok()?,
                    None if rest.is_empty() => ANY_PREVIEW,
                    None => return None,
                };
                (number, Some(revision))
            }
        };
        let (major, minor) = number.split_once('.')?;
        Some(ApiVersion { major: major.parse().ok()?, minor: minor.parse().ok()?, preview })
    }

    pub fn number(self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.preview {
            None => Ok(()),
            Some(ANY_PREVIEW) => f.write_str("-preview"),
            Some(revision) => write!(f, "-preview.{revision}"),
        }
    }
}

/// How far a resource has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maturity {
    Released,
    /// Never released: the `-preview` flag is needed; the number is the resource's version.
    Preview(u32),
}

impl ServerVersion {
    /// The newest released version.
    pub fn released(self) -> ApiVersion {
        match self {
            ServerVersion::Server2019 => ApiVersion::released(5, 0),
            ServerVersion::Server2020 => ApiVersion::released(6, 0),
            ServerVersion::Server2022 => ApiVersion::released(7, 0),
            ServerVersion::Services => ApiVersion::released(7, 1),
        }
    }

    /// The newest version at all, which is in preview.
    pub fn newest(self) -> ApiVersion {
        let released = self.released();
        ApiVersion::released(released.major, released.minor + 1)
    }
}

/// The version asked for, in the query's `api-version` or in `Accept: application/json;api-version=7.1`.
pub fn asked(query: Option<&str>, accept: Option<&str>) -> Option<String> {
    query.map(str::to_owned).filter(|text| !text.is_empty()).or_else(|| {
        accept?
            .split([';', ','])
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("api-version"))
            .map(|(_, version)| version.trim().trim_matches('"').to_owned())
    })
}

/// The version to answer with, or the refusal.
pub fn negotiate(
    asked: Option<&str>,
    method: &Method,
    maturity: Maturity,
    server: ServerVersion,
) -> Result<ApiVersion, Box<Response<Body>>> {
    let refuse = |key, message: String| Err(Box::new(Failure::new(StatusCode::BAD_REQUEST, key, message).into_response()));
    let chosen = match maturity {
        Maturity::Released => server.released(),
        Maturity::Preview(revision) => ApiVersion { preview: Some(revision), ..server.released() },
    };
    let Some(text) = asked else {
        return match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => Ok(chosen),
            _ => refuse(
                "VssVersionNotSpecifiedException",
                format!(
                    "No api-version was supplied for the \"{method}\" request. The version must be supplied either as \
                     part of the Accept header (e.g. \"application/json; api-version=1.0\") or as a query parameter \
                     (e.g. \"?api-version=1.0\")."
                ),
            ),
        };
    };
    let Some(version) = ApiVersion::parse(text) else {
        return refuse(
            "VssInvalidApiResourceVersionException",
            format!("The api-version \"{text}\" is not valid. Versions look like \"1.0\" or \"1.0-preview.1\"."),
        );
    };
    if version.number() < (1, 0) {
        return Err(Box::new(reply::page(StatusCode::NOT_FOUND, "Azure DevOps", "404 - Page not found")));
    }
    let newest = server.newest();
    if version.number() > newest.number() {
        if server == ServerVersion::Server2019 {
            return Err(Box::new(reply::bare(StatusCode::NOT_FOUND)));
        }
        return refuse(
            "VssVersionOutOfRangeException",
            format!(
                "The requested REST API version of {version} is out of range for this server. The latest REST API \
                 version this server supports is {newest}."
            ),
        );
    }
    let needs_preview = matches!(maturity, Maturity::Preview(_)) || version.number() > server.released().number();
    if needs_preview && version.preview.is_none() {
        return refuse(
            "VssInvalidPreviewVersionException",
            format!(
                "The requested version \"{version}\" of the resource is under preview. The -preview flag must be \
                 supplied in the api-version for such requests. For example: \"{version}-preview\""
            ),
        );
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(asked: Option<&str>, method: Method, maturity: Maturity, server: ServerVersion) -> u16 {
        match negotiate(asked, &method, maturity, server) {
            Ok(_) => 200,
            Err(response) => response.status().as_u16(),
        }
    }

    #[test]
    fn versions_parse_and_print() {
        for text in ["7.1", "7.1-preview", "5.1-preview.3"] {
            assert_eq!(ApiVersion::parse(text).unwrap().to_string(), text);
        }
        for text in ["7", "x.1", "7.1-beta", "7.1-preview.x"] {
            assert_eq!(ApiVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn each_product_knows_its_own_versions() {
        use Maturity::{Preview, Released};
        use ServerVersion::{Server2019, Server2022, Services};
        for (asked, method, maturity, server, expected) in [
            (Some("7.1"), Method::POST, Released, Services, 200),
            (Some("5.0"), Method::POST, Released, Services, 200),
            (None, Method::GET, Released, Services, 200),
            (None, Method::POST, Released, Services, 400),
            (Some("99.0"), Method::GET, Released, Services, 400),
            (Some("99.0"), Method::GET, Released, Server2019, 404),
            (Some("7.1"), Method::GET, Preview(1), Services, 400),
            (Some("7.1-preview.1"), Method::GET, Preview(1), Services, 200),
            (Some("7.1-preview"), Method::GET, Released, Services, 200),
            (Some("7.2"), Method::GET, Released, Services, 400),
            (Some("7.1"), Method::GET, Released, Server2022, 400),
            (Some("7.0"), Method::PATCH, Released, Server2022, 200),
            (Some("0.0"), Method::GET, Released, Services, 404),
        ] {
            assert_eq!(status(asked, method.clone(), maturity, server), expected, "{asked:?} {method} {server:?}");
        }
    }

    #[test]
    fn the_accept_header_can_carry_the_version() {
        assert_eq!(asked(None, Some("application/json;api-version=7.1")).as_deref(), Some("7.1"));
        assert_eq!(asked(Some("6.0"), Some("application/json;api-version=7.1")).as_deref(), Some("6.0"));
        assert_eq!(asked(None, Some("application/json")), None);
    }
}
