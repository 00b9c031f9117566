//! A server at a socket file, behind a proxy on the same machine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use actix_web::{App, HttpServer, Responder, get};
use secure_runtime::{
    Clock, Error, Routes, Running, Security, Server, Settings, secured,
    settings::{ListenAddress, SocketMode, Transport, TrustedProxy},
};
use tokio::net::UnixStream;

use crate::rig::{Answer, Connection, settings};

#[secured(public, rate = "10000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

#[secured(public, rate = "3/hour per ip")]
#[get("/scarce")]
async fn scarce() -> impl Responder {
    "fine"
}

fn routes(routes: &mut Routes) {
    routes.service(fine).service(scarce);
}

/// A path that is free, in a folder that is there.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("secure-net-{name}-{}", std::process::id()));
    fs::remove_file(&path).ok();
    path
}

fn at(path: &Path) -> Settings {
    let mut settings = settings();
    settings.tls = None;
    settings.server.address = ListenAddress::Unix(path.to_owned());
    settings.server.transport = Transport::BehindProxy;
    settings.server.header_timeout = Duration::from_secs(1);
    settings.client_address.trusted_proxies = vec![TrustedProxy::Unix];
    settings
}

fn security(settings: Settings) -> Security {
    let builder = Security::builder().settings(settings);
    builder.clock(Clock::system()).build().unwrap()
}

async fn start(settings: Settings) -> Result<Running, Error> {
    settings.check()?;
    Server::new(security(settings), routes).start().await
}

async fn connect(path: &Path) -> Connection {
    Connection::over(UnixStream::connect(path).await.unwrap())
}

async fn ask(path: &Path, target: &str, fields: &str) -> Answer {
    let mut connection = connect(path).await;
    connection
        .send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n{fields}\r\n"))
        .await;
    connection.answer().await
}

/// How many of six requests are admitted.
async fn admitted(path: &Path, fields: &str) -> usize {
    let mut admitted = 0;
    for _ in 0..6 {
        admitted += usize::from(ask(path, "/scarce", fields).await.status == 200);
    }
    admitted
}

#[actix_web::test]
async fn p01_the_proxy_at_a_trusted_socket_file_tells_who_asks() {
    let path = path("trusted");
    let running = start(at(&path)).await.unwrap();
    assert_eq!(running.addresses(), []);
    let from =
        |address: &str| format!("x-forwarded-proto: https\r\nx-forwarded-for: {address}\r\n");
    assert_eq!(admitted(&path, &from("198.51.100.1")).await, 3);
    assert_eq!(admitted(&path, &from("192.0.2.9, 198.51.100.1")).await, 0);
    assert_eq!(admitted(&path, &from("198.51.100.2")).await, 3);
    // Who is not named is one client with all others of the kind.
    assert_eq!(admitted(&path, "x-forwarded-proto: https\r\n").await, 3);
    assert_eq!(admitted(&path, &from("unknown")).await, 0);
    running.stop(false).await;
}

#[actix_web::test]
async fn over_a_socket_file_the_proxy_says_that_tls_was_there() {
    let path = path("https");
    let running = start(at(&path)).await.unwrap();
    for (fields, status) in [
        ("x-forwarded-proto: https\r\n", 200),
        ("x-forwarded-proto: http\r\n", 403),
        ("x-forwarded-proto: https, http\r\n", 403),
        ("forwarded: proto=https\r\n", 403),
        ("", 403),
    ] {
        assert_eq!(ask(&path, "/fine", fields).await.status, status, "{fields}");
    }
    running.stop(false).await;
}

/// An app of one's own, whose settings do not trust the socket file.
#[actix_web::test]
async fn p01_at_a_socket_file_that_is_not_trusted_all_are_one_client() {
    for networks in [
        vec![],
        vec!["0.0.0.0/1".parse().unwrap(), "::/1".parse().unwrap()],
    ] {
        let path = path("untrusted");
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.client_address.trusted_proxies = networks;
        let security = security(settings);
        let server = HttpServer::new({
            let security = security.clone();
            move || {
                App::new()
                    .wrap(security.shield())
                    .configure(security.routes(routes))
            }
        })
        .workers(1)
        .disable_signals()
        .bind_uds(&path)
        .unwrap()
        .run();
        let handle = server.handle();
        let task = tokio::spawn(server);
        for (n, expected) in [(1, 3), (2, 0), (3, 0)] {
            let fields = format!("x-forwarded-for: 198.51.100.{n}\r\n");
            assert_eq!(admitted(&path, &fields).await, expected);
        }
        assert_eq!(security.addresses().counts().headers_ignored, 18);
        handle.stop(false).await;
        task.await.unwrap().unwrap();
        fs::remove_file(&path).ok();
    }
}

#[actix_web::test]
async fn a_socket_file_has_its_mode_and_is_removed_in_the_end() {
    let path = path("file");
    for (mode, bits) in [("600", 0o600), ("660", 0o660)] {
        let mut settings = at(&path);
        settings.server.socket_mode = Some(mode.parse::<SocketMode>().unwrap());
        let running = start(settings).await.unwrap();
        let found = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, bits);
        running.stop(mode == "600").await;
        assert!(!path.exists());
    }
    // Also where the server is dropped.
    drop(start(at(&path)).await.unwrap());
    assert!(!path.exists());
}

#[actix_web::test]
async fn one_server_at_a_socket_file() {
    let path = path("taken");
    let running = start(at(&path)).await.unwrap();
    let error = start(at(&path)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on unix:{}; choose another `server.address` or free this one",
            path.display()
        )
    );
    // The first one did not notice.
    assert_eq!(
        ask(&path, "/fine", "x-forwarded-proto: https\r\n")
            .await
            .status,
        200
    );
    running.stop(false).await;

    // What a killed server leaves is in nobody's way.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let running = start(at(&path)).await.unwrap();
    assert_eq!(
        ask(&path, "/fine", "x-forwarded-proto: https\r\n")
            .await
            .status,
        200
    );
    running.stop(false).await;

    // A file that is no socket is not touched.
    fs::write(&path, "data").unwrap();
    assert!(matches!(start(at(&path)).await, Err(Error::Bind { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"data");
    fs::remove_file(&path).unwrap();
}

/// What holds for every connection holds for these.
#[actix_web::test]
async fn a_silent_connection_over_a_socket_file_is_closed() {
    let path = path("silent");
    let running = start(at(&path)).await.unwrap();
    let mut connection = connect(&path).await;
    connection
        .send("GET /fine HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: https\r\n\r\n")
        .await;
    assert_eq!(connection.answer().await.body, "fine");
    connection.send("GET /fine HTT").await;
    let (rest, time) = connection.rest().await;
    assert_eq!(rest, "");
    assert!(time < Duration::from_secs(12), "{time:?}");
    running.stop(false).await;
}
