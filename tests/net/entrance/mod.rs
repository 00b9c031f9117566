//! Connections that are judged where they are accepted: who is refused gets no handshake.
//!
//! Every address of 127.0.0.0/8 is a client of its own. Handshakes have a minute here, so what is
//! closed sooner was closed at the entrance.

mod bans;
mod log;
mod places;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{Responder, get};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName,
};
use secure_runtime::{AddressCounts, Routes, Running, Security, Server, Settings, secured};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{
    proxy_protocol::{from, v2},
    rig::{Connection, security, settings, soon, tls_over},
};

#[secured(public, rate = "10000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

fn routes(routes: &mut Routes) {
    routes.service(fine);
}

const FINE: &str = "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n";
const ANN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const BOB: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);
/// What a server's first record begins with where it goes on with the handshake.
const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;

/// A ClientHello as the servers here understand it.
static HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
});

struct Service {
    running: Running,
    security: Security,
}

/// Two workers, and so many connections for each client.
fn bounded(most: usize) -> Settings {
    let mut settings = settings();
    settings.server.workers = NonZeroUsize::new(2);
    settings.server.header_timeout = Duration::from_secs(60);
    settings.server.max_connections_per_client = NonZeroUsize::new(most);
    settings
}

/// The same where a load balancer tells who the clients are.
fn balanced(most: usize) -> Settings {
    let mut settings = bounded(most);
    settings.server.proxy_protocol = true;
    settings.client_address.trusted_proxies =
        vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    settings
}

fn in_the_clear(mut settings: Settings) -> Settings {
    settings.tls = None;
    settings.danger.plaintext = true;
    settings
}

/// A connection from this address; an error where it is reset that soon.
async fn connect(address: SocketAddr, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(address).await
}

/// All that comes until the server closes or resets.
async fn received(socket: io::Result<TcpStream>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(mut socket) = socket else {
        return bytes;
    };
    soon("the end of the connection", socket.read_to_end(&mut bytes))
        .await
        .ok();
    bytes
}

/// Sends a header, if any, and a ClientHello; the connection, unless it was closed before a byte
/// of an answer.
async fn knock(socket: io::Result<TcpStream>, header: &[u8]) -> Option<TcpStream> {
    let mut socket = socket.ok()?;
    // It may be closed while this is sent.
    let sent = [header, &**HELLO].concat();
    socket.write_all(&sent).await.ok();
    let mut first = [0];
    match soon("a ServerHello", socket.read(&mut first)).await {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            assert_eq!(first, [HANDSHAKE]);
            Some(socket)
        }
    }
}

impl Service {
    async fn start(settings: Settings) -> Self {
        let security = security(settings);
        let running = Server::new(security.clone(), routes).start().await.unwrap();
        Self { running, security }
    }

    fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    fn counts(&self) -> AddressCounts {
        self.security.addresses().counts()
    }

    async fn knock(&self, from: Ipv4Addr) -> Option<TcpStream> {
        knock(connect(self.address(), from).await, b"").await
    }

    /// Through the load balancer.
    async fn knock_behind(&self, header: &[u8]) -> Option<TcpStream> {
        knock(TcpStream::connect(self.address()).await, header).await
    }

    /// Waits until a client has a place: the server notices at its own pace that one has gone.
    async fn gets_in(&self, from: Ipv4Addr) -> TcpStream {
        soon("a place", async {
            loop {
                if let Some(socket) = self.knock(from).await {
                    return socket;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// A connection that was served.
    async fn served(&self, from: Ipv4Addr) -> Connection {
        let socket = connect(self.address(), from).await.unwrap();
        let certificate = self.running.development_certificate().unwrap().der();
        let mut connection = Connection::over(tls_over(socket, certificate, "http/1.1").await);
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.body, "fine");
        connection
    }

    async fn stop(self) {
        self.running.stop(false).await;
    }
}

/// A graceful stop ends connections that nobody uses at once, and not after their five seconds.
#[actix_web::test]
async fn a_graceful_stop_does_not_wait_for_idle_connections() {
    for (settings, header) in [(bounded(9), Vec::new()), (balanced(9), from("192.0.2.60"))] {
        let service = Service::start(settings).await;
        let mut socket = TcpStream::connect(service.address()).await.unwrap();
        socket.write_all(&header).await.unwrap();
        let certificate = service.running.development_certificate().unwrap().der();
        let mut connection = Connection::over(tls_over(socket, certificate, "http/1.1").await);
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.body, "fine");
        let (_, (rest, time)) =
            futures_util::future::join(service.running.stop(true), connection.rest()).await;
        assert_eq!(rest, "");
        assert!(time < Duration::from_secs(4), "{time:?}");
    }
}
