//! `kanado serve`: receives webhooks for a team until it is told to end.
//!
//! Told by SIGTERM or Ctrl+C it ends in order; told twice, at once. SIGHUP reads the certificate again. Under systemd it takes the
//! socket it is handed, says when it is ready, and feeds the watchdog. The log goes to stderr.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use super::receiving::engine;
use crate::hook::{HookOptions, Limits, Listen, Server, TlsFiles, TlsReload};
use crate::notice::{Explain as _, Notice};
use crate::sync::wake::Wake;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes any free one [default: webhooks.listen, or the socket systemd hands over]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Speak TLS with this certificate chain (PEM); read again on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// What Azure DevOps calls: scheme, host and any path before /api/webhooks [default: webhooks.public_url]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

pub fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    frame.never_ask();
    let options = options(args, frame)?;
    frame.block_on(Workers::Several, async |frame| serve(options, frame).await)
}

fn options(args: Args, frame: &mut Frame<'_>) -> Result<HookOptions, Failure> {
    let config = &mut frame.config.webhooks;
    if args.public_url.is_some() {
        config.public_url = args.public_url.map(|url| url.trim_end_matches('/').to_owned());
    }
    let (cert, key) = match args.tls_cert {
        Some(cert) => (Some(cert), args.tls_key),
        None => (config.tls_cert.clone(), config.tls_key.clone()),
    };
    let tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        (Some(_), None) => return Err(half("webhooks.tls_key", "webhooks.tls_cert")),
        (None, Some(_)) => return Err(half("webhooks.tls_cert", "webhooks.tls_key")),
    };
    let listen = match (args.listen, handed_over()?, config.listen) {
        (Some(address), ..) => Listen::Address(address),
        (None, Some(listener), _) => Listen::Given(listener),
        (None, None, Some(address)) => Listen::Address(address),
        (None, None, None) => {
            return Err(Failure::usage("where to listen?", "give an address, such as --listen 127.0.0.1:8787, or set webhooks.listen"));
        }
    };
    Ok(HookOptions { listen, tls, limits: Limits::of(config) })
}

fn half(missing: &str, there: &str) -> Failure {
    Failure::usage(format!("{there} is set without {missing}"), "TLS needs both, the certificate and its key; plain http needs neither")
}

async fn serve(options: HookOptions, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let services = frame.services().await?;
    let wake = Wake::default();
    let server = Server::bind(options, &services, wake.clone()).await?;
    let end = CancellationToken::new();
    // Before anybody learns that it is there: from then on it may be told to end.
    let signals = Signals::watch(end.clone(), server.tls()).map_err(|error| Failure::local("cannot watch for signals", &error))?;
    announce(frame, &server)?;
    let engine = engine(&services, server.address(), wake);
    let manager = Manager::ready();
    let mut serving = std::pin::pin!(server.serve_until(end.clone()));
    let ended_early = tokio::select! {
        biased;
        () = end.cancelled() => None,
        // By itself, because something is wrong.
        served = &mut serving => Some(served),
    };
    manager.stopping();
    let served = match ended_early {
        Some(served) => served,
        None => serving.await,
    };
    engine.stop().await;
    signals.ignore();
    services.ctx.store.close().await;
    served?;
    tracing::info!("ended in order");
    Ok(Exit::Done)
}

fn announce(frame: &mut Frame<'_>, server: &Server) -> Result<(), Failure> {
    let address = server.address();
    let public_url = frame.config.webhooks.public_url.clone();
    if server.tls().is_none() && !address.ip().is_loopback() {
        frame.output.warn(
            &Notice::new(format!("secrets travel to {address} in clear: it speaks plain http to other machines"))
                .hint("put a proxy with TLS in front of it, or give --tls-cert and --tls-key"),
        );
    }
    frame.output.json(&json!({
        "url": server.url(), "address": address.to_string(), "tls": server.tls().is_some(), "public_url": public_url,
    }))?;
    let known = public_url.map_or(String::new(), |url| format!("; Azure DevOps calls {url}/api/webhooks/ado/..."));
    frame.output.note(format!("Listens on {}{known}. Ctrl+C ends it.", server.url()));
    frame.output.flush()
}

/// The tasks that wait for signals.
struct Signals(Vec<tokio::task::JoinHandle<()>>);

impl Signals {
    fn ignore(self) {
        for task in self.0 {
            task.abort();
        }
    }

    #[cfg(unix)]
    fn watch(end: CancellationToken, tls: Option<TlsReload>) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let ending = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if end.is_cancelled() {
                    // Told twice: whatever is under way was not acknowledged, and will be sent again.
                    std::process::exit(i32::from(Exit::Failed.code()));
                }
                tracing::info!("told to end");
                end.cancel();
            }
        });
        let reading_again = tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                let Some(tls) = &tls else { continue };
                match tls.reload().await {
                    Ok(()) => tracing::info!("the certificate was read again"),
                    Err(error) => tracing::error!("the old certificate stays in use: {}", error.notice()),
                }
            }
        });
        Ok(Self(vec![ending, reading_again]))
    }

    #[cfg(not(unix))]
    fn watch(end: CancellationToken, _tls: Option<TlsReload>) -> std::io::Result<Self> {
        let ending = tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if end.is_cancelled() {
                    std::process::exit(i32::from(Exit::Failed.code()));
                }
                end.cancel();
            }
        });
        Ok(Self(vec![ending]))
    }
}

/// The service manager, where there is one.
struct Manager {
    feeding: Option<tokio::task::JoinHandle<()>>,
}

#[cfg(target_os = "linux")]
impl Manager {
    /// Says that deliveries are taken from now on, and goes on saying that the process is alive where that is asked for.
    fn ready() -> Self {
        tell(&[sd_notify::NotifyState::Ready]);
        let mut microseconds = 0;
        let feeding = sd_notify::watchdog_enabled(false, &mut microseconds).then(|| {
            let every = std::time::Duration::from_micros(microseconds / 2).max(std::time::Duration::from_millis(1));
            tokio::spawn(async move {
                let mut moments = tokio::time::interval(every);
                loop {
                    moments.tick().await;
                    tell(&[sd_notify::NotifyState::Watchdog]);
                }
            })
        });
        Self { feeding }
    }

    fn stopping(self) {
        tell(&[sd_notify::NotifyState::Stopping]);
        if let Some(feeding) = self.feeding {
            feeding.abort();
        }
    }
}

#[cfg(target_os = "linux")]
fn tell(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::warn!("the service manager could not be told: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
impl Manager {
    fn ready() -> Self {
        Self { feeding: None }
    }

    fn stopping(self) {
        drop(self.feeding);
    }
}

/// The socket that systemd opened for this process, if it did.
#[cfg(target_os = "linux")]
fn handed_over() -> Result<Option<std::net::TcpListener>, Failure> {
    use std::os::fd::FromRawFd as _;
    let failed = |error: std::io::Error| Failure::local("cannot take the socket that systemd hands over", &error);
    let sockets: Vec<_> = sd_notify::listen_fds().map_err(failed)?.collect();
    match sockets.as_slice() {
        [] => Ok(None),
        // SAFETY: the service manager opened it for this process alone, and this is the only place that takes it; its number is
        // taken out of the environment on the way.
        [one] => Ok(Some(unsafe { std::net::TcpListener::from_raw_fd(*one) })),
        several => Err(Failure::refused(
            format!("systemd hands over {} sockets, and one is needed", several.len()),
            "name one address in the socket unit's ListenStream=",
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn handed_over() -> Result<Option<std::net::TcpListener>, Failure> {
    Ok(None)
}
