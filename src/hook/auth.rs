//! Reading the secret that a request presents: HTTP Basic with any user name, and nothing else.
//!
//! Limits: what is read is hashed at once; the secret itself is kept nowhere. One header, or none counts.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Longer credentials are nobody's: Azure DevOps takes 256 characters for each of the two.
const LONGEST: usize = 8 * 1024;

/// The digest of the password in the request's only `Authorization` header. Whatever is odd about it, there is none: the caller is
/// told the same in every case.
pub fn presented(headers: &HeaderMap) -> Option<[u8; 32]> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let header = all.next()?.as_bytes();
    if all.next().is_some() || header.len() > LONGEST {
        return None;
    }
    let scheme = header.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case(b"basic"))?;
    let rest = &header[scheme.len()..];
    let credentials = rest.trim_ascii_start();
    // Spaces, and at least one: a tab is no separator.
    if credentials.len() == rest.len() || rest[..rest.len() - credentials.len()].iter().any(|byte| *byte != b' ') {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(credentials).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let password = &decoded[colon + 1..];
    (!password.is_empty()).then(|| digest(password))
}

pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn header(text: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(text).unwrap());
        headers
    }

    fn basic(credentials: &[u8]) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(credentials)).into_bytes()
    }

    #[test]
    fn any_user_with_a_password_is_read_in_any_case_of_the_scheme() {
        let expected = Some(digest(b"s3cret"));
        for credentials in ["me:s3cret", ":s3cret", "a b\u{e9}:s3cret"] {
            assert_eq!(presented(&header(&basic(credentials.as_bytes()))), expected, "{credentials}");
        }
        let encoded = STANDARD.encode("me:s3cret");
        for text in [format!("basic {encoded}"), format!("BASIC {encoded}"), format!("Basic   {encoded}"), format!("Basic {encoded} ")] {
            let read = presented(&header(text.as_bytes()));
            assert_eq!(read.is_some(), !text.ends_with(' '), "{text}");
        }
    }

    #[test]
    fn a_colon_in_the_password_belongs_to_it() {
        assert_eq!(presented(&header(&basic(b"me:a:b:"))), Some(digest(b"a:b:")));
    }

    #[test]
    fn credentials_that_are_no_text_are_compared_like_all_others() {
        assert_eq!(presented(&header(&basic(b"\xff\xfe:\xc3\x28"))), Some(digest(b"\xc3\x28")));
        assert_eq!(presented(&header(&basic("ü:пароль".as_bytes()))), Some(digest("пароль".as_bytes())));
    }

    #[test]
    fn whatever_is_odd_presents_nothing() {
        let encoded = STANDARD.encode("me:s3cret");
        for text in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Basic =",
            &format!("Basic\t{encoded}"),
            &format!("Basic \t{encoded}"),
            &format!("Basic{encoded}"),
            &format!("Bearer {encoded}"),
            &format!("Digest {encoded}"),
            &format!("Basic {encoded}, Basic {encoded}"),
            &format!("Basic {}", STANDARD.encode("nocolon")),
            &format!("Basic {}", STANDARD.encode("me:")),
            &format!("Basic {}", STANDARD.encode("")),
            &format!("Basic {}", STANDARD.encode("x".repeat(9_000) + ":y")),
        ] {
            assert_eq!(presented(&header(text.as_bytes())), None, "{text:.40}");
        }
        assert_eq!(presented(&HeaderMap::new()), None);
        assert_eq!(presented(&header(b"Basic \xff\xff")), None);
        let mut two = header(&basic(b"me:s3cret"));
        two.append(AUTHORIZATION, HeaderValue::from_bytes(&basic(b"me:s3cret")).unwrap());
        assert_eq!(presented(&two), None, "two headers, even of the same words");
    }
}
