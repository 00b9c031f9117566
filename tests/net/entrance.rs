//! Connections that are judged where they are accepted: who is refused gets no handshake.
//!
//! Every address of 127.0.0.0/8 is a client of its own. Handshakes have a minute here, so what is
//! closed sooner was closed at the entrance.

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
use secure_runtime::{
    AddressCounts, Clock, Routes, Running, Security, Server, Settings, secured, settings::Transport,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{
    child::Shop,
    proxy_protocol::{from, v2},
    rig::{Connection, settings, soon, tls_over},
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

/// Whether the server resets a connection on which nothing was sent.
async fn is_reset(socket: io::Result<TcpStream>) -> bool {
    let outcome = match socket {
        Ok(mut socket) => soon("a reset", socket.read(&mut [0])).await.map(drop),
        Err(error) => Err(error),
    };
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
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
        settings.check().unwrap();
        let security = Security::builder()
            .settings(settings)
            .clock(Clock::system())
            .build()
            .unwrap();
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

/// An hour for whoever has this address.
fn ban(service: &Service, address: &str) {
    let bans = service.security.bans();
    let address: std::net::IpAddr = address.parse().unwrap();
    bans.ban(address, Duration::from_secs(3600), "a test")
        .unwrap();
}

#[actix_web::test]
async fn g11_a_banned_address_gets_no_handshake_and_others_do() {
    let service = Service::start(bounded(100)).await;
    let mut before = service.served(ANN).await;
    ban(&service, "127.0.0.5");
    for _ in 0..3 {
        assert!(service.knock(ANN).await.is_none());
    }
    // Not even one that says nothing is waited for, and nothing is left of it.
    assert!(is_reset(connect(service.address(), ANN).await).await);
    service.served(BOB).await;
    let counts = service.counts();
    assert_eq!(
        (counts.connections_banned, counts.connections_in_excess),
        (4, 0)
    );

    // A connection that was open already is told why, and when to come back.
    before.send(FINE).await;
    let answer = before.answer().await;
    assert_eq!(answer.status, 429, "{answer:?}");
    let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(before.rest().await.0, "");

    assert!(service.security.bans().lift(std::net::IpAddr::from(ANN)));
    service.served(ANN).await;
    service.stop().await;
}

#[actix_web::test]
async fn g11_behind_a_load_balancer_the_told_address_gets_no_handshake() {
    let service = Service::start(balanced(100)).await;
    ban(&service, "192.0.2.60");
    ban(&service, "2001:db8::1");
    for banned in ["192.0.2.60", "::ffff:192.0.2.60", "2001:db8:0:ff::7"] {
        assert!(
            service.knock_behind(&from(banned)).await.is_none(),
            "{banned}"
        );
    }
    assert_eq!(service.counts().connections_banned, 3);
    // Others, a proxy before the balancer, the balancer itself, and nobody knows who.
    for header in [
        from("192.0.2.61"),
        from("2001:db8:0:100::7"),
        from("10.0.0.5"),
        v2(0x20, 0, &[]),
        b"PROXY UNKNOWN\r\n".to_vec(),
    ] {
        assert!(service.knock_behind(&header).await.is_some(), "{header:?}");
    }
    service.stop().await;
}

/// There the answer costs no handshake, and a proxy that passes requests on needs one.
#[actix_web::test]
async fn g11_without_tls_a_banned_client_is_answered() {
    let service = Service::start(in_the_clear(bounded(100))).await;
    ban(&service, "127.0.0.5");
    let mut connection = Connection::over(connect(service.address(), ANN).await.unwrap());
    connection.send(FINE).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.closes() && answer.field("retry-after").is_some());
    service.stop().await;

    let service = Service::start(in_the_clear(balanced(100))).await;
    ban(&service, "192.0.2.60");
    for (client, status) in [("192.0.2.60", 429), ("192.0.2.61", 200)] {
        let socket = TcpStream::connect(service.address()).await.unwrap();
        let mut connection = Connection::over(socket);
        connection.send(from(client)).await;
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.status, status, "{client}");
    }
    service.stop().await;
}

/// Over all workers, whether their handshakes have ended or not.
#[actix_web::test]
async fn one_client_holds_so_many_connections_and_gets_in_again_when_one_ends() {
    let service = Service::start(bounded(3)).await;
    let served = service.served(ANN).await;
    let begun = [
        service.knock(ANN).await.unwrap(),
        service.knock(ANN).await.unwrap(),
    ];
    for _ in 0..5 {
        assert!(service.knock(ANN).await.is_none());
    }
    assert_eq!(service.counts().connections_in_excess, 5);
    // Nobody else notices.
    let _others = [service.served(BOB).await, service.served(BOB).await];

    drop((served, begun));
    let _again = [
        service.gets_in(ANN).await,
        service.gets_in(ANN).await,
        service.gets_in(ANN).await,
    ];
    assert!(service.knock(ANN).await.is_none());
    service.stop().await;
}

#[actix_web::test]
async fn a_connection_that_the_server_ends_gives_its_place_back() {
    let service = Service::start(bounded(2)).await;
    let mut ended = service.served(ANN).await;
    let _stays = service.served(ANN).await;
    assert!(service.knock(ANN).await.is_none());
    ended
        .send("GET /fine HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(ended.answer().await.body, "fine");
    // The client holds its end for as long as it likes.
    let _again = service.gets_in(ANN).await;
    assert!(service.knock(ANN).await.is_none());
    drop(ended);
    service.stop().await;
}

#[actix_web::test]
async fn failed_handshakes_give_their_places_back() {
    let mut settings = bounded(1);
    settings.server.workers = NonZeroUsize::new(1);
    let service = Service::start(settings).await;
    for _ in 0..20 {
        let mut socket = connect(service.address(), ANN).await.unwrap();
        socket.write_all(FINE.as_bytes()).await.unwrap();
        let answer = received(Ok(socket)).await;
        assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
    }
    // Who leaves without a word, and in the middle of one.
    for said in [0, 1, 100] {
        drop(service.gets_in(ANN).await);
        if let Ok(mut socket) = connect(service.address(), ANN).await {
            socket.write_all(&HELLO[..said]).await.ok();
        }
    }
    service.gets_in(ANN).await;
    service.stop().await;

    // Who goes on for too long.
    let mut settings = bounded(2);
    settings.server.workers = NonZeroUsize::new(1);
    settings.server.header_timeout = Duration::from_secs(3);
    let service = Service::start(settings).await;
    let silent = connect(service.address(), ANN).await.unwrap();
    let begun = service.knock(ANN).await.unwrap();
    assert!(service.knock(ANN).await.is_none());
    let _again = [service.gets_in(ANN).await, service.gets_in(ANN).await];
    drop((silent, begun));
    service.stop().await;
}

/// As quotas count them: an address of IPv4, a network of IPv6, all that nobody knows.
#[actix_web::test]
async fn behind_a_load_balancer_the_told_addresses_are_counted() {
    let service = Service::start(balanced(2)).await;
    let mut held = Vec::new();
    for (header, is_admitted) in [
        (from("192.0.2.60"), true),
        (from("192.0.2.60"), true),
        (from("192.0.2.60"), false),
        (from("::ffff:192.0.2.60"), false),
        (from("192.0.2.61"), true),
        (from("2001:db8::1"), true),
        (from("2001:db8:0:ff::2"), true),
        (from("2001:db8:0:1::3"), false),
        (from("2001:db8:0:100::1"), true),
        (b"PROXY UNKNOWN\r\n".to_vec(), true),
        (from("0.0.0.0"), true),
        (b"PROXY UNKNOWN\r\n".to_vec(), false),
    ] {
        let socket = service.knock_behind(&header).await;
        assert_eq!(socket.is_some(), is_admitted, "{header:?}");
        held.extend(socket);
    }
    assert_eq!(service.counts().connections_in_excess, 4);
    // The balancer asks for itself, and a proxy for many clients.
    for header in [v2(0x20, 0, &[]), from("10.0.0.5")] {
        for _ in 0..5 {
            held.push(service.knock_behind(&header).await.unwrap());
        }
    }
    service.stop().await;
}

#[actix_web::test]
async fn trusted_proxies_have_no_bound_of_their_own() {
    let mut settings = bounded(1);
    settings.client_address.trusted_proxies = vec!["127.0.0.5".parse().unwrap()];
    let service = Service::start(settings.clone()).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(service.knock(ANN).await.unwrap());
    }
    held.push(service.knock(BOB).await.unwrap());
    assert!(service.knock(BOB).await.is_none());
    service.stop().await;

    // Where proxies are known by their number, every peer is one.
    settings.client_address.trusted_proxies.clear();
    settings.client_address.hops = NonZeroUsize::new(1);
    settings.server.max_connections_per_client = None;
    settings.server.transport = Transport::BehindProxy;
    settings.server.max_connections = NonZeroUsize::new(101);
    settings.server.workers = NonZeroUsize::new(1);
    let service = Service::start(settings).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(service.knock(ANN).await.unwrap());
    }
    assert!(service.knock(ANN).await.is_some());
    service.stop().await;
}

/// For whoever does not speak TLS as well: no place, no answer.
#[actix_web::test]
async fn without_tls_there_is_a_bound_too() {
    let service = Service::start(in_the_clear(bounded(2))).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::over(connect(service.address(), ANN).await.unwrap());
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.body, "fine");
        held.push(connection);
    }
    assert_eq!(received(connect(service.address(), ANN).await).await, b"");
    service.stop().await;
}

#[actix_web::test]
async fn by_default_a_client_holds_a_quarter_of_all_places() {
    let mut settings = bounded(1);
    settings.server.max_connections_per_client = None;
    settings.server.max_connections = NonZeroUsize::new(220);
    let service = Service::start(settings).await;
    let mut held = Vec::new();
    for _ in 0..110 {
        held.push(service.knock(ANN).await.unwrap());
    }
    assert!(service.knock(ANN).await.is_none());
    service.served(BOB).await;
    assert_eq!(service.counts().connections_in_excess, 1);
    service.stop().await;
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

/// Of a flood little is logged, and how much it was.
#[actix_web::test]
async fn who_is_refused_at_the_entrance_does_not_flood_the_log() {
    const GUESS: &str = "GET /profile HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b.c\r\n\r\n";
    let shop = Shop::start_with(&[
        ("SECURE__SERVER__PROXY_PROTOCOL", "true"),
        ("SECURE__SERVER__MAX_CONNECTIONS_PER_CLIENT", "2"),
        ("SECURE__CLIENT_ADDRESS__TRUSTED_PROXIES__0", "127.0.0.1"),
        ("SECURE__BANS__RULES__0__ON", "authentication"),
        ("SECURE__BANS__RULES__0__COUNT", "5"),
        ("SECURE__BANS__RULES__0__WITHIN", "10min"),
        ("SECURE__BANS__RULES__0__BAN", "1h"),
    ]);
    let begin = async |address: &str| {
        let mut socket = TcpStream::connect(shop.address).await.unwrap();
        socket.write_all(&from(address)).await.unwrap();
        Ok(socket)
    };
    // Who goes on guessing is banned, and gets no handshake from then on.
    let socket = begin("192.0.2.60").await.unwrap();
    let stream = tls_over(socket, &shop.folder.certificate, "http/1.1").await;
    let mut guesser = Connection::over(stream);
    for _ in 0..5 {
        guesser.send(GUESS).await;
        assert_eq!(guesser.answer().await.status, 401);
    }
    for _ in 0..1000 {
        assert!(knock(begin("192.0.2.60").await, b"").await.is_none());
    }
    let closed = logged(&shop, "closed before TLS", 4).await;
    let numbers: Vec<_> = closed
        .iter()
        .filter_map(|line| {
            line.split_whitespace()
                .find(|word| word.starts_with("refused="))
        })
        .collect();
    assert_eq!(
        numbers,
        ["refused=1", "refused=10", "refused=100", "refused=1000"],
        "{closed:?}"
    );
    assert!(!closed.concat().contains("192.0.2.60"), "{closed:?}");

    let _held = [
        knock(begin("192.0.2.61").await, b"").await.unwrap(),
        knock(begin("192.0.2.61").await, b"").await.unwrap(),
    ];
    for _ in 0..200 {
        assert!(knock(begin("192.0.2.61").await, b"").await.is_none());
    }
    let told = logged(&shop, "client_connections_excessive", 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("count=1 client=192.0.2.61"), "{told:?}");
}

/// The lines of the log that have this in them, so many at least: they come through a pipe.
async fn logged(shop: &Shop, text: &str, least: usize) -> Vec<String> {
    soon("lines of the log", async {
        loop {
            let lines = shop.logged(text);
            if lines.len() >= least {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
