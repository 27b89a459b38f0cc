//! What the configuration means to the client and to the token search: the two know no configuration of their own.

use std::time::Duration;

use crate::config::{Config, Prompt};
use crate::secret::{self, Kind, TokenSources};
use crate::ado;

impl Config {
    /// Where tokens are looked for and kept.
    pub fn token_sources(&self) -> TokenSources {
        let sources = TokenSources::file_only(self.paths.token_dir()).environment(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let mut sources = if self.token.keyring { sources.keyrings() } else { sources };
        sources.command = self.token.command.clone();
        sources.command_timeout = Duration::from_millis(self.token.command_timeout_ms);
        sources.keyring_timeout = Duration::from_millis(self.token.keyring_timeout_ms);
        sources.prompt = match self.token.prompt {
            Prompt::Terminal => secret::Prompt::Terminal,
            Prompt::Never => secret::Prompt::Never,
        };
        sources
    }

    /// How requests travel.
    pub fn network_settings(&self) -> ado::Settings {
        ado::Settings {
            ca_file: self.network.ca_file.clone(),
            allow_http: self.network.allow_http,
            connect_timeout_ms: self.network.connect_timeout_ms,
            timeout_ms: self.network.timeout_ms,
            max_in_flight: self.network.max_in_flight,
        }
    }
}

impl secret::Found {
    /// The token as the client presents it.
    pub fn credential(&self) -> ado::Credential {
        match self.kind {
            Kind::Pat => ado::Credential::Pat(self.credential.clone()),
            Kind::Bearer => ado::Credential::Bearer(self.credential.clone()),
        }
    }
}
