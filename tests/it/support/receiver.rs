//! `kanado serve` in another process: started on an address that stays the same, asked over plain sockets, ended gently or not.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::load::{Target, basic};
use super::world::Person;

/// How long something may take to happen. A test never waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// An address of the loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// How a receiver is started, and started again.
#[derive(Debug, Clone)]
pub struct Serve {
    pub address: SocketAddr,
    pub options: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Serve {
    /// On an address of its own.
    pub fn anywhere() -> Self {
        Self { address: free_address(), options: Vec::new(), environment: Vec::new() }
    }

    pub fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|option| (*option).to_owned()));
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What Azure DevOps is told to call.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn command(&self, person: &Person) -> Command {
        let address = self.address.to_string();
        let mut command = person.command(&["serve", "--listen", &address, "--json"]);
        command.args(&self.options).envs(self.environment.iter().cloned());
        command
    }

    /// Starts it and waits until it says that it listens.
    #[track_caller]
    pub fn start(&self, person: &Person) -> Receiver {
        let log = tempfile::tempfile().unwrap();
        let mut child = self.command(person).stdout(Stdio::piped()).stderr(log.try_clone().unwrap()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let mut receiver = Receiver { child, address: self.address, log, ready: line.clone(), stopped: false };
        assert!(line.contains(&self.address.to_string()), "serve said {line:?}; {}", receiver.log());
        // It may say more; nobody waits for that, and it must not be stopped by a full pipe.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        receiver.stopped = false;
        receiver
    }

    /// Starts it where it must refuse; answers its exit code and what it said.
    #[track_caller]
    pub fn refused(&self, person: &Person) -> (i32, String) {
        let output = self.command(person).output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

pub struct Receiver {
    child: Child,
    pub address: SocketAddr,
    log: std::fs::File,
    /// The line it said on stdout when it began to listen.
    pub ready: String,
    stopped: bool,
}

/// An answer, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Receiver {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said on stderr so far.
    pub fn log(&mut self) -> String {
        let mut words = Vec::new();
        let _ = self.log.seek(SeekFrom::Start(0)).and_then(|_| self.log.read_to_end(&mut words));
        String::from_utf8_lossy(&words).into_owned()
    }

    /// Ends it between two instructions.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stopped = true;
    }

    /// Asks it to end; answers its exit code.
    #[track_caller]
    pub fn stop(self) -> i32 {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: `kill` takes plain integers.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
        self.ended()
    }

    /// Waits for its end; answers its exit code.
    #[track_caller]
    pub fn ended(mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "serve did not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        };
        self.stopped = true;
        status.code().unwrap_or(-1)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address), b"")
    }

    /// A delivery under a secret.
    pub fn deliver(&self, path: &str, secret: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json; charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            basic("kanado", secret),
            body.len()
        );
        self.ask(&head, body)
    }

    fn ask(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may answer and close before it has read everything.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn target(&self, path: &str, secret: &str) -> Target {
        Target { address: self.address, path: path.to_owned(), authorization: basic("kanado", secret) }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.stopped {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- what serve said:\n{}", self.log());
        }
    }
}

/// The way of deliveries into a project, for hooks that a person made.
pub fn project_path(project: &str) -> String {
    format!("/api/webhooks/ado/{project}")
}

/// A project of somebody's board, by its name: its GUID.
pub fn project_guid(person: &Person, name: &str) -> String {
    let rows = person.json(&["projects"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no project {name} in {rows}"));
    row["id"].as_str().unwrap().to_owned()
}

/// A repository that is on somebody's board, by its name: its GUID.
pub fn repository_guid(person: &Person, name: &str) -> String {
    let rows = person.json(&["repos"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no repository {name} in {rows}"));
    row["id"].as_str().unwrap().to_owned()
}

/// A secret for the project, made by the product and shown once.
pub fn secret(person: &Person) -> String {
    let secret = person.ok(&["hooks", "secret", "generate", "--yes"]).trim().to_owned();
    assert!(secret.len() == 43 && !secret.contains(char::is_whitespace), "not a secret: {} characters", secret.len());
    secret
}

/// The database file of somebody's board.
pub fn database(person: &Person) -> PathBuf {
    person.data().join("kanado.db")
}
