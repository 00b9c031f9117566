//! Load balancers that tell in front of a connection where it comes from.

use std::{net::SocketAddr, time::Duration};

use actix_web::{HttpRequest, Responder, get};
use secure_runtime::{
    ClientConnection, Routes, Running, Security, Server, Settings, secured,
    settings::{Ipv6Prefix, Transport},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{Answer, Connection, security, settings, soon, tls_over};

/// The address of the connection's peer.
#[secured(public, rate = "10000/s")]
#[get("/peer")]
async fn peer(request: HttpRequest) -> impl Responder {
    request.peer_addr().map(|peer| peer.to_string())
}

#[secured(public, rate = "10000/s")]
#[get("/client")]
async fn client(client: ClientConnection) -> impl Responder {
    format!("{} {}", client.address(), client.scheme())
}

#[secured(public, rate = "3/hour per ip")]
#[get("/scarce")]
async fn scarce() -> impl Responder {
    "fine"
}

fn routes(routes: &mut Routes) {
    routes.service(peer).service(client).service(scarce);
}

const PEER: &str = "GET /peer HTTP/1.1\r\nhost: a\r\n\r\n";
const SCARCE: &str = "GET /scarce HTTP/1.1\r\nhost: a\r\n\r\n";

struct Service {
    running: Running,
    security: Security,
}

/// One that believes this machine, and proxies in 10.0.0.0/8.
fn over_tls() -> Settings {
    let mut settings = settings();
    settings.server.proxy_protocol = true;
    settings.server.header_timeout = Duration::from_secs(1);
    settings.client_address.trusted_proxies =
        vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    settings
}

fn in_the_clear() -> Settings {
    let mut settings = over_tls();
    settings.tls = None;
    settings.danger.plaintext = true;
    settings
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

    /// A connection that begins with these bytes.
    async fn begin(&self, header: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(self.address()).await.unwrap();
        socket.write_all(header).await.unwrap();
        socket
    }

    async fn connect(&self, header: &[u8]) -> Connection {
        let socket = self.begin(header).await;
        match self.running.development_certificate() {
            Some(certificate) => {
                Connection::over(tls_over(socket, certificate.der(), "http/1.1").await)
            }
            None => Connection::over(socket),
        }
    }

    async fn ask(&self, header: &[u8], request: &str) -> Answer {
        let mut connection = self.connect(header).await;
        connection.send(request).await;
        connection.answer().await
    }

    /// How many of six requests are admitted.
    async fn admitted(&self, header: &[u8], fields: &str) -> usize {
        let request = SCARCE.replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
        let mut connection = self.connect(header).await;
        let mut admitted = 0;
        for _ in 0..6 {
            connection.send(&request).await;
            admitted += usize::from(connection.answer().await.status == 200);
        }
        admitted
    }

    fn refused(&self) -> u64 {
        self.security.addresses().counts().connections_refused
    }

    /// Waits until so many connections were refused.
    async fn has_refused(&self, count: u64) {
        soon("refusals", async {
            while self.refused() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert_eq!(self.refused(), count);
    }

    async fn stop(self) {
        self.running.stop(false).await;
    }
}

pub(crate) fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [
        &b"\r\n\r\n\0\r\nQUIT\n"[..],
        &[command, family],
        &length[..],
        rest,
    ]
    .concat()
}

/// From this address, port 4711.
pub(crate) fn from(address: &str) -> Vec<u8> {
    let (family, mut rest) = match address.parse::<std::net::IpAddr>().unwrap() {
        std::net::IpAddr::V4(v4) => (0x11, v4.octets().repeat(2)),
        std::net::IpAddr::V6(v6) => (0x21, v6.octets().repeat(2)),
    };
    rest.extend([0x12, 0x67, 1, 187]);
    v2(0x21, family, &rest)
}

#[actix_web::test]
async fn p01_the_peer_is_the_one_that_the_load_balancer_names() {
    for settings in [over_tls(), in_the_clear()] {
        let service = Service::start(settings).await;
        let local = v2(0x20, 0, &[]);
        let local_with_addresses = v2(0x20, 0x11, &from("192.0.2.60")[16..]);
        let with_values = v2(
            0x21,
            0x11,
            &[&from("192.0.2.60")[16..], b"\x02\x00\x01a\x04\x00\x04abcd"].concat(),
        );
        for (header, expected) in [
            (&from("192.0.2.60")[..], "192.0.2.60:4711"),
            (&from("2001:db8::7"), "[2001:db8::7]:4711"),
            (&with_values, "192.0.2.60:4711"),
            (
                b"PROXY TCP4 192.0.2.60 10.0.0.1 4711 443\r\n",
                "192.0.2.60:4711",
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n",
                "[2001:db8::7]:4711",
            ),
            // Nobody's.
            (b"PROXY UNKNOWN\r\n", "0.0.0.0:0"),
            (&v2(0x21, 0, &[]), "0.0.0.0:0"),
            (&v2(0x21, 0x31, &[b'/'; 216]), "0.0.0.0:0"),
        ] {
            let answer = service.ask(header, PEER).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, expected));
        }
        for header in [local, local_with_addresses] {
            let answer = service.ask(&header, PEER).await;
            assert!(answer.body.starts_with("127.0.0.1:"), "{answer:?}");
        }
        assert_eq!(service.refused(), 0);
        service.stop().await;
    }
}

/// TLS ends here, whatever a field says, and whatever the server framework knows of it.
#[actix_web::test]
async fn p01_a_handler_learns_who_is_connected_and_whether_over_tls() {
    for (settings, scheme) in [(over_tls(), "https"), (in_the_clear(), "http")] {
        let service = Service::start(settings).await;
        for fields in [
            "",
            "x-forwarded-proto: http\r\n",
            "forwarded: proto=https\r\n",
        ] {
            let request = format!("GET /client HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
            let answer = service.ask(&from("192.0.2.60"), &request).await;
            assert_eq!(answer.body, format!("192.0.2.60 {scheme}"), "{fields}");
        }
        service.stop().await;
    }
}

#[actix_web::test]
async fn p01_each_client_behind_a_load_balancer_counts_for_itself() {
    let mut settings = over_tls();
    settings.client_address.ipv6_prefix = Ipv6Prefix::new(64).unwrap();
    let service = Service::start(settings).await;
    assert_eq!(service.admitted(&from("192.0.2.60"), "").await, 3);
    assert_eq!(service.admitted(&from("192.0.2.60"), "").await, 0);
    assert_eq!(
        service
            .admitted(b"PROXY TCP4 192.0.2.60 1.1.1.1 1 1\r\n", "")
            .await,
        0
    );
    assert_eq!(service.admitted(&from("::ffff:192.0.2.60"), "").await, 0);
    assert_eq!(service.admitted(&from("192.0.2.61"), "").await, 3);
    // P3: by the configured prefix.
    assert_eq!(service.admitted(&from("2001:db8::1"), "").await, 3);
    assert_eq!(service.admitted(&from("2001:db8::ffff:1"), "").await, 0);
    assert_eq!(service.admitted(&from("2001:db8:0:1::1"), "").await, 3);
    // All that are not known are one.
    assert_eq!(service.admitted(b"PROXY UNKNOWN\r\n", "").await, 3);
    assert_eq!(service.admitted(&v2(0x21, 0, &[]), "").await, 0);
    assert_eq!(service.admitted(&v2(0x21, 0x31, &[b'/'; 216]), "").await, 0);
    service.stop().await;
}

/// The balancer's word makes the peer; who that is decides what its fields are worth.
#[actix_web::test]
async fn p01_forwarding_fields_are_believed_of_a_peer_that_is_a_proxy() {
    let service = Service::start(in_the_clear()).await;
    let fields = |n: u8| format!("x-forwarded-for: 198.51.100.{n}\r\n");
    assert_eq!(service.admitted(&from("10.0.0.5"), &fields(1)).await, 3);
    assert_eq!(service.admitted(&from("10.0.0.6"), &fields(1)).await, 0);
    assert_eq!(service.admitted(&from("10.0.0.5"), &fields(2)).await, 3);
    assert_eq!(service.security.addresses().counts().headers_ignored, 0);
    // The balancer itself, where it speaks for itself.
    assert_eq!(service.admitted(&v2(0x20, 0, &[]), &fields(3)).await, 3);
    // Clients are not, wherever they are: known, or not known, or with an address of nobody.
    assert_eq!(service.admitted(&from("192.0.2.60"), &fields(4)).await, 3);
    assert_eq!(service.admitted(&from("192.0.2.60"), &fields(5)).await, 0);
    assert_eq!(service.admitted(b"PROXY UNKNOWN\r\n", &fields(4)).await, 3);
    assert_eq!(service.admitted(b"PROXY UNKNOWN\r\n", &fields(5)).await, 0);
    assert_eq!(service.admitted(&from("0.0.0.0"), &fields(6)).await, 0);
    assert_eq!(service.admitted(&from("224.0.0.1"), &fields(7)).await, 0);
    assert_eq!(service.security.addresses().counts().headers_ignored, 36);
    service.stop().await;
}

#[actix_web::test]
async fn what_does_not_begin_with_a_header_is_closed_without_an_answer() {
    let service = Service::start(in_the_clear()).await;
    let mut too_long = v2(0x21, 0x11, &[]);
    too_long[14..16].copy_from_slice(&[0xff, 0xff]);
    let mut wrong_signature = from("192.0.2.60");
    wrong_signature[11] = b'\r';
    let mut refused = 0;
    for header in [
        // Straight to the service.
        &b""[..],
        &wrong_signature,
        &too_long,
        &v2(0x21, 0x11, &[0; 11]),
        &v2(0x21, 0x12, &from("192.0.2.60")[16..]),
        &v2(0x11, 0x11, &from("192.0.2.60")[16..]),
        &v2(0x22, 0x11, &from("192.0.2.60")[16..]),
        &v2(0x21, 0x51, &from("192.0.2.60")[16..]),
        b"PROXY TCP4 192.0.2.60\r\n",
        b"PROXY TCP4 192.0.2.60 1.1.1.1 1 99999\r\n",
        &[&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
        // Two of them: the second one is no HTTP.
        &[from("192.0.2.60"), from("192.0.2.61")].concat(),
    ] {
        let mut connection = Connection::over(service.begin(header).await);
        // It may be closed while this is sent.
        let _ = connection.stream.write_all(PEER.as_bytes()).await;
        let (rest, _) = connection.rest().await;
        let is_double = header.len() > 50 && header.starts_with(&from("192.0.2.60"));
        if is_double {
            assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
        } else {
            assert_eq!(rest, "", "{header:?}");
            refused += 1;
        }
        service.has_refused(refused).await;
    }
    // One that breaks off.
    let mut socket = service.begin(&from("192.0.2.60")[..20]).await;
    socket.shutdown().await.unwrap();
    let (rest, time) = Connection::over(socket).rest().await;
    assert_eq!(rest, "");
    assert!(time < Duration::from_secs(1), "{time:?}");
    service.has_refused(refused + 1).await;
    // A check of the balancer whether the port is open is nothing wrong.
    let mut socket = service.begin(b"").await;
    socket.shutdown().await.unwrap();
    assert_eq!(Connection::over(socket).rest().await.0, "");
    assert_eq!(service.ask(&from("192.0.2.60"), PEER).await.status, 200);
    service.has_refused(refused + 1).await;
    service.stop().await;
}

#[actix_web::test]
async fn over_tls_a_handshake_without_a_header_is_closed() {
    let service = Service::start(over_tls()).await;
    let mut hello = vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    hello.resize(517, 0);
    let (rest, _) = Connection::over(service.begin(&hello).await).rest().await;
    assert_eq!(rest, "");
    // Nor is it taken behind the handshake, where the client writes.
    let mut connection = service.connect(&from("192.0.2.60")).await;
    connection.send(from("192.0.2.61")).await;
    connection.send(PEER).await;
    assert_eq!(connection.answer().await.status, 400);
    service.has_refused(1).await;
    service.stop().await;
}

#[actix_web::test]
async fn a_header_of_nobody_who_is_trusted_is_not_even_read() {
    let mut settings = over_tls();
    settings.client_address.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let service = Service::start(settings).await;
    for (count, header) in [from("192.0.2.60"), v2(0x20, 0, &[]), Vec::new()]
        .iter()
        .enumerate()
    {
        let (rest, time) = Connection::over(service.begin(header).await).rest().await;
        assert_eq!(rest, "");
        assert!(time < Duration::from_secs(1), "{time:?}");
        service.has_refused(count as u64 + 1).await;
    }
    service.stop().await;
}

#[actix_web::test]
async fn a_slow_header_is_cut_off_and_holds_nobody_up() {
    let service = Service::start(over_tls()).await;
    let header = from("192.0.2.60");
    let mut waiting = Vec::new();
    for length in [0, 1, 12, 15, 20] {
        waiting.push(Connection::over(service.begin(&header[..length]).await));
    }
    // Another client is served meanwhile, though its header comes byte by byte.
    let mut socket = service.begin(b"").await;
    for byte in &header {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let certificate = service.running.development_certificate().unwrap().der();
    let mut connection = Connection::over(tls_over(socket, certificate, "http/1.1").await);
    connection.send(PEER).await;
    assert_eq!(connection.answer().await.body, "192.0.2.60:4711");
    for connection in &mut waiting {
        let (rest, time) = connection.rest().await;
        assert_eq!(rest, "");
        assert!(time < Duration::from_secs(5), "{time:?}");
    }
    service.has_refused(5).await;
    service.stop().await;
}

#[actix_web::test]
async fn https_is_what_it_is_without_a_load_balancer() {
    let service = Service::start(over_tls()).await;
    let answer = service.ask(&from("192.0.2.60"), PEER).await;
    assert!(
        answer.field("strict-transport-security").is_some(),
        "{answer:?}"
    );
    // HTTP/2 as well.
    let socket = service.begin(&from("192.0.2.60")).await;
    let certificate = service.running.development_certificate().unwrap().der();
    let stream = tls_over(socket, certificate, "h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = soon("handshake", h2::client::handshake(stream))
        .await
        .unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let mut sender = soon("readiness", sender.ready()).await.unwrap();
    let request = http::Request::get("https://a/peer").body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    let mut response = soon("answer", response).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = soon("body", response.body_mut().data())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(body, "192.0.2.60:4711");
    service.stop().await;

    // Where a proxy before the balancer ends TLS, only its word counts.
    let mut settings = over_tls();
    settings.tls = None;
    settings.server.transport = Transport::BehindProxy;
    let service = Service::start(settings).await;
    let says_https = PEER.replace("\r\n\r\n", "\r\nx-forwarded-proto: https\r\n\r\n");
    for (header, request, status) in [
        (from("10.0.0.5"), says_https.as_str(), 200),
        (from("10.0.0.5"), PEER, 403),
        (from("192.0.2.60"), &says_https, 403),
        (b"PROXY UNKNOWN\r\n".to_vec(), &says_https, 403),
    ] {
        assert_eq!(
            service.ask(&header, request).await.status,
            status,
            "{header:?}"
        );
    }
    service.stop().await;
}

/// What holds for every connection holds for these.
#[actix_web::test]
async fn a_silent_connection_of_a_load_balancer_is_closed() {
    let service = Service::start(over_tls()).await;
    let mut connection = service.connect(&from("192.0.2.60")).await;
    connection.send(PEER).await;
    assert_eq!(connection.answer().await.status, 200);
    connection.send("GET /peer HTT").await;
    let (rest, time) = connection.rest().await;
    assert_eq!(rest, "");
    assert!(time < Duration::from_secs(12), "{time:?}");
    service.stop().await;
}
