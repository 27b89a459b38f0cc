//! A store on a PostgreSQL server: from a URL to the server and its database, without ever showing the password.
//!
//! Limits: the URL's parameters are those that are listed here; an unknown one is refused, because the driver would write it to the log
//! with its value. Whether the connection is encrypted is `sslmode`'s to say (`prefer` when absent; `verify-full` checks the server).

use std::str::FromStr;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::error::{Error, Result};

/// What a URL may say besides server, user and database; also `options[NAME]`.
const PARAMETERS: [&str; 16] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "ssl-ca",
    "statement-cache-capacity",
];

/// A database on a server.
#[derive(Clone)]
pub(super) struct Server {
    /// With the password.
    url: String,
    /// For messages: without it.
    pub place: String,
    options: PgConnectOptions,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Server {
    pub fn parse(text: &str) -> Result<Self> {
        // Nobody knows where a password stands in what is no URL.
        let unsupported = |reason| Error::Unsupported { url: "postgres://...".to_owned(), reason };
        let mut url = Url::parse(text)
            .map_err(|_| unsupported("it is not a URL; characters such as @ / # in a password are written as %40 %2F %23"))?;
        for (name, _) in url.query_pairs() {
            let is_option = name.starts_with("options[") && name.ends_with(']');
            if !is_option && !PARAMETERS.contains(&&*name) {
                return Err(unsupported("it has a parameter that this version does not know"));
            }
        }
        if !url.query_pairs().any(|(name, _)| name == "application_name") {
            url.query_pairs_mut().append_pair("application_name", "kanado");
        }
        let options = PgConnectOptions::from_str(url.as_str()).map_err(|_| unsupported("one of its parts has a value that cannot be"))?;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let place = match options.get_socket() {
            Some(socket) => format!("postgres://{}@/{database}?host={}", options.get_username(), socket.display()),
            None => format!("postgres://{}@{}:{}/{database}", options.get_username(), options.get_host(), options.get_port()),
        };
        Ok(Self { url: url.into(), place, options: options.disable_statement_logging() })
    }

    /// For the driver alone.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For a connection that listens.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_the_server_and_never_the_password() {
        let server = Server::parse("postgres://me:hunter2@db.example.test/board?sslmode=require&password=hunter3").unwrap();
        assert_eq!(server.place, "postgres://me@db.example.test:5432/board");
        assert!(!format!("{server:?}").contains("hunter"), "{server:?}");
        let server = Server::parse("postgres://me@%2Frun%2Fpostgresql/board").unwrap();
        assert_eq!(server.place, "postgres://me@/board?host=/run/postgresql");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_without_repeating_it() {
        for url in
            ["postgres://me:hunter2@:x/", "postgres://me:hunter2@db/b?sslpassword=hunter2", "postgres://me:hunter2@db/b?sslmode=hunter2"]
        {
            let error = Server::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
        }
    }
}
