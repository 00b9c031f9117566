//! How many connections a client has at a time.

use secure_runtime::settings::Transport;

use super::*;

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
