//! Which addresses a webhook may go to, by the rules of the service.
//!
//! Names are not resolved: a public name that points at a private address passes, as it may on the service.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether the machine itself may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loopback {
    #[default]
    Refused,
    /// For tests and demonstrations: loopback only, with Basic over http too.
    Allowed,
}

/// Why the address is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("The URL '{0}' is not valid.")]
    Invalid(String),
    #[error("Basic authentication requires an HTTPS URL.")]
    NeedsHttps,
    #[error("The URL '{0}' is not allowed: localhost and special range IP addresses cannot be called.")]
    Special(String),
}

/// Seeded subscriptions of others lead here; the simulator answers for it and asks no name server.
pub const CHAT_HOST: &str = "chat.lumen.example";

pub fn check(url: &str, has_basic: bool, loopback: Loopback) -> Result<(), TargetError> {
    let invalid = || TargetError::Invalid(url.to_owned());
    let parsed = Url::parse(url).map_err(|_| invalid())?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(invalid());
    }
    let host = parsed.host().ok_or_else(invalid)?;
    if is_loopback(&host) && loopback == Loopback::Allowed {
        return Ok(());
    }
    if is_special(&host) {
        return Err(TargetError::Special(url.to_owned()));
    }
    if has_basic && parsed.scheme() != "https" { Err(TargetError::NeedsHttps) } else { Ok(()) }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

fn is_special(host: &Host<&str>) -> bool {
    let ip = match host {
        Host::Domain(_) => return is_loopback(host),
        Host::Ipv4(ip) => IpAddr::V4(*ip),
        Host::Ipv6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(*ip), IpAddr::V4),
    };
    match ip {
        IpAddr::V4(ip) => is_special_v4(ip),
        IpAddr::V6(ip) => is_special_v6(ip),
    }
}

fn is_special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || a >= 240
}

fn is_special_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_unique_local() || ip.is_unicast_link_local()
}

/// Host and port: what deliveries are counted by.
pub fn host(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => String::new(),
        },
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_and_special_ranges_are_refused() {
        for url in [
            "https://localhost/x",
            "https://board.localhost/x",
            "https://LOCALHOST./x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://[::1]:8443/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://10.1.2.3/x",
            "https://192.168.0.1/x",
            "https://172.20.0.1/x",
            "https://169.254.169.254/x",
            "https://100.64.0.1/x",
            "https://0.0.0.0/x",
            "https://[fe80::1]/x",
            "https://[fd00::1]/x",
        ] {
            assert_eq!(check(url, true, Loopback::Refused), Err(TargetError::Special(url.to_owned())), "{url}");
        }
        assert_eq!(check("https://8.8.8.8/x", true, Loopback::Refused), Ok(()));
    }

    #[test]
    fn basic_needs_https_and_nothing_else_does() {
        assert_eq!(check("http://hooks.example.com/x", true, Loopback::Refused), Err(TargetError::NeedsHttps));
        assert_eq!(check("http://hooks.example.com/x", false, Loopback::Refused), Ok(()));
        assert_eq!(check("https://hooks.example.com/x", true, Loopback::Refused), Ok(()));
        for wrong in ["", "hooks.example.com", "ftp://hooks.example.com", "https://me:pw@hooks.example.com"] {
            assert_eq!(check(wrong, false, Loopback::Allowed), Err(TargetError::Invalid(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn allowing_loopback_allows_nothing_else() {
        for url in ["http://127.0.0.1:9000/x", "http://localhost:1/x", "http://[::1]:1/x"] {
            assert_eq!(check(url, true, Loopback::Allowed), Ok(()), "{url}");
        }
        assert!(check("https://10.0.0.1/x", true, Loopback::Allowed).is_err());
        assert_eq!(check("http://hooks.example.com/x", true, Loopback::Allowed), Err(TargetError::NeedsHttps));
    }
}
