//! Where the demo's two servers listen: free ports of this machine, and the same ones again in a folder that was kept, because the board
//! knows its organisation, and the simulator its receiver, by address.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::exit::Failure;
use crate::cli::sim::failed;
use crate::sim;

const FILE: &str = "addresses.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    pub azure_devops: SocketAddr,
    pub webhooks: SocketAddr,
}

impl Addresses {
    /// Those of a folder, chosen at its first use.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(FILE);
        let cannot = |what: &str, error: std::io::Error| Failure::local(format!("cannot {what} {}", file.display()), &error);
        match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| cannot("understand", error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let chosen = Self::free().map_err(|error| Failure::local("cannot find a free port on this machine", &error))?;
                std::fs::create_dir_all(folder).map_err(|error| cannot("make the folder of", error))?;
                let text = serde_json::to_vec(&chosen).map_err(|error| cannot("write", error.into()))?;
                std::fs::write(&file, text).map_err(|error| cannot("write", error))?;
                Ok(chosen)
            }
            Err(error) => Err(cannot("read", error)),
        }
    }

    /// Two ports that nobody listens on at the moment.
    fn free() -> std::io::Result<Self> {
        let held = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
        Ok(Self { azure_devops: held[0].local_addr()?, webhooks: held[1].local_addr()? })
    }

    /// Why the simulator did not start, with what to do about a port that is taken.
    pub fn explain(&self, error: sim::Error) -> Failure {
        match &error {
            sim::Error::Listen { address, .. } => Failure::refused(
                format!("the demo's Azure DevOps cannot listen on {address}, where it was before"),
                "end the program that listens there, perhaps the same demo in another terminal, or keep another folder with --state",
            ),
            _ => failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_kept_keeps_its_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let first = Addresses::of(&folder).unwrap();
        assert_ne!(first.azure_devops, first.webhooks);
        assert_eq!(Addresses::of(&folder).unwrap(), first);
        std::fs::write(folder.join(FILE), "[]").unwrap();
        assert!(Addresses::of(&folder).is_err());
    }
}
