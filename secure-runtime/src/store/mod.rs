//! The Redis that processes share: one connection for the requests of a process, kept good in the
//! background.
//!
//! No request opens a connection or waits for one. Each question has a time limit of its own, of
//! tens of milliseconds; after three failures in a row, or where the connection broke, nobody
//! asks until the server answers a probe in the background.
//!
//! All names begin with one hash tag, so a cluster keeps them together, and one script may use
//! any of them. A cluster gives another server when one is lost, not more throughput.

#[cfg(test)]
#[allow(unreachable_pub, reason = "the tests from outside use it too")]
#[path = "../../../tests/redis/chance.rs"]
pub(crate) mod chance;
mod connection;
mod fault;
mod refusals;
mod script;
#[cfg(test)]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "real servers, as the tests from outside start them; they use more of it"
)]
#[path = "../../../tests/redis/server.rs"]
pub(crate) mod server;
mod supply;
mod target;

use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use redis::{Cmd, FromRedisValue, ToRedisArgs, cmd};
use tokio::sync::{Notify, watch};

use self::refusals::{Refusals, Refused};
pub(crate) use self::{connection::Connection, fault::Fault, script::Script, target::Target};
use crate::clock::Clock;

/// A handle on the store; cheap to clone. The last one that is dropped ends what is in the
/// background.
#[derive(Clone)]
pub(crate) struct Store {
    server: Arc<Server>,
    background: Arc<Background>,
}

/// The store cannot be asked, or cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared store does not answer")]
pub(crate) struct Silent;

/// The server, as requests and the background see it. Does not keep the background alive.
pub(crate) struct Server {
    target: Target,
    /// What every name begins with.
    tag: String,
    /// The connection for requests, while it is good.
    connection: ArcSwapOption<Connection>,
    /// One is good no longer. It may have been another than the current one.
    connection_failed: Notify,
    /// What every new connection has the server keep.
    scripts: Mutex<Vec<&'static Script>>,
    /// Another server has taken over.
    moved: Notify,
    /// For the log alone.
    clock: Clock,
    refusals: Refusals,
}

/// The thread beside the workers: handlers that block theirs must not make knowledge old.
struct Background {
    runtime: tokio::runtime::Handle,
    _alive: watch::Sender<()>,
}

/// A task in the background; ends when this is dropped, if not before.
#[must_use = "the task ends when this is dropped"]
pub(crate) struct Task(tokio::task::AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Store {
    /// Connects from now on, on a thread of its own. The names of all keys begin with `prefix`.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(target: Target, prefix: &str) -> io::Result<Self> {
        let server = Arc::new(Server::new(target, prefix));
        let (alive, mut ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let supplied = Arc::clone(&server);
        thread::Builder::new()
            .name("secure-store".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = ended.changed() => {}
                        () = supply::run(&supplied) => {}
                    }
                });
            })?;
        Ok(Self {
            server,
            background: Arc::new(Background {
                runtime: handle,
                _alive: alive,
            }),
        })
    }

    /// Runs `task` in the background until it ends or the last handle is dropped. The task must
    /// hold no handle itself.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.background.runtime.spawn(task);
    }

    /// As [`spawn`](Self::spawn), until what it returns is dropped: for a room that waits for its
    /// task to let go of something, while others still hold handles.
    pub(crate) fn spawn_owned(&self, task: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(self.background.runtime.spawn(task).abort_handle())
    }

    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }
}

impl Server {
    fn new(target: Target, prefix: &str) -> Self {
        Self {
            target,
            tag: format!("{{{prefix}}}"),
            connection: ArcSwapOption::empty(),
            connection_failed: Notify::new(),
            scripts: Mutex::default(),
            moved: Notify::new(),
            clock: Clock::system(),
            refusals: Refusals::default(),
        }
    }

    /// The full name of what is called `name`.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}:{name}", self.tag)
    }

    /// The connection for requests; none while the server does not answer.
    pub(crate) fn connection(&self) -> Result<Arc<Connection>, Silent> {
        self.connection.load_full().ok_or(Silent)
    }

    /// A connection of its own, for what would hold others up.
    pub(crate) async fn connect(&self, limit: Duration) -> Result<Connection, Fault> {
        Connection::open(&self.target, &self.tag, limit).await
    }

    /// The answer to a command, within `limit`.
    ///
    /// # Errors
    ///
    /// There is none. The command may have been carried out all the same.
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, Silent> {
        let connection = self.connection()?;
        let answer = connection.ask(command, limit).await;
        self.judge(&connection, answer).ok_or(Silent)
    }

    /// What a script returns, within `limit`.
    ///
    /// # Errors
    ///
    /// Nothing was returned. The script may have run all the same.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: impl ToRedisArgs,
        limit: Duration,
    ) -> Result<T, Silent> {
        let connection = self.connection()?;
        let answer = script.ask(&connection, keys, arguments, limit).await;
        self.judge(&connection, answer).ok_or(Silent)
    }

    /// Has the server keep a script, at each connection from the next one on.
    pub(crate) fn keep(&self, script: &'static Script) {
        self.scripts().push(script);
    }

    /// What is kept. Whole between two statements, so a panic leaves it usable.
    fn scripts(&self) -> MutexGuard<'_, Vec<&'static Script>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts failures of a connection; too many in a row, or a broken one, and it is no longer
    /// used.
    pub(crate) fn judge<T>(
        &self,
        connection: &Arc<Connection>,
        answer: Result<T, Fault>,
    ) -> Option<T> {
        match answer {
            Ok(answer) => {
                connection.count_success();
                Some(answer)
            }
            // Clients can fill it, and one part may lack rights. If that cut the connection, it
            // would silence all parts.
            Err(fault) if fault.is_of_the_command() => {
                self.tell(&fault);
                None
            }
            Err(fault) => {
                if connection.count_failure() || fault.breaks_connection() {
                    self.distrust(connection);
                }
                None
            }
        }
    }

    /// Has the operator know what the server refuses, and not once a request.
    #[cold]
    fn tell(&self, fault: &Fault) {
        let refused = Refused::of(fault);
        if let Some(count) = self.refusals.count(refused, &self.clock) {
            tracing::error!(
                event = "sys_store_refuses",
                code = fault.code(),
                count,
                keys = format!("{}:*", self.tag),
                "the shared store refuses what it is asked: {refused}"
            );
        }
    }

    /// Has requests wait for another connection than this one. Of many requests that fail at a time
    /// only the first does: by the last there may be a new one.
    fn distrust(&self, connection: &Arc<Connection>) {
        let before = self.connection.compare_and_swap(connection, None);
        if is(&before, connection) {
            self.connection_failed.notify_one();
        }
    }

    /// Whether requests use this connection.
    fn is_current(&self, connection: &Arc<Connection>) -> bool {
        is(&self.connection.load(), connection)
    }

    /// What somebody was told over a connection of his own: if it is true of the server, it is
    /// true of the one for requests.
    pub(crate) fn hear(&self, fault: &Fault) {
        if fault.is_of_the_server()
            && let Ok(connection) = self.connection()
        {
            self.distrust(&connection);
        }
    }

    /// Whether another server may take over.
    pub(crate) fn is_replicated(&self) -> bool {
        self.target.is_replicated()
    }

    /// Returns when another server has taken over; for one waiter.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }
}

/// Whether what was found is this connection.
fn is(found: &Option<Arc<Connection>>, connection: &Arc<Connection>) -> bool {
    let found = found.as_ref();
    found.is_some_and(|found| Arc::ptr_eq(found, connection))
}

/// A script with its keys and arguments, sent whole: for what seldom runs. See [`Script`].
pub(crate) fn script(
    source: &str,
    keys: &[&String],
    arguments: impl IntoIterator<Item = String>,
) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(source).arg(keys.len());
    for key in keys {
        command.arg(key.as_str());
    }
    for argument in arguments {
        command.arg(argument);
    }
    command
}

/// 128 bits that nobody else has.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    // Where the system has no randomness nothing else would work either; two ids from one
    // address in one process differ at least by their time.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        bytes = now.map_or(0, |now| now.as_nanos()).to_be_bytes();
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
