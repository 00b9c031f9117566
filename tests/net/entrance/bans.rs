//! Clients that are banned.

use std::net::IpAddr;

use super::*;

/// An hour for whoever has this address.
fn ban(service: &Service, address: &str) {
    let bans = service.security.bans();
    let address: IpAddr = address.parse().unwrap();
    bans.ban(address, Duration::from_secs(3600), "a test")
        .unwrap();
}

/// Whether the server resets a connection on which nothing was sent.
async fn is_reset(socket: io::Result<TcpStream>) -> bool {
    let outcome = match socket {
        Ok(mut socket) => soon("a reset", socket.read(&mut [0])).await.map(drop),
        Err(error) => Err(error),
    };
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
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

    assert!(service.security.bans().lift(IpAddr::from(ANN)));
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
