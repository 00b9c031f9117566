//! One connection: how long it may be silent, and how many requests it may have at a time.
//!
//! actix-http times the head of the first request of a connection and no later one: a client that
//! was answered once could send half a head and stay for ever. And it sets no limit to the
//! streams of an HTTP/2 connection. Both are watched here. A second descriptor of the socket is
//! kept for each connection, because it is the only way to close one from outside. A connection for
//! which there is none left is closed at once: unwatched it could stay for ever.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    io,
    net::{self, Shutdown},
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
#[cfg(unix)]
use actix_web::rt::net::UnixStream;
use actix_web::{
    HttpRequest,
    dev::Extensions,
    rt::{self, net::TcpStream},
};
use socket2::SockRef;
use tokio::time::{self, Instant};

use crate::{address::Notice, clock::Clock, concurrency::overloaded, rejection::Rejection};

/// Requests of one connection that are in progress at a time. Browsers open about a hundred.
const MOST_IN_FLIGHT: u32 = 256;

/// How often each worker looks for silent connections.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is known of one connection; in its data.
enum Connection {
    /// It was closed, because it could not be watched. What had arrived may still be read.
    Closed,
    Watched(Rc<State>),
}

/// What a connection is made of; in its data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    SocketFile,
    Tcp,
    Tls,
}

impl Wire {
    fn of(stream: &dyn Any) -> Self {
        if stream.is::<TlsStream<TcpStream>>() {
            return Self::Tls;
        }
        #[cfg(unix)]
        if stream.is::<UnixStream>() {
            return Self::SocketFile;
        }
        Self::Tcp
    }
}

struct State {
    in_flight: Cell<u32>,
    /// When it was first seen that no request is in progress; `None` until the next look. Requests
    /// do not read the clock for it.
    silent_since: Cell<Option<Instant>>,
    patience: Duration,
    socket: Socket,
}

/// Closes a connection on which no request has been in progress for as long as `patience`, and two
/// intervals later at most.
#[derive(Clone)]
pub(crate) struct Watch {
    clock: Clock,
    patience: Duration,
    unwatched: Arc<Notice>,
}

impl Watch {
    pub(crate) fn new(clock: Clock, patience: Duration) -> Self {
        Self {
            clock,
            patience,
            unwatched: Arc::default(),
        }
    }

    /// When a connection has begun, with TLS if it has any.
    pub(crate) fn begin(&self, stream: &dyn Any, data: &mut Extensions) {
        data.insert(Wire::of(stream));
        if let Some(socket) = Socket::of(stream) {
            data.insert(self.connection(socket));
        }
    }

    fn connection(&self, socket: io::Result<Socket>) -> Connection {
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                self.tell(&error);
                return Connection::Closed;
            }
        };
        let state = Rc::new(State {
            in_flight: Cell::new(0),
            silent_since: Cell::new(Some(Instant::now())),
            patience: self.patience,
            socket,
        });
        Watched::add(&state);
        Connection::Watched(state)
    }

    fn tell(&self, reason: &io::Error) {
        if let Some(count) = self.unwatched.due(&self.clock) {
            tracing::warn!(
                code = "connection_unwatched",
                count,
                %reason,
                "connections were closed: there was no file descriptor left to watch them with; \
                 allow the process more, or lower `server.max_connections`"
            );
        }
    }
}

/// Whether the connection of this request is encrypted up to here.
pub(crate) fn is_over_tls(request: &HttpRequest) -> bool {
    request.conn_data() == Some(&Wire::Tls)
}

/// Whether the connection of this request is known to have a peer with an address, though it may
/// be gone.
pub(crate) fn is_over_tcp(request: &HttpRequest) -> bool {
    matches!(request.conn_data(), Some(Wire::Tcp | Wire::Tls))
}

/// A second descriptor of a connection's socket.
enum Socket {
    Tcp(net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Socket {
    /// Of a stream that is none of a socket there is none. Where it cannot be had, the socket is
    /// closed.
    fn of(stream: &dyn Any) -> Option<io::Result<Self>> {
        #[cfg(unix)]
        if let Some(stream) = stream.downcast_ref::<UnixStream>() {
            let socket = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned();
            let socket = socket.inspect_err(|_| close(SockRef::from(stream)));
            return Some(socket.map(|socket| Self::Unix(socket.into())));
        }
        let stream = match stream.downcast_ref::<TlsStream<TcpStream>>() {
            Some(stream) => stream.get_ref().0,
            None => stream.downcast_ref::<TcpStream>()?,
        };
        #[cfg(unix)]
        let socket = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned();
        #[cfg(windows)]
        let socket = std::os::windows::io::AsSocket::as_socket(stream).try_clone_to_owned();
        let socket = socket.inspect_err(|_| close(SockRef::from(stream)));
        Some(socket.map(|socket| Self::Tcp(socket.into())))
    }

    fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
        }
    }
}

/// Closes a socket whose owner is elsewhere. It may be closed already.
fn close(socket: SockRef<'_>) {
    socket.shutdown(Shutdown::Both).ok();
}

/// A request in progress, from its head to the end of its answer.
pub(crate) struct InFlight(Rc<State>);

impl InFlight {
    /// Begins a request; `None` where nobody set out to watch the connection.
    pub(crate) fn begin(request: &HttpRequest) -> Result<Option<Self>, Rejection> {
        let state = match request.conn_data() {
            Some(Connection::Watched(state)) => state,
            Some(Connection::Closed) => return Err(overloaded("the connection is not watched")),
            None => return Ok(None),
        };
        let in_flight = state.in_flight.get();
        if in_flight >= MOST_IN_FLIGHT {
            return Err(overloaded("too many requests of the connection"));
        }
        state.in_flight.set(in_flight + 1);
        Ok(Some(Self(Rc::clone(state))))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let state = &self.0;
        state.in_flight.set(state.in_flight.get().saturating_sub(1));
        state.silent_since.set(None);
    }
}

/// The connections of this worker, and whether a task looks at them.
#[derive(Default)]
struct Watched {
    connections: Vec<Weak<State>>,
    has_task: bool,
}

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

impl Watched {
    fn add(state: &Rc<State>) {
        let needs_task = WATCHED.with_borrow_mut(|watched| {
            watched.connections.push(Rc::downgrade(state));
            !std::mem::replace(&mut watched.has_task, true)
        });
        if needs_task {
            rt::spawn(close_silent_connections());
        }
    }

    /// Closes what has been silent for too long and forgets what has ended; whether any is left.
    fn sweep(&mut self, now: Instant) -> bool {
        self.connections.retain(|connection| {
            let Some(state) = connection.upgrade() else {
                return false;
            };
            if state.in_flight.get() > 0 {
                return true;
            }
            let since = state.silent_since.get().unwrap_or(now);
            state.silent_since.set(Some(since));
            if now.saturating_duration_since(since) <= state.patience {
                return true;
            }
            // The other end may have been faster.
            state.socket.shutdown().ok();
            false
        });
        !self.connections.is_empty()
    }
}

/// Looks at the connections of this worker for as long as there are any.
async fn close_silent_connections() {
    /// A task that ends with its runtime makes room for the next.
    struct Task;

    impl Drop for Task {
        fn drop(&mut self) {
            WATCHED
                .try_with(|watched| watched.borrow_mut().has_task = false)
                .ok();
        }
    }

    let _task = Task;
    loop {
        time::sleep(INTERVAL).await;
        if !WATCHED.with_borrow_mut(|watched| watched.sweep(Instant::now())) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpServer, web};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Nothing would count what is read after the connection was closed.
    #[actix_web::test]
    async fn requests_begin_on_connections_that_are_watched_and_on_no_closed_one() {
        let watch = Watch::new(Clock::system(), Duration::from_secs(9));
        for (is_closed, expected) in [(true, "refused"), (false, "counted")] {
            let watch = watch.clone();
            let server = HttpServer::new(|| {
                App::new().default_service(web::to(|request: HttpRequest| async move {
                    match InFlight::begin(&request) {
                        Ok(Some(_)) => "counted",
                        Ok(None) => "not counted",
                        Err(_) => "refused",
                    }
                }))
            })
            .on_connect(move |stream, data| {
                if is_closed {
                    data.insert(watch.connection(Err(io::ErrorKind::Other.into())));
                } else {
                    watch.begin(stream, data);
                }
            })
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            let handle = server.handle();
            rt::spawn(server);
            let mut client = TcpStream::connect(address).await.unwrap();
            let get = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            client.write_all(get).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with(expected), "{answer}");
            handle.stop(false).await;
        }
    }
}
