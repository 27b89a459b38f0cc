//! Who is calling, and how the front end turns a caller away: 203 page, 302, and the kinds of 401.
//!
//! Scopes are checked per route by `Caller::lacks`; permissions on things are the handlers' business.
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::reply::{self, Failure};
use super::site::{Site, percent_encode};
use super::world::{Token, TokenKind, User, World};

/// What the service calls somebody who did not say who they are.
pub const ANONYMOUS: Uuid = Uuid::from_u128(0xaaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa);

/// Somebody with a valid token who belongs to the organisation.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub token: Token,
}

impl Caller {
    /// Whether none of the scopes that would suffice is granted.
    pub fn lacks(&self, sufficing: &[&str]) -> bool {
        !self.token.allows(sufficing)
    }
}

/// Where a refusal goes: REST clients, browsers, and git get different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Rest,
    Git,
}

/// The token in an `Authorization` header: the password of Basic, or a bearer token.
pub fn token_in(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// The caller, or the answer that turns them away.
pub fn identify(world: &World, site: &Site, headers: &HeaderMap, door: Door) -> Result<Caller, Box<Response<Body>>> {
    let refuse = |refusal| Err(Box::new(turn_away(refusal, world, site, headers, door)));
    let Some(presented) = token_in(headers) else {
        return refuse(if headers.contains_key(AUTHORIZATION) { Refusal::Invalid } else { Refusal::Anonymous });
    };
    let Some(token) = world.tokens.iter().find(|token| token.token == presented) else {
        return refuse(Refusal::Invalid);
    };
    if token.kind == TokenKind::Revoked {
        return refuse(Refusal::Invalid);
    }
    if token.has_expired(world.now()) {
        return refuse(Refusal::Expired);
    }
    match world.user(token.user) {
        Some(user) if user.is_member && user.is_active => Ok(Caller { user: user.clone(), token: token.clone() }),
        Some(user) => refuse(Refusal::NotAMember(user.clone())),
        None => refuse(Refusal::Invalid),
    }
}

enum Refusal {
    Anonymous,
    Invalid,
    Expired,
    NotAMember(User),
}

fn turn_away(refusal: Refusal, world: &World, site: &Site, headers: &HeaderMap, door: Door) -> Response<Body> {
    if door == Door::Git {
        let text = match refusal {
            Refusal::Expired => EXPIRED,
            _ => "",
        };
        // Only what the simulator can take: offered NTLM, git would try it with the token and fail.
        let mut response = with_text(StatusCode::UNAUTHORIZED, text);
        append(&mut response, WWW_AUTHENTICATE, &format!("Basic realm=\"{}/\"", site.root()));
        return response;
    }
    let suppressed = headers
        .get("x-tfs-fedauthredirect")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("suppress"));
    match refusal {
        Refusal::Expired => challenged(with_text(StatusCode::UNAUTHORIZED, EXPIRED), world, site),
        Refusal::NotAMember(user) => {
            let who = format!("{}\\{}", world.organisation.tenant, user.unique_name);
            not_authorized(&who, world, site)
        }
        // Only Services has the federated sign-in that answers like a browser wants.
        Refusal::Invalid if !suppressed && site.version.is_services() => sign_in_page(),
        Refusal::Anonymous if !suppressed && site.version.is_services() => redirect(world, site),
        Refusal::Anonymous if site.version.is_services() => not_authorized(&ANONYMOUS.to_string(), world, site),
        Refusal::Invalid | Refusal::Anonymous => challenged(reply::bare(StatusCode::UNAUTHORIZED), world, site),
    }
}

const EXPIRED: &str = "Access Denied: The Personal Access Token used has expired.";

/// A valid token without a scope that suffices: no body, and no `X-VSS-UserData` either.
pub fn scope_missing(site: &Site) -> Response<Body> {
    let mut response = reply::bare(StatusCode::UNAUTHORIZED);
    append(&mut response, WWW_AUTHENTICATE, &format!("Basic realm=\"{}/\"", site.root()));
    response
}

fn with_text(status: StatusCode, text: &'static str) -> Response<Body> {
    if text.is_empty() {
        return reply::bare(status);
    }
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    append(&mut response, axum::http::header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

fn challenged(mut response: Response<Body>, world: &World, site: &Site) -> Response<Body> {
    if site.version.is_services() {
        let tenant = world.organisation.tenant;
        append(&mut response, WWW_AUTHENTICATE, &format!("Bearer authorization_uri=https://login.microsoftonline.com/{tenant}"));
        append(&mut response, HeaderName::from_static("x-tfs-fedauthredirect"), &sign_in_address(world, site));
    } else {
        append(&mut response, WWW_AUTHENTICATE, "Negotiate");
        append(&mut response, WWW_AUTHENTICATE, "NTLM");
    }
    append(&mut response, WWW_AUTHENTICATE, &format!("Basic realm=\"{}/\"", site.root()));
    response
}

fn not_authorized(who: &str, world: &World, site: &Site) -> Response<Body> {
    let tenant = world.organisation.tenant;
    let message = format!("TF400813: The user '{who}' is not authorized to access this resource.");
    let mut response = Failure::new(StatusCode::UNAUTHORIZED, "UnauthorizedRequestException", message.clone()).into_response();
    let sign_in = "https://login.microsoftonline.com";
    for (name, value) in [
        ("www-authenticate", format!("Bearer authorization_uri={sign_in}/{tenant}")),
        ("www-authenticate", "TFS-Federated".to_owned()),
        ("x-tfs-fedauthrealm", format!("{}/", site.root())),
        ("x-tfs-fedauthissuer", format!("{}/", site.organisation_url())),
        ("x-tfs-fedauthredirect", sign_in_address(world, site)),
        ("x-vss-authenticateerror", "IdentityNotAuthorized".to_owned()),
        ("x-vss-resourcetenant", tenant.to_string()),
        ("x-vss-authorizationendpoint", format!("{}/", site.root())),
        ("x-tfs-serviceerror", percent_encode(&message)),
    ] {
        append(&mut response, HeaderName::from_static(name), &value);
    }
    response
}

fn sign_in_address(world: &World, site: &Site) -> String {
    let back = percent_encode(&format!("{}/", site.organisation_url()));
    format!("{}/_signin?realm={}&reply_to={back}", site.root(), world.organisation.tenant)
}

fn sign_in_page() -> Response<Body> {
    reply::page(
        StatusCode::NON_AUTHORITATIVE_INFORMATION,
        "Azure DevOps Services | Sign In",
        "<h1>Sign in</h1><p>Sign in with your work account to continue.</p>",
    )
}

fn redirect(world: &World, site: &Site) -> Response<Body> {
    let mut response = reply::page(StatusCode::FOUND, "Object moved", "<h2>Object moved</h2>");
    append(&mut response, LOCATION, &sign_in_address(world, site));
    response
}

fn append(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_password_whatever_the_user() {
        let mut headers = HeaderMap::new();
        assert_eq!(token_in(&headers), None);
        for (value, expected) in [
            (format!("Basic {}", STANDARD.encode(":abc")), Some("abc")),
            (format!("basic {}", STANDARD.encode("me:a:bc")), Some("a:bc")),
            ("Bearer xyz".to_owned(), Some("xyz")),
            ("Basic !!!".to_owned(), None),
            ("Digest x".to_owned(), None),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
            assert_eq!(token_in(&headers).as_deref(), expected, "{value}");
        }
    }
}
