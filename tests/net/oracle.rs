//! Whether somebody else's order exists: no part of an answer tells.

use crate::{child::Shop, rig::Answer};

/// All of an answer but its date; fields stand in no particular order.
fn told(answer: &Answer) -> (Vec<&str>, &str) {
    let mut lines: Vec<_> = answer
        .head
        .lines()
        .filter(|line| !line.starts_with("date:"))
        .collect();
    lines.sort_unstable();
    (lines, &answer.body)
}

#[actix_web::test]
async fn an_order_of_another_looks_like_none() {
    let shop = Shop::start();
    let caller = |name: &str| {
        let token = shop
            .folder
            .tokens
            .token(name)
            .role("customer")
            .scope("orders:write");
        format!("host: a\r\nauthorization: Bearer {}\r\n", token.sign())
    };
    let (ann, bob) = (caller("ann"), caller("bob"));
    let order = r#"{"item":"tea","quantity":1}"#;
    let placed = shop
        .ask(format!(
            "POST /orders HTTP/1.1\r\n{ann}content-type: application/json\r\ncontent-length: {}\r\n\r\n{order}",
            order.len()
        ))
        .await;
    assert_eq!(placed.status, 201, "{placed:?}");

    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n";
    let upload = format!(
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    for (method, end, rest) in [("GET", "", "\r\n"), ("POST", "/receipt", upload.as_str())] {
        let request = |caller: &str, id: &str| {
            format!("{method} /orders/{id}{end} HTTP/1.1\r\n{caller}{rest}")
        };
        assert_eq!(shop.ask(request(&ann, "1")).await.status, 200);
        let exists = shop.ask(request(&bob, "1")).await;
        assert_eq!(exists.status, 404, "{exists:?}");
        for id in ["2", "999999999"] {
            let missing = shop.ask(request(&bob, id)).await;
            assert_eq!(told(&exists), told(&missing));
        }
        // Nor that there are orders at all.
        let nowhere = shop.ask("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(told(&exists), told(&nowhere));
    }
}

/// Which tokens and names exist, and how near one is: all that are wrong get the same answer.
#[actix_web::test]
async fn every_wrong_token_gets_the_same_answer() {
    let shop = Shop::start();
    let token = || shop.folder.tokens.token("ann").role("customer");
    // All bits of the first character of a signature count; of the last one some do not.
    let valid = token().sign();
    let (content, signature) = valid.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{content}.{other}{}", &signature[1..]);
    let mut first = None;
    for wrong in [
        "nonsense".to_owned(),
        forged,
        token().claim("exp", 1).sign(),
        token().claim("iss", "https://else.test").sign(),
        token().claim("aud", "else").sign(),
        token().header("alg", "none").sign(),
        token().header("typ", "JWT").sign(),
        token().without("jti").sign(),
    ] {
        let answer = shop
            .ask(format!(
                "GET /profile HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {wrong}\r\n\r\n"
            ))
            .await;
        assert_eq!(answer.status, 401, "{wrong}: {answer:?}");
        let first = first.get_or_insert(answer);
        let again = shop
            .ask(format!(
                "GET /profile HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {wrong}\r\n\r\n"
            ))
            .await;
        assert_eq!(told(first), told(&again), "{wrong}");
    }
}
