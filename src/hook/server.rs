//! The listener: TCP or TLS, HTTP/1 and HTTP/2, time-outs that act, and an end in order.
//!
//! Order at the end: no further connection, no further delivery (503), bodies under way are finished or answered 503, then the
//! listener is gone. Whatever is left after the grace is cut off unanswered: nothing is ever acknowledged that was not kept.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::AddExtension;
use axum_server::Handle;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::delivery::Delivery;
use super::figures::Figures;
use super::handle::{Desk, handle};
use super::keys::Keys;
use super::limits::Budget;
use super::options::{HookOptions, Listen, TlsFiles};
use super::seats::{Seats, Usher};
use crate::config::Metrics;
use crate::notice::Explain;
use crate::services::Services;
use crate::store;
use crate::sync::wake::Wake;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// HTTP/2: deliveries at once on a connection, and bytes of a body on their way unread.
const STREAMS: u32 = 64;
const WINDOW: u32 = 64 * 1024;
/// HTTP/2: whether a silent connection is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// The least that hyper works with.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// Why there is no receiver.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot use the socket that was handed over: {0}")]
    Given(#[source] io::Error),
    #[error("cannot serve TLS with certificate {} and key {}: {source}", .cert.display(), .key.display())]
    Tls {
        cert: PathBuf,
        key: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no project has a webhook secret, so nobody could deliver anything")]
    NoSecret,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the receiver stopped: {0}")]
    Stopped(#[source] io::Error),
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } => Some(
                match source.kind() {
                    io::ErrorKind::AddrInUse => "something else listens there, perhaps another kanado: choose another port",
                    io::ErrorKind::PermissionDenied => "ports below 1024 are the system's: choose another one, with a proxy in front",
                    _ => "choose an address of this machine, such as 127.0.0.1:8787",
                }
                .to_owned(),
            ),
            Self::Tls { .. } => Some("both must be PEM files that you may read, the key without a passphrase".to_owned()),
            Self::NoSecret => Some(
                "make one for hooks made by hand: `kanado hooks secret generate`; or let them be made: `kanado hooks register`".to_owned(),
            ),
            Self::Store(error) => error.hint(),
            Self::Given(_) | Self::Stopped(_) => None,
        }
    }
}

/// A receiver that listens, and serves once told to.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsReload>,
    desk: Arc<Desk>,
    /// What is measured, for the figures.
    metrics: Metrics,
}

/// The certificate of a receiver; read again on demand, without a break.
#[derive(Clone)]
pub struct TlsReload {
    config: RustlsConfig,
    files: TlsFiles,
}

impl TlsReload {
    /// Reads the files again. When that fails, the old certificate stays.
    pub async fn reload(&self) -> Result<(), Error> {
        self.config.reload_from_pem_file(&self.files.cert, &self.files.key).await.map_err(|source| unusable(&self.files, source))
    }
}

fn unusable(files: &TlsFiles, source: io::Error) -> Error {
    Error::Tls { cert: files.cert.clone(), key: files.key.clone(), source }
}

impl Server {
    /// Opens the listener. Refused while no project has a secret.
    pub async fn bind(options: HookOptions, services: &Services, wake: Wake) -> Result<Self, Error> {
        let HookOptions { listen, tls, limits } = options;
        let (store, clock) = (services.ctx.store.clone(), services.ctx.clock.clone());
        let keys = Keys::read(store.clone(), clock.clone()).await?;
        if keys.is_empty() {
            return Err(Error::NoSecret);
        }
        let tls = match tls {
            None => None,
            Some(files) => {
                let config = RustlsConfig::from_pem_file(&files.cert, &files.key).await.map_err(|source| unusable(&files, source))?;
                Some(TlsReload { config, files })
            }
        };
        let listener = match listen {
            Listen::Address(address) => bound(address).map_err(|source| Error::Listen { address, source })?,
            Listen::Given(listener) => listener.set_nonblocking(true).map(|()| listener).map_err(Error::Given)?,
        };
        let address = listener.local_addr().map_err(Error::Given)?;
        let desk = Desk {
            store,
            clock,
            keys,
            budget: Budget::new(limits.in_flight),
            seats: Seats::new(limits.connections),
            limits,
            figures: Figures::default(),
            delivery: Delivery::default(),
            asking: Asking::new(services.clone()),
            wake,
            readiness: tokio::sync::Mutex::new(None),
            stop: CancellationToken::new(),
        };
        Ok(Self { listener, address, tls, desk: Arc::new(desk), metrics: services.ctx.config.metrics.clone() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, for a person.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub fn tls(&self) -> Option<TlsReload> {
        self.tls.clone()
    }

    /// Serves until told to end, and then until everything under way has an answer.
    pub async fn serve_until(self, end: CancellationToken) -> Result<(), Error> {
        let Self { listener, tls, desk, metrics, .. } = self;
        let watching = {
            let desk = desk.clone();
            tokio::spawn(async move { desk.keys.watch().await })
        };
        let computing = {
            let desk = desk.clone();
            tokio::spawn(async move { desk.delivery.follow(desk.store.clone(), desk.clock.clone(), metrics).await })
        };
        let head_time = desk.limits.head_time;
        let served = match tls {
            None => serve(listener, DefaultAcceptor::new(), &desk, end).await,
            Some(tls) => serve(listener, RustlsAcceptor::new(tls.config).handshake_timeout(head_time), &desk, end).await,
        };
        watching.abort();
        computing.abort();
        served.map_err(Error::Stopped)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// What axum makes for each connection.
type Connection = AddExtension<Router, ConnectInfo<SocketAddr>>;

async fn serve<A>(listener: TcpListener, acceptor: A, desk: &Arc<Desk>, end: CancellationToken) -> io::Result<()>
where
    A: Accept<TcpStream, Connection, Service = Connection> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Future: Send + 'static,
{
    let limits = &desk.limits;
    let closing = Handle::new();
    let usher = Usher { inner: acceptor, seats: desk.seats.clone(), patience: limits.head_time };
    let mut server = axum_server::from_tcp(listener)?.handle(closing.clone()).acceptor(usher);
    let http = server.http_builder();
    // Without a timer the time-out would never act, and setting it would panic at the first connection.
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(limits.head.max(SMALLEST_BUFFER));
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(limits.head_time)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW);
    let router = Router::new().fallback(handle).with_state(desk.clone());
    let serving = server.serve(router.into_make_service_with_connect_info::<SocketAddr>());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = end.cancelled() => {}
    }
    desk.stop.cancel();
    closing.graceful_shutdown(Some(limits.grace));
    serving.await
}
