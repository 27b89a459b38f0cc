//! `kanado serve` as a process: when it refuses, how it ends, what the service manager is told, and that its figures agree.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::load::basic;
use crate::support::receiver::{self, Receiver, Serve};
use crate::support::world::{Person, World};

/// How long something may take to happen. A test never waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

fn connected() -> (World, Person) {
    let world = World::start();
    let alice = Person::connected(&world, "alice", "Harbor", "tide-api");
    (world, alice)
}

#[track_caller]
fn signal(pid: u32, which: libc::c_int) {
    // SAFETY: `kill` takes plain integers.
    assert_eq!(unsafe { libc::kill(i32::try_from(pid).unwrap(), which) }, 0);
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection on which a recognised delivery is under way: the receiver has asked for its body.
fn under_way(receiver: &Receiver, path: &str, secret: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(receiver.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let authorization = basic("kanado", secret);
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn serve_refuses_to_start_where_nobody_could_deliver_or_nothing_could_be_heard() {
    let (_world, alice) = connected();
    let (code, words) = Serve::anywhere().refused(&alice);
    assert_eq!(code, 1);
    assert!(words.contains("no project has a webhook secret") && words.contains("kanado hooks secret generate"), "{words}");
    let secret = receiver::secret(&alice);

    let serve = Serve::anywhere();
    let (code, words) = serve.clone().with(&["--tls-cert", "cert.pem"]).refused(&alice);
    assert!(code == 2 && words.contains("--tls-key"), "{code}: {words}");
    let (code, words) = serve.clone().with(&["--tls-cert", "no-cert.pem", "--tls-key", "no-key.pem"]).refused(&alice);
    assert!(code == 1 && words.contains("no-cert.pem") && words.contains("PEM"), "{code}: {words}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = Serve { address: taken.local_addr().unwrap(), ..Serve::anywhere() };
    let (code, words) = busy.refused(&alice);
    assert!(code == 1 && words.contains("cannot listen on") && words.contains("another port"), "{code}: {words}");

    let nowhere = alice.run(&["serve"]);
    let words = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(nowhere.status.code() == Some(2) && words.contains("--listen"), "{words}");

    alice.configure("[webhooks]\nlisten = \"127.0.0.1:0\"\ntls_key = \"key.pem\"\n[token]\nkeyring = false\n");
    let half = alice.run(&["serve"]);
    let words = String::from_utf8_lossy(&half.stderr).into_owned();
    assert!(!half.status.success() && words.contains("tls_cert"), "{words}");
    assert!(!words.contains(&secret));
}

#[test]
fn told_once_it_ends_in_order_and_told_twice_at_once() {
    let (_world, alice) = connected();
    let secret = receiver::secret(&alice);
    let path = receiver::project_path(&receiver::project_guid(&alice, "Harbor"));
    let receiver = Serve::anywhere().start(&alice);
    assert_eq!(receiver.get("/healthz").status, 200);
    assert_eq!(receiver.deliver(&path, &secret, b"{\"id\":\"1\",\"eventType\":\"git.push\"}").status, 200);
    // Half a delivery is under way: it is finished after the word to end.
    let mut stream = under_way(&receiver, &path, &secret);
    signal(receiver.pid(), libc::SIGTERM);
    until("the listener's end", || std::net::TcpStream::connect(receiver.address).is_err());
    stream.write_all(&[b' '; 100]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(receiver.ended(), 0);

    let receiver = Serve::anywhere().start(&alice);
    let mut stream = under_way(&receiver, &path, &secret);
    signal(receiver.pid(), libc::SIGINT);
    until("the listener's end", || std::net::TcpStream::connect(receiver.address).is_err());
    let code = receiver.stop();
    assert_eq!(code, 1, "the second word does not wait for the first");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert_eq!(answer, "", "and nothing was acknowledged");
    let kept = receiver::database(&alice);
    assert_eq!(crate::support::kept::Database::sqlite(&kept).states().values().sum::<i64>(), 2);
}

#[test]
fn a_certificate_is_read_again_on_sighup_and_the_old_one_stays_where_that_fails() {
    let (_world, alice) = connected();
    receiver::secret(&alice);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = alice.file("cert.pem", made.cert.pem());
    let key = alice.file("key.pem", made.signing_key.serialize_pem());
    let mut receiver = Serve::anywhere().with(&["--tls-cert", &cert, "--tls-key", &key]).start(&alice);
    assert!(receiver.ready.contains("\"tls\":true") && receiver.ready.contains("https://"), "{}", receiver.ready);
    signal(receiver.pid(), libc::SIGHUP);
    until("the reading", || receiver.log().contains("the certificate was read again"));
    alice.file("key.pem", "broken");
    signal(receiver.pid(), libc::SIGHUP);
    until("the complaint", || receiver.log().contains("the old certificate stays in use"));
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn the_service_manager_hands_over_the_socket_and_is_told_what_happens() {
    let (_world, alice) = connected();
    receiver::secret(&alice);
    let told = alice.home().join("notify");
    let manager = UnixDatagram::bind(&told).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let handed = socket.as_raw_fd();
    let serve = alice.command(&["serve", "--json"]);
    // The shell is the process that becomes kanado: it knows its own number.
    let mut command = std::process::Command::new("/bin/sh");
    command.arg("-c").arg("LISTEN_PID=$$ WATCHDOG_PID=$$ exec \"$0\" \"$@\"").arg(serve.get_program()).args(serve.get_args());
    command.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("LISTEN_FDS", "1").env("NOTIFY_SOCKET", &told).env("WATCHDOG_USEC", "200000");
    if let Some(directory) = serve.get_current_dir() {
        command.current_dir(directory);
    }
    // SAFETY: between fork and exec nothing is called but `dup2`, which may be.
    unsafe {
        command.pre_exec(move || if libc::dup2(handed, 3) == 3 { Ok(()) } else { Err(std::io::Error::last_os_error()) });
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let next = || {
        let mut words = [0; 256];
        let count = manager.recv(&mut words).unwrap();
        String::from_utf8_lossy(&words[..count]).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    drop(socket);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(next(), "WATCHDOG=1", "it says again and again that it is alive");
    signal(child.id(), libc::SIGTERM);
    let end = loop {
        match next().as_str() {
            "WATCHDOG=1" => {}
            "STOPPING=1" => break child.wait().unwrap(),
            other => panic!("it said {other}"),
        }
    };
    assert_eq!(end.code(), Some(0));
}

#[test]
fn plain_http_beyond_this_machine_is_warned_of_and_a_proxy_in_front_is_named() {
    let (_world, alice) = connected();
    receiver::secret(&alice);
    let everywhere = std::net::SocketAddr::from(([0, 0, 0, 0], receiver::free_address().port()));
    let mut receiver = Serve { address: everywhere, ..Serve::anywhere() }.start(&alice);
    let log = receiver.log();
    assert!(log.contains("plain http to other machines") && log.contains("--tls-cert"), "{log}");
    assert_eq!(receiver.stop(), 0);
}
