//! What is logged of a flood.

use super::*;
use crate::child::Shop;

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
