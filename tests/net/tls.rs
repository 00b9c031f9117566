//! What the transport demands: versions, protocols, certificates, and no service without TLS.

use std::{net::SocketAddr, path::PathBuf};

use actix_web::{App, HttpRequest, HttpServer, Responder, get};
use secure_runtime::{
    Error, Routes, Security, Server, Settings, secured,
    settings::{TlsSettings, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    proxy_protocol::from,
    rig::{Connection, Service, connect_tls, pem, security, settings, soon, tls_over},
};

#[secured(public, rate = "10000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

/// What actix-web says of itself.
#[secured(public, rate = "10000/s")]
#[get("/links", name = "links")]
async fn links(request: HttpRequest) -> impl Responder {
    let (scheme, url) = {
        let info = request.connection_info();
        (info.scheme().to_owned(), request.url_for_static("links"))
    };
    let config = request.app_config();
    format!("{scheme} {} {}", url.unwrap(), config.local_addr())
}

fn routes(routes: &mut Routes) {
    routes.service(fine).service(links);
}

const FINE: &str = "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n";

/// A ClientHello that offers `version` (in its old field) and, if any, `versions` in the extension,
/// with cipher suites of every age.
fn client_hello(version: u16, versions: &[u16]) -> Vec<u8> {
    fn block(length_bytes: usize, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u64).to_be_bytes();
        [&length[8 - length_bytes..], content].concat()
    }
    let be = |numbers: &[u16]| {
        numbers
            .iter()
            .flat_map(|n| n.to_be_bytes())
            .collect::<Vec<_>>()
    };
    let extension = |kind: u16, content: &[u8]| [be(&[kind]), block(2, content)].concat();
    let mut extensions = [
        extension(0, &block(2, &[vec![0], block(2, b"localhost")].concat())),
        extension(10, &block(2, &be(&[0x001d, 0x0017]))),
        extension(11, &block(1, &[0])),
        extension(
            13,
            &block(2, &be(&[0x0403, 0x0804, 0x0401, 0x0203, 0x0201])),
        ),
        extension(23, &[]),
    ]
    .concat();
    if !versions.is_empty() {
        extensions.extend(extension(43, &block(1, &be(versions))));
    }
    let suites = be(&[
        0xc02b, 0xc02f, 0xc00a, 0xc009, 0xc013, 0xc014, 0x002f, 0x0035, 0x000a,
    ]);
    let body = [
        be(&[version]),
        vec![7; 32],
        block(1, &[]),
        block(2, &suites),
        block(1, &[0]),
        block(2, &extensions),
    ]
    .concat();
    let handshake = [vec![1], block(3, &body)].concat();
    [vec![22, 3, 1], block(2, &handshake)].concat()
}

/// The first record that comes back.
async fn first_record(address: SocketAddr, hello: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(hello).await.unwrap();
    let mut record = vec![0; 11];
    let read = soon("record", socket.read(&mut record)).await.unwrap();
    record.truncate(read);
    record
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const PROTOCOL_VERSION: u8 = 70;

#[actix_web::test]
async fn tls_below_1_2_is_refused() {
    let service = Service::start(routes).await;
    for (version, versions) in [
        (0x0300, vec![]),
        (0x0301, vec![]),
        (0x0302, vec![]),
        (0x0303, vec![0x0302, 0x0301]),
    ] {
        let answer = first_record(service.address(), &client_hello(version, &versions)).await;
        assert_eq!(answer.first(), Some(&ALERT), "{version:x} {answer:?}");
        assert_eq!(
            answer.get(6),
            Some(&PROTOCOL_VERSION),
            "{version:x} {answer:?}"
        );
    }
    // The same words with 1.2 are understood, so it was the version.
    let answer = first_record(service.address(), &client_hello(0x0303, &[])).await;
    assert_eq!(answer.first(), Some(&HANDSHAKE), "{answer:?}");
    assert_eq!(answer.get(9..11), Some(&[3, 3][..]), "{answer:?}");
    service.stop().await;
}

#[actix_web::test]
async fn both_protocols_are_spoken_and_no_other() {
    let service = Service::start(routes).await;
    for protocol in ["h2", "http/1.1"] {
        let stream = service.tls(protocol).await;
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(protocol.as_bytes()));
        assert_eq!(
            session.protocol_version(),
            Some(rustls::ProtocolVersion::TLSv1_3)
        );
    }
    let mut client = service.h2().await;
    let request = http::Request::get("https://localhost/fine")
        .body(())
        .unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    let answer = soon("answer", answer).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer
            .headers()
            .get_all("strict-transport-security")
            .iter()
            .count(),
        1
    );
    service.stop().await;
}

#[actix_web::test]
async fn http_on_the_tls_port_gets_no_answer() {
    let service = Service::start(routes).await;
    for request in [FINE, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n"] {
        let mut connection = Connection::over(TcpStream::connect(service.address()).await.unwrap());
        connection.send(request).await;
        let (answer, _) = connection.rest().await;
        assert!(!answer.contains("HTTP"), "{answer:?}");
        assert!(answer.len() <= 7, "{answer:?}");
    }
    service.stop().await;
}

#[actix_web::test]
async fn hsts_stands_on_every_answer_once() {
    let service = Service::start(routes).await;
    for request in [
        FINE,
        "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n",
        "PUT /fine HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /fine HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
    ] {
        let answer = service.ask(request).await;
        let hsts = answer.field("strict-transport-security");
        assert_eq!(
            hsts,
            Some("max-age=63072000; includeSubDomains"),
            "{request}"
        );
    }
    service.stop().await;
}

/// Two certificates with their keys, in PEM files.
struct Files {
    folder: PathBuf,
    first: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("secure-net-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let make = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (first, second) = (make(), make());
        let write = |name, text| std::fs::write(folder.join(name), text).unwrap();
        write("chain.pem", pem("CERTIFICATE", first.cert.der()));
        write(
            "key.pem",
            pem("PRIVATE KEY", &first.signing_key.serialize_der()),
        );
        write(
            "other-key.pem",
            pem("PRIVATE KEY", &second.signing_key.serialize_der()),
        );
        Self { folder, first }
    }

    fn settings(&self, key: &str) -> Settings {
        let mut settings = settings();
        settings.tls = Some(TlsSettings::Files {
            certificate: self.folder.join("chain.pem"),
            private_key: self.folder.join(key),
        });
        settings
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[actix_web::test]
async fn a_certificate_from_files_is_presented() {
    let files = Files::new("served");
    let service = Service::start_with(files.settings("key.pem"), routes).await;
    let stream = connect_tls(service.address(), files.first.cert.der(), "http/1.1").await;
    let mut connection = Connection::over(stream);
    connection.send(FINE).await;
    assert_eq!(connection.answer().await.body, "fine");
    service.stop().await;
}

#[actix_web::test]
async fn a_key_of_another_certificate_is_refused_at_start() {
    let files = Files::new("refused");
    let security = Security::from_settings(files.settings("other-key.pem"))
        .await
        .unwrap();
    let error = Server::new(security, routes).start().await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("`tls.private_key`: does not belong to the first certificate"),
        "{text}"
    );
}

#[actix_web::test]
async fn danger_serves_http_without_hsts() {
    let mut settings = settings();
    settings.tls = None;
    settings.danger.plaintext = true;
    let service = Service::start_with(settings, routes).await;
    let answer = service.ask(FINE).await;
    assert_eq!(answer.body, "fine");
    assert_eq!(answer.field("strict-transport-security"), None);
    service.stop().await;
}

/// As it would of its own server.
#[actix_web::test]
async fn actix_web_is_told_how_it_is_served() {
    const LINKS: &str = "GET /links HTTP/1.1\r\nhost: shop.test\r\n\r\n";
    let service = Service::start(routes).await;
    let expected = format!("https https://shop.test/links {}", service.address());
    assert_eq!(service.ask(LINKS).await.body, expected);
    service.stop().await;

    let mut balanced = settings();
    balanced.server.proxy_protocol = true;
    balanced.client_address.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let service = Service::start_with(balanced, routes).await;
    let mut socket = TcpStream::connect(service.address()).await.unwrap();
    socket.write_all(&from("192.0.2.60")).await.unwrap();
    let certificate = service.running.development_certificate().unwrap().der();
    let mut connection = Connection::over(tls_over(socket, certificate, "http/1.1").await);
    connection.send(LINKS).await;
    let expected = format!("https https://shop.test/links {}", service.address());
    assert_eq!(connection.answer().await.body, expected);
    service.stop().await;

    let mut in_the_clear = settings();
    in_the_clear.tls = None;
    in_the_clear.danger.plaintext = true;
    let service = Service::start_with(in_the_clear, routes).await;
    let expected = format!("http http://shop.test/links {}", service.address());
    assert_eq!(service.ask(LINKS).await.body, expected);
    service.stop().await;
}

/// An app that somebody builds by hand, and serves over HTTP.
#[actix_web::test]
async fn a_hand_made_server_without_tls_answers_nothing() {
    let security = security(settings());
    let server = HttpServer::new(move || {
        App::new()
            .wrap(security.shield())
            .configure(security.routes(routes))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let task = tokio::spawn(server);
    for fields in [
        "",
        "x-forwarded-proto: https\r\n",
        "forwarded: proto=https\r\n",
        "front-end-https: on\r\n",
    ] {
        for target in ["/fine", "https://a/fine"] {
            let mut connection = Connection::over(TcpStream::connect(address).await.unwrap());
            connection
                .send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n{fields}\r\n"))
                .await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, 403, "{fields}: {answer:?}");
            assert!(answer.body.contains("HTTPS only"), "{answer:?}");
            assert_eq!(answer.field("strict-transport-security"), None);
        }
    }
    handle.stop(false).await;
    task.await.unwrap().unwrap();
}

#[actix_web::test]
async fn only_a_trusted_proxy_can_say_that_tls_was_there() {
    for (proxies, trusted) in [("127.0.0.1/32", true), ("192.0.2.0/24", false)] {
        let mut settings = settings();
        settings.tls = None;
        settings.server.transport = Transport::BehindProxy;
        settings.client_address.trusted_proxies = vec![proxies.parse().unwrap()];
        let service = Service::start_with(settings, routes).await;
        for (fields, says_https) in [
            ("x-forwarded-proto: https\r\n", true),
            ("x-forwarded-proto: http, https\r\n", true),
            (
                "x-forwarded-proto: http\r\nx-forwarded-proto: HTTPS\r\n",
                true,
            ),
            ("x-forwarded-proto: https, http\r\n", false),
            (
                "x-forwarded-proto: https\r\nx-forwarded-proto: http\r\n",
                false,
            ),
            ("x-forwarded-proto: http\r\n", false),
            ("x-forwarded-proto: https,\r\n", false),
            ("x-forwarded-proto:\r\n", false),
            ("forwarded: for=192.0.2.1;proto=https\r\n", false),
            ("x-forwarded-ssl: on\r\n", false),
            ("", false),
        ] {
            let answer = service
                .ask(&format!("GET /fine HTTP/1.1\r\nhost: a\r\n{fields}\r\n"))
                .await;
            let expected = if trusted && says_https { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{proxies} {fields}: {answer:?}");
        }
        service.stop().await;
    }
}
