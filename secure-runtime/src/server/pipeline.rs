//! What a connection goes through: the entrance, TLS, HTTP.
//!
//! actix-web's `HttpServer` is the same, but for the entrance: it goes from the listener to TLS
//! itself, so that whoever is refused has had a handshake. What it gives to the HTTP service is
//! given here as well, the end of idle connections at a graceful stop included.

use std::{
    any::Any,
    fmt, io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{HttpService, Protocol, Request, Response, body::MessageBody};
use actix_server::GracefulShutdownSignal;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory, fn_service,
    map_config,
};
use actix_tls::accept::rustls_0_23::{Acceptor, AcceptorService, TlsStream};
#[cfg(unix)]
use actix_web::rt::net::UnixStream;
use actix_web::{
    dev::{AppConfig, Extensions},
    rt::net::TcpStream,
};
use futures_util::future::{LocalBoxFuture, ready};
use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    BACKLOG, DISCONNECT_TIMEOUT, H2_CONNECTION_WINDOW, H2_STREAM_WINDOW, KEEP_ALIVE,
    entrance::Guest,
};
use crate::connection::Watch;

/// Listens as `HttpServer` does: also where connections of a server that has just ended remain.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Windows it would let others take the port over.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    // Elsewhere `[::]` takes connections of IPv4 unless the system is told not to.
    #[cfg(windows)]
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A connection and what the HTTP service wants to know of it.
pub(super) type Accepted<T> = (T, Protocol, Option<SocketAddr>);

/// No entrance: whoever connects here is the proxy. And no TLS.
#[cfg(unix)]
pub(super) fn socket_file() -> impl ServiceFactory<
    UnixStream,
    Config = (),
    Response = Accepted<UnixStream>,
    Error = (),
    InitError = (),
> {
    fn_service(|stream| ready(Ok((stream, Protocol::Http1, None))))
}

/// No TLS: a proxy ends it, or nobody.
pub(super) fn plain()
-> impl ServiceFactory<Guest, Config = (), Response = Accepted<TcpStream>, Error = (), InitError = ()>
{
    fn_service(|(stream, peer)| ready(Ok((stream, Protocol::Http1, Some(peer)))))
}

pub(super) fn acceptor(mut config: ServerConfig, handshake_timeout: Duration) -> Acceptor {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut acceptor = Acceptor::new(config);
    acceptor.set_handshake_timeout(handshake_timeout);
    acceptor
}

pub(super) fn tls(
    acceptor: Acceptor,
) -> impl ServiceFactory<
    Guest,
    Config = (),
    Response = Accepted<TlsStream<TcpStream>>,
    Error = (),
    InitError = (),
> {
    fn_factory(move || {
        let service = ServiceFactory::<TcpStream>::new_service(&acceptor, ());
        async move { Ok(Tls(Rc::new(service.await?))) }
    })
}

struct Tls(Rc<AcceptorService>);

impl Service<Guest> for Tls {
    type Response = Accepted<TlsStream<TcpStream>>;
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<Self::Response, ()>>;

    /// Not while as many handshakes are in progress as there may be.
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Service::<TcpStream>::poll_ready(&*self.0, context).map_err(drop)
    }

    fn call(&self, (stream, peer): Guest) -> Self::Future {
        let handshake = self.0.call(stream);
        Box::pin(async move {
            let stream = handshake.await.map_err(drop)?;
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            Ok((stream, protocol, Some(peer)))
        })
    }
}

/// What the HTTP service of each worker is made with.
#[derive(Clone)]
pub(super) struct Http {
    pub(super) config: AppConfig,
    pub(super) header_timeout: Duration,
    pub(super) stopping: GracefulShutdownSignal,
    pub(super) watch: Watch,
}

impl Http {
    pub(super) fn serve<T, I, S, B>(
        self,
        app: I,
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
        let Self {
            config,
            header_timeout,
            stopping,
            watch,
        } = self;
        let app = app.into_factory().map_err(|error| {
            let error: actix_web::Error = error.into();
            error.error_response()
        });
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(header_timeout)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .h2_initial_window_size(H2_STREAM_WINDOW)
            .h2_initial_connection_window_size(H2_CONNECTION_WINDOW)
            .on_connect_ext(move |stream: &T, data: &mut Extensions| {
                watch.begin(stream as &dyn Any, data);
            })
            .finish(map_config(app, move |()| config.clone()))
            .map_err(drop)
    }
}

/// What `connection_info` and `url_for` are told of a listener.
///
/// actix-web makes this for nobody but its `HttpServer`, and for actix-test, whose published
/// versions take any actix-web 4 and need this function of it. Were it to go all the same, this
/// would not compile. Without it every URL of `url_for` would say `http`.
pub(super) fn app_config(address: SocketAddr, is_tls: bool) -> AppConfig {
    AppConfig::__priv_test_new(is_tls, address.to_string(), address)
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, dev::Server, web};
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
        let http = Http {
            config: AppConfig::default(),
            header_timeout: Duration::from_secs(5),
            stopping: Server::build().graceful_shutdown_signal(),
            watch: Watch::new(Clock::system(), Duration::from_secs(9)),
        };
        let service = http.serve::<T, _, _, _>(app).new_service(()).await.unwrap();
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
