//! What a token looks like, and keeping known ones out of anything that is written.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A personal access token: the password of Basic authentication.
    Pat,
    /// An Entra token: `Authorization: Bearer`.
    Bearer,
}

impl Kind {
    pub fn words(self) -> &'static str {
        match self {
            Self::Pat => "personal access token",
            Self::Bearer => "Entra (Bearer) token",
        }
    }
}

const LONGEST: usize = 16 * 1024;

/// The first line of `bytes`, without surrounding space, and without a leading `Bearer`, which names the kind.
pub(super) fn read(bytes: &[u8]) -> Result<(SecretString, Kind), &'static str> {
    // Some editors and shells put a byte order mark before the text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let named = line.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "));
    let token = if named { line[7..].trim_ascii() } else { line };
    if token.is_empty() {
        return Err("it is empty");
    }
    if token.len() > LONGEST {
        return Err("it is longer than 16 KiB");
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err("it contains spaces, control or non-ASCII characters");
    }
    let Ok(text) = std::str::from_utf8(token) else { return Err("it is not text") };
    let kind = if named || is_jwt(text) { Kind::Bearer } else { Kind::Pat };
    Ok((SecretString::from(text), kind))
}

/// Three base64url parts, of which the first is a JSON object.
fn is_jwt(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(part)
}

static KNOWN: Mutex<Vec<Zeroizing<String>>> = Mutex::new(Vec::new());

/// Remembers how a token could appear in a text, for [`redact`].
pub(super) fn remember(token: &SecretString) {
    let token = token.expose_secret();
    // Replacing something short would make any text unreadable, and no service issues such tokens.
    if token.len() < 8 {
        return;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.iter().any(|known| known.as_str() == token) {
        return;
    }
    let colon = Zeroizing::new(format!(":{token}"));
    known.push(Zeroizing::new(token.to_owned()));
    for encoded in [STANDARD.encode(colon.as_bytes()), STANDARD.encode(token)] {
        // Padding is left out: what is longer by an encoded user name still ends alike.
        known.push(Zeroizing::new(encoded.trim_end_matches('=').to_owned()));
    }
}

/// The text with every token this process has seen, plain or in Base64, replaced by `***`.
pub fn redact(text: &str) -> Cow<'_, str> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = Cow::Borrowed(text);
    for secret in known.iter() {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), "***"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts_and_its_shape_names_the_kind() {
        let read = |text: &[u8]| read(text).map(|(token, kind)| (token.expose_secret().to_owned(), kind));
        assert_eq!(read(b"  abc123\r\nlogin: me\n"), Ok(("abc123".to_owned(), Kind::Pat)));
        assert_eq!(read(b"\xef\xbb\xbfabc\n"), Ok(("abc".to_owned(), Kind::Pat)));
        assert_eq!(read(b"eyJh.eyJi.c_-9\n"), Ok(("eyJh.eyJi.c_-9".to_owned(), Kind::Bearer)));
        assert_eq!(read(b"eyJh.eyJi\n"), Ok(("eyJh.eyJi".to_owned(), Kind::Pat)));
        assert_eq!(read(b"Bearer abc"), Ok(("abc".to_owned(), Kind::Bearer)));
        assert!(read(b"\n").is_err());
        assert!(read(b"two words").is_err());
        assert!(read("päss".as_bytes()).is_err());
        assert!(read(&[b'a'; 20_000]).is_err());
    }

    #[test]
    fn a_known_token_is_taken_out_of_any_text_plain_or_encoded() {
        remember(&SecretString::from("canary-token-0123456789"));
        let basic = STANDARD.encode(":canary-token-0123456789");
        let text = format!("a canary-token-0123456789 b {basic} c");
        let safe = redact(&text);
        assert!(!safe.contains("canary") && !safe.contains(basic.trim_end_matches('=')), "{safe}");
        assert_eq!(redact("nothing here"), "nothing here");
    }
}
