//! The proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), and whether a URL goes through it.
//!
//! The rules are those that the HTTP stack itself follows, so that a failure can be put down to the proxy or not.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::base::is_loopback;

/// The proxy for a URL as `host:port`, without its user and password. Loopback never goes through one: a token sent over plain
/// http must not leave the machine.
pub fn proxy_for(url: &Url) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let intercept = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    intercept.uri().authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default().to_owned())
}
