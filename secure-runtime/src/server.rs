//! The HTTPS server: HTTP/1.1 and HTTP/2, with an end to everything that a client may delay.

mod descriptors;
mod entrance;
mod per_client;
mod pipeline;
mod proxy_protocol;
#[cfg(unix)]
mod socket_file;
#[cfg(test)]
mod tests;

use std::{fmt, io, net::SocketAddr, time::Duration};

use actix_service::ServiceFactoryExt;
use actix_web::{
    App,
    dev::{self, ServerHandle},
};
use rustls::ServerConfig;
use tokio::task::JoinHandle;

#[cfg(unix)]
use self::socket_file::SocketFile;
use self::{entrance::Entrance, pipeline::Http};
use crate::{
    connection::Watch,
    error::{Error, Mistakes},
    manifest::Manifest,
    routes::Routes,
    security::Security,
    settings::{ListenAddress, Transport},
    tls::{DevelopmentCertificate, Tls},
};

/// How long an idle connection is kept: long enough for a page's next request, and no longer,
/// because each holds a slot of `server.max_connections`.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long a client may take to close after the answer, or to read that it was refused.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that wait to be accepted; what `HttpServer` has.
const BACKLOG: i32 = 1024;

/// Bytes of an HTTP/2 body that arrive before anybody asks for them, per request and per
/// connection. They wait in memory even where the request is refused.
const H2_STREAM_WINDOW: u32 = 64 << 10;
const H2_CONNECTION_WINDOW: u32 = 1 << 20;

/// A server for guarded routes.
///
/// Connections are judged where they are accepted: those beyond [`max_connections_per_client`] are
/// reset, and where TLS ends here those of banned clients too, before it begins.
///
/// [`max_connections_per_client`]: crate::settings::ServerSettings::max_connections_per_client
///
/// ```no_run
/// use secure_runtime::{Routes, Security, Server, Settings};
///
/// fn routes(routes: &mut Routes) {
///     // routes.service(..);
/// }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), secure_runtime::Error> {
///     let security = Security::from_settings(Settings::load()?).await?;
///     Server::new(security, routes).run().await
/// }
/// ```
#[derive(Debug)]
#[must_use = "a server does nothing until `run` or `start`"]
pub struct Server<R> {
    security: Security,
    routes: R,
}

impl<R> Server<R>
where
    R: Fn(&mut Routes) + Clone + Send + 'static,
{
    /// A server that listens as the settings of `security` say.
    ///
    /// `routes` runs once on each worker.
    pub fn new(security: Security, routes: R) -> Self {
        Self { security, routes }
    }

    /// Serves until the process is told to stop.
    ///
    /// SIGTERM lets requests in progress end, for as long as `server.shutdown_timeout` says;
    /// SIGINT (Ctrl-C) does not.
    ///
    /// # Errors
    ///
    /// The certificate cannot be used, the address is taken, or the server broke down.
    pub async fn run(self) -> Result<(), Error> {
        self.spawn(Signals::Obey)?.wait().await
    }

    /// Serves in the background, for tests and tools: port 0 takes any free port, which
    /// [`Running::addresses`] tells.
    ///
    /// # Errors
    ///
    /// The certificate cannot be used, or the address is taken.
    pub async fn start(self) -> Result<Running, Error> {
        self.spawn(Signals::Ignore)
    }

    fn spawn(self, signals: Signals) -> Result<Running, Error> {
        let Self { security, routes } = self;
        security.check(&Manifest::of(routes.clone()))?;
        for issuer in security.authenticator().iter().flat_map(|a| a.issuers()) {
            tracing::info!("tokens are accepted of {issuer}");
        }
        let settings = security.settings();
        let tls = settings
            .tls
            .as_ref()
            .map(Tls::from_settings)
            .transpose()
            .map_err(|mistake| Error::Settings(Mistakes::from(mistake)))?;
        match (settings.server.transport, settings.danger.plaintext) {
            (_, true) => tracing::warn!(
                "serving HTTP without TLS because `danger.plaintext` is set: everybody on the \
                 way can read tokens and data"
            ),
            (Transport::BehindProxy, false) => {
                tracing::info!("TLS ends at the trusted proxies");
            }
            (Transport::Https, false) => {}
        }
        let (config, development) = match tls {
            Some(tls) => (Some(tls.config), tls.development),
            None => (None, None),
        };
        match (
            &config,
            settings.server.transport,
            settings.danger.plaintext,
        ) {
            (Some(_), _, false)
            | (None, Transport::BehindProxy, false)
            | (None, Transport::Https, true) => {}
            // What `Settings::check` refuses is not served.
            (None, Transport::Https, false)
            | (None, Transport::BehindProxy, true)
            | (Some(_), _, true) => {
                settings.check()?;
                return Err(Error::Serve(io::ErrorKind::InvalidInput.into()));
            }
        }

        let address = &settings.server.address;
        let listening = listen(&security, routes, config, signals).map_err(|source| {
            let address = address.clone();
            Error::Bind { address, source }
        })?;
        let Listening {
            server,
            addresses,
            #[cfg(unix)]
            socket_file,
        } = listening;
        if addresses.is_empty() {
            tracing::info!(%address, "listening");
        }
        for address in &addresses {
            tracing::info!(%address, "listening");
        }
        Ok(Running {
            addresses,
            development,
            handle: server.handle(),
            task: tokio::spawn(server),
            #[cfg(unix)]
            _socket_file: socket_file,
        })
    }
}

struct Listening {
    server: dev::Server,
    addresses: Vec<SocketAddr>,
    #[cfg(unix)]
    socket_file: Option<SocketFile>,
}

impl Listening {
    fn at(addresses: Vec<SocketAddr>, server: dev::Server) -> Self {
        Self {
            server,
            addresses,
            #[cfg(unix)]
            socket_file: None,
        }
    }
}

/// Listens with TLS where there is a configuration of it.
fn listen<R>(
    security: &Security,
    routes: R,
    tls: Option<ServerConfig>,
    signals: Signals,
) -> io::Result<Listening>
where
    R: Fn(&mut Routes) + Clone + Send + 'static,
{
    // Otherwise 256 clients that connect and send nothing stop a worker until they time out:
    // connections are what is bounded, whatever they do. For the whole process, and read when its
    // workers start.
    actix_tls::accept::max_concurrent_tls_connect(usize::MAX);

    let settings = &security.settings().server;
    let places = descriptors::places(settings);
    let app = {
        let security = security.clone();
        move || {
            App::new()
                .wrap(security.shield())
                .configure(security.routes(routes.clone()))
        }
    };
    let mut server = dev::Server::build()
        .max_concurrent_connections(places.of_each_worker)
        .shutdown_timeout(settings.shutdown_timeout.as_secs());
    if let Some(workers) = settings.workers {
        server = server.workers(workers.get());
    }
    if let Signals::Ignore = signals {
        server = server.disable_signals();
    }
    let http = |config| Http {
        config,
        header_timeout: settings.header_timeout,
        stopping: server.graceful_shutdown_signal(),
        watch: Watch::new(
            security.clock().clone(),
            KEEP_ALIVE + settings.header_timeout,
        ),
    };
    match (&settings.address, tls) {
        (ListenAddress::Tcp(address), tls) => {
            let listener = pipeline::bind(*address)?;
            let address = listener.local_addr()?;
            let http = http(pipeline::app_config(address, tls.is_some()));
            let entrance = Entrance::new(security.clone(), places.all(), tls.is_some());
            let server = match tls {
                Some(config) => {
                    let acceptor = pipeline::acceptor(config, settings.header_timeout);
                    server.listen("https", listener, move || {
                        let tls = pipeline::tls(acceptor.clone());
                        let inside = tls.and_then(http.clone().serve(app()));
                        entrance.clone().before(inside)
                    })?
                }
                None => server.listen("http", listener, move || {
                    let inside = pipeline::plain().and_then(http.clone().serve(app()));
                    entrance.clone().before(inside)
                })?,
            };
            Ok(Listening::at(vec![address], server.run()))
        }
        #[cfg(unix)]
        (ListenAddress::Unix(path), None) => {
            let (listener, file) =
                SocketFile::bind(path, settings.socket_mode.unwrap_or_default())?;
            let http = http(dev::AppConfig::default());
            let server = server.listen_uds("http", listener, move || {
                pipeline::socket_file().and_then(http.clone().serve(app()))
            })?;
            Ok(Listening {
                socket_file: Some(file),
                ..Listening::at(Vec::new(), server.run())
            })
        }
        // What `Settings::check` refuses is not served.
        (ListenAddress::Unix(_), _) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Whether the signals of the operating system stop the server.
#[derive(Clone, Copy)]
enum Signals {
    Ignore,
    Obey,
}

/// A server that runs in the background, until it is stopped or dropped.
#[must_use = "the server stops at once when this is dropped"]
pub struct Running {
    addresses: Vec<SocketAddr>,
    development: Option<DevelopmentCertificate>,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
    /// Removed in the end, with everything that listened.
    #[cfg(unix)]
    _socket_file: Option<SocketFile>,
}

impl Running {
    /// Where it listens; nowhere where `server.address` is a socket file.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The certificate that was made at start, where `tls.development` asks for one.
    pub fn development_certificate(&self) -> Option<&DevelopmentCertificate> {
        self.development.as_ref()
    }

    /// Stops the server; a `graceful` stop lets requests in progress end.
    pub async fn stop(self, graceful: bool) {
        self.handle.stop(graceful).await;
    }

    /// Waits until the server has stopped.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`]: it broke down.
    pub async fn wait(mut self) -> Result<(), Error> {
        let ended = (&mut self.task)
            .await
            .map_err(io::Error::other)
            .and_then(|ended| ended);
        ended.map_err(Error::Serve)
    }
}

/// Closes the listeners and cuts off what is in progress.
impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
