use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::*;
use crate::settings::{Settings, TlsSettings};

/// Any free port, one worker.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.server.address = SocketAddr::from(([127, 0, 0, 1], 0)).into();
    settings.server.workers = std::num::NonZeroUsize::new(1);
    settings
}

async fn start(settings: Settings) -> Result<Running, Error> {
    let security = Security::from_settings(settings).await?;
    Server::new(security, |_: &mut Routes| {}).start().await
}

/// Sends `request` and reads all that comes back.
async fn exchange(address: SocketAddr, trusted: Option<String>, request: &str) -> String {
    let request = request.to_owned();
    let talk = move |mut stream: Box<dyn ReadWrite>| {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // rustls reports a connection that ends without a closing alert as an error.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(move || {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        match trusted {
            None => talk(Box::new(stream)),
            Some(pem) => talk(Box::new(StreamOwned::new(client(&pem), stream))),
        }
    })
    .await
    .unwrap()
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

fn client(trusted: &str) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[actix_web::test]
async fn serves_https_until_it_is_stopped() {
    let mut settings = settings();
    settings.tls = Some(TlsSettings::Development);
    let running = start(settings).await.unwrap();
    let [address] = running.addresses() else {
        panic!("{running:?}");
    };
    let address = *address;
    let trusted = running.development_certificate().unwrap().pem();

    let answer = exchange(address, Some(trusted), GET).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");

    running.stop(true).await;
    assert!(TcpStream::connect(address).is_err());
}

#[actix_web::test]
async fn a_client_without_tls_gets_no_answer_over_https() {
    let mut settings = settings();
    settings.tls = Some(TlsSettings::Development);
    let running = start(settings).await.unwrap();
    let address = running.addresses()[0];
    let answer = exchange(address, None, GET).await;
    assert!(!answer.starts_with("HTTP/"), "{answer}");
    running.stop(false).await;
}

#[actix_web::test]
async fn serves_http_where_danger_says_so() {
    let mut settings = settings();
    settings.danger.plaintext = true;
    let running = start(settings).await.unwrap();
    let answer = exchange(running.addresses()[0], None, GET).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(running.development_certificate().is_none());
    running.stop(false).await;
}

#[actix_web::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let mut settings = settings();
    settings.danger.plaintext = true;
    let taken = start(settings.clone()).await.unwrap();
    settings.server.address = taken.addresses()[0].into();
    let error = start(settings).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {}; choose another `server.address` or free this one",
            taken.addresses()[0]
        )
    );
    taken.stop(false).await;
}

#[actix_web::test]
async fn a_certificate_that_cannot_be_read_is_an_error() {
    let mut settings = settings();
    settings.tls = Some(TlsSettings::Files {
        certificate: "no/such/chain.pem".into(),
        private_key: "no/such/key.pem".into(),
    });
    let error = start(settings).await.unwrap_err();
    assert!(error.to_string().contains("`tls.certificate`: "), "{error}");
}

#[actix_web::test]
async fn a_dropped_server_stops() {
    let mut settings = settings();
    settings.danger.plaintext = true;
    let running = start(settings).await.unwrap();
    let address = running.addresses()[0];
    drop(running);
    for _ in 0..200 {
        if TcpStream::connect(address).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still listening");
}

/// Messages whose end is unclear are how requests are smuggled past a proxy (RFC 9112, 11.2).
#[actix_web::test]
async fn unclear_framing_is_refused() {
    let mut settings = settings();
    settings.danger.plaintext = true;
    let running = start(settings).await.unwrap();
    for head in [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "POST / HTTP/1.0\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n",
        "POST / HTTP/1.0\r\n",
        "POST / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nhost: a\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\na : b\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\na: b\r\n c\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\na: b\0c\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\na: b\rc\r\n",
    ] {
        let request = format!("{head}\r\n");
        let answer = exchange(running.addresses()[0], None, &request).await;
        assert_eq!(answer.get(9..12), Some("400"), "{head}: {answer}");
    }
    running.stop(false).await;
}

#[actix_web::test]
async fn a_head_that_is_too_large_is_431() {
    let mut settings = settings();
    settings.danger.plaintext = true;
    let running = start(settings).await.unwrap();
    for fields in [
        "a: b\r\n".repeat(200),
        format!("a: {}\r\n", "b".repeat(200_000)),
    ] {
        let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n");
        let answer = exchange(running.addresses()[0], None, &request).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    running.stop(false).await;
}
