//! A server behind load balancers: what actix-web's `HttpServer` does, with the PROXY protocol in
//! front of TLS. `HttpServer` has no place for that: it goes from the listener to TLS itself.
//!
//! Two things are private to actix-web, and do without here: its `AppConfig` says that there is no
//! TLS, and a graceful stop waits until idle connections end, [`KEEP_ALIVE`] at most.

use std::{
    any::Any,
    fmt, io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{HttpService, Protocol, Request, Response, body::MessageBody};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory, fn_service,
    map_config,
};
use actix_tls::accept::rustls_0_23::{Acceptor, AcceptorService, TlsStream};
use actix_web::{
    dev::{AppConfig, Extensions, Server},
    rt::net::TcpStream,
};
use futures_util::future::LocalBoxFuture;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    DISCONNECT_TIMEOUT, H2_CONNECTION_WINDOW, H2_STREAM_WINDOW, KEEP_ALIVE, Signals,
    proxy_protocol::Gate,
};
use crate::{connection::Watch, security::Security};

/// Listens at `address` for connections that begin with a PROXY protocol header.
pub(super) fn listen<F, I, S, B>(
    app: F,
    security: &Security,
    address: SocketAddr,
    tls: Option<ServerConfig>,
    connections: usize,
    watch: Watch,
    signals: Signals,
) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let settings = &security.settings().server;
    let header_timeout = settings.header_timeout;
    let gate = Gate::new(security.clone());
    let mut server = Server::build()
        .max_concurrent_connections(connections)
        .shutdown_timeout(settings.shutdown_timeout.as_secs());
    if let Some(workers) = settings.workers {
        server = server.workers(workers.get());
    }
    if let Signals::Ignore = signals {
        server = server.disable_signals();
    }

    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let server = match tls {
        Some(config) => {
            let acceptor = acceptor(config, header_timeout);
            server.listen("https", listener, move || {
                let http = http(app(), header_timeout, watch.clone());
                accept_tls(gate.clone(), acceptor.clone()).and_then(http)
            })?
        }
        None => server.listen("http", listener, move || {
            accept(gate.clone()).and_then(http(app(), header_timeout, watch.clone()))
        })?,
    };
    Ok((server.run(), address))
}

fn acceptor(mut config: ServerConfig, header_timeout: Duration) -> Acceptor {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut acceptor = Acceptor::new(config);
    acceptor.set_handshake_timeout(header_timeout);
    acceptor
}

/// A connection and what the HTTP service wants to know of it.
type Accepted<T> = (T, Protocol, Option<SocketAddr>);

fn accept(
    gate: Gate,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = Accepted<TcpStream>,
    Error = (),
    InitError = (),
> {
    fn_service(move |stream| {
        let gate = gate.clone();
        async move {
            let (stream, peer) = gate.receive(stream).await?;
            Ok((stream, Protocol::Http1, Some(peer)))
        }
    })
    .map_init_err(|()| ())
}

fn accept_tls(
    gate: Gate,
    acceptor: Acceptor,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = Accepted<TlsStream<TcpStream>>,
    Error = (),
    InitError = (),
> {
    fn_factory(move || {
        let gate = gate.clone();
        let service = ServiceFactory::<TcpStream>::new_service(&acceptor, ());
        async move {
            let tls = Rc::new(service.await?);
            Ok(AcceptTls { gate, tls })
        }
    })
}

/// The header, and then TLS.
struct AcceptTls {
    gate: Gate,
    tls: Rc<AcceptorService>,
}

impl Service<TcpStream> for AcceptTls {
    type Response = Accepted<TlsStream<TcpStream>>;
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<Self::Response, ()>>;

    /// Not while as many handshakes are in progress as there may be.
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Service::<TcpStream>::poll_ready(&*self.tls, context).map_err(drop)
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        let Self { gate, tls } = self;
        let (gate, tls) = (gate.clone(), Rc::clone(tls));
        Box::pin(async move {
            let (stream, peer) = gate.receive(stream).await?;
            let stream = tls.call(stream).await.map_err(drop)?;
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            Ok((stream, protocol, Some(peer)))
        })
    }
}

fn http<T, I, S, B>(
    app: I,
    header_timeout: Duration,
    watch: Watch,
) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = (), InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let app = app.into_factory().map_err(|error| {
        let error: actix_web::Error = error.into();
        error.error_response()
    });
    HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(header_timeout)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .h2_initial_window_size(H2_STREAM_WINDOW)
        .h2_initial_connection_window_size(H2_CONNECTION_WINDOW)
        .on_connect_ext(move |stream: &T, data: &mut Extensions| {
            watch.begin(stream as &dyn Any, data);
        })
        // actix-web makes no other configuration for us; what it says of TLS, `connection` knows.
        .finish(map_config(app, |()| AppConfig::default()))
        .map_err(drop)
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, web};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        BanList, ClientAddresses, StrikeKind,
        admission::peer,
        clock::Clock,
        settings::{BanRuleSettings, BanSettings},
    };

    const GET: &[u8] =
        b"GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.7\r\nconnection: close\r\n\r\n";

    /// What `tell` says of a connection whose address the system does not tell.
    async fn ask_nameless<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        stream: T,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        tell: impl Fn(&HttpRequest) -> String + Clone + 'static,
    ) -> String {
        let app = App::new().default_service(web::to(move |request: HttpRequest| {
            let told = tell(&request);
            async { told }
        }));
        let watch = Watch::new(Clock::system(), Duration::from_secs(9));
        let service = http::<T, _, _, _>(app, Duration::from_secs(5), watch);
        let service = service.new_service(()).await.unwrap();
        client.write_all(GET).await.unwrap();
        service.call((stream, Protocol::Http1, None)).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer.lines().last().unwrap_or_default().to_owned()
    }

    /// What is taken for the peer.
    async fn nameless<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        stream: T,
        client: impl AsyncRead + AsyncWrite + Unpin,
    ) -> String {
        ask_nameless(stream, client, |request| format!("{:?}", peer(request))).await
    }

    /// Bans whoever is struck once, where the proxy at a socket file is believed.
    fn bans() -> BanList {
        let rule = BanRuleSettings::new(
            vec![StrikeKind::Login],
            std::num::NonZeroUsize::MIN,
            Duration::from_secs(60),
            Duration::from_secs(60),
        );
        let settings = BanSettings {
            rules: vec![rule],
            ..BanSettings::default()
        };
        let addresses = ClientAddresses::direct().trusting_unknown_peer();
        BanList::new(
            Clock::system(),
            std::sync::Arc::new(addresses),
            crate::address::Ipv6Prefix::default(),
            &settings,
            #[cfg(feature = "redis")]
            None,
        )
    }

    /// Who has gone cannot have others banned by naming them.
    #[actix_web::test]
    async fn g11_a_client_that_has_gone_bans_nobody_else() {
        let strike = |bans: BanList| {
            move |request: &HttpRequest| bans.strike(request, StrikeKind::Login, 1).to_string()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let told = ask_nameless(stream, client, strike(bans())).await;
        assert_eq!(told, "false");

        #[cfg(unix)]
        {
            let (stream, client) = tokio::net::UnixStream::pair().unwrap();
            let told = ask_nameless(stream, client, strike(bans())).await;
            assert_eq!(told, "true");
        }
    }

    #[actix_web::test]
    async fn p1_a_client_that_has_gone_is_not_taken_for_the_proxy_at_a_socket_file() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(nameless(stream, client).await, "Some(0.0.0.0)");

        #[cfg(unix)]
        {
            let (stream, client) = tokio::net::UnixStream::pair().unwrap();
            assert_eq!(nameless(stream, client).await, "None");
        }
        // What is neither was made by hand, with an address of its own.
        let (stream, client) = duplex(4096);
        assert_eq!(nameless(stream, client).await, "Some(0.0.0.0)");
    }
}
