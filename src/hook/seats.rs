//! The connections: a bounded number of seats. Who comes when all are taken gets the seat of whoever was idle longest, so that ten
//! thousand silent sockets cost nothing and keep nobody out. A connection is busy only while an authenticated delivery is under way.
//!
//! A connection is known by the address of its peer. Limits: where every seat is busy, a newcomer is turned away.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// So many bytes tell HTTP/1 from HTTP/2. Until they are here nobody else watches the time.
const PREFACE: usize = 24;

#[derive(Clone)]
pub struct Seats(Arc<Inner>);

struct Inner {
    most: usize,
    taken: Mutex<HashMap<SocketAddr, Seat>>,
    moment: AtomicU64,
}

struct Seat {
    number: u64,
    /// Requests under way.
    busy: usize,
    /// Since when it is idle, in the order of events.
    idle_since: u64,
    leave: CancellationToken,
}

impl Seats {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { most: most.max(1), taken: Mutex::new(HashMap::new()), moment: AtomicU64::new(0) }))
    }

    pub fn taken(&self) -> usize {
        self.map().len()
    }

    /// A seat for a newcomer; none when everybody is busy.
    fn claim(&self, peer: SocketAddr) -> Option<Claim> {
        let now = self.0.moment.fetch_add(1, Ordering::Relaxed);
        let mut taken = self.map();
        if taken.len() >= self.0.most {
            let idle = taken.iter().filter(|(_, seat)| seat.busy == 0).min_by_key(|(_, seat)| seat.idle_since);
            let idle = *idle?.0;
            if let Some(seat) = taken.remove(&idle) {
                seat.leave.cancel();
            }
        }
        let leave = CancellationToken::new();
        taken.insert(peer, Seat { number: now, busy: 0, idle_since: now, leave: leave.clone() });
        Some(Claim { seats: self.clone(), peer, number: now, leave })
    }

    /// Marks a connection as busy for as long as the answer lives.
    pub fn busy(&self, peer: SocketAddr) -> Busy {
        if let Some(seat) = self.map().get_mut(&peer) {
            seat.busy += 1;
        }
        Busy { seats: self.clone(), peer }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Seat>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Busy {
    seats: Seats,
    peer: SocketAddr,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let now = self.seats.0.moment.fetch_add(1, Ordering::Relaxed);
        if let Some(seat) = self.seats.map().get_mut(&self.peer) {
            seat.busy = seat.busy.saturating_sub(1);
            seat.idle_since = now;
        }
    }
}

/// A taken seat; free again when dropped.
struct Claim {
    seats: Seats,
    peer: SocketAddr,
    number: u64,
    leave: CancellationToken,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut taken = self.seats.map();
        // Somebody else may have come from the same address since.
        if taken.get(&self.peer).is_some_and(|seat| seat.number == self.number) {
            taken.remove(&self.peer);
        }
    }
}

/// Gives each connection a seat before anything is read of it, the handshake of TLS included.
#[derive(Clone)]
pub struct Usher<A> {
    pub inner: A,
    pub seats: Seats,
    /// How long the first bytes may take.
    pub patience: Duration,
}

impl<A, S> Accept<TcpStream, S> for Usher<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Seated<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let claim = stream.peer_addr().map(|peer| self.seats.claim(peer));
        // Answers are short: they go out as they are written.
        let _ = stream.set_nodelay(true);
        let accepting = self.inner.accept(stream, service);
        let patience = self.patience;
        Box::pin(async move {
            let claim = claim?.ok_or_else(|| io::Error::other("every connection is busy"))?;
            let (io, service) = tokio::select! {
                biased;
                () = claim.leave.cancelled() => return Err(left()),
                accepted = accepting => accepted?,
            };
            let left = Box::pin(claim.leave.clone().cancelled_owned());
            let first = Some((Box::pin(tokio::time::sleep(patience)), 0));
            Ok((Seated { io, left, first, _claim: claim }, service))
        })
    }
}

fn left() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the seat was needed for somebody else")
}

/// A connection that ends when its seat is needed, or when its first bytes take too long.
pub struct Seated<I> {
    io: I,
    left: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Until when the first bytes must be here, and how many are.
    first: Option<(Pin<Box<Sleep>>, usize)>,
    _claim: Claim,
}

impl<I> Seated<I> {
    fn poll_stay(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.left.as_mut().poll(cx) {
            Poll::Ready(()) => Err(left()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Seated<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.poll_stay(cx)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buffer);
        if let Some((deadline, seen)) = &mut this.first {
            if polled.is_ready() {
                *seen += buffer.filled().len() - before;
                if *seen >= PREFACE {
                    this.first = None;
                }
            } else {
                ready!(deadline.as_mut().poll(cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was asked in time")));
            }
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Seated<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_stay(cx)?;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_stay(cx)?;
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_newcomer_gets_the_seat_of_whoever_was_idle_longest() {
        let seats = Seats::new(2);
        let first = seats.claim(peer(1)).unwrap();
        let second = seats.claim(peer(2)).unwrap();
        drop(seats.busy(peer(1)));
        let third = seats.claim(peer(3)).unwrap();
        assert!(second.leave.is_cancelled() && !first.leave.is_cancelled() && !third.leave.is_cancelled());
        assert_eq!(seats.taken(), 2);
        drop(second);
        assert_eq!(seats.taken(), 2, "its seat is somebody else's by now");
        drop(first);
        drop(third);
        assert_eq!(seats.taken(), 0);
    }

    #[test]
    fn a_busy_connection_keeps_its_seat_and_the_newcomer_is_turned_away() {
        let seats = Seats::new(1);
        let first = seats.claim(peer(1)).unwrap();
        let busy = seats.busy(peer(1));
        assert!(seats.claim(peer(2)).is_none());
        drop(busy);
        assert!(seats.claim(peer(2)).is_some());
        assert!(first.leave.is_cancelled());
    }

    #[test]
    fn a_peer_that_comes_again_is_not_put_out_by_its_past() {
        let seats = Seats::new(1);
        let before = seats.claim(peer(1)).unwrap();
        let now = seats.claim(peer(1)).unwrap();
        drop(before);
        assert_eq!(seats.taken(), 1);
        assert!(!now.leave.is_cancelled());
    }
}
