//! The text of refresh tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::tokens::refresh::{Minter, Secret};

#[test]
fn a_token_is_what_was_minted_and_nothing_else_is() {
    let minter = Minter::random().unwrap();
    let (id, secret) = (SessionId::random().unwrap(), Secret::random().unwrap());
    let token = minter.mint(id, 7, &secret);
    assert_eq!(token.expose().len(), 112);
    let presented = minter.open(&token).unwrap();
    assert_eq!(presented.session, id);
    assert_eq!(presented.generation, 7);
    assert!(presented.secret.proof().is(&secret.proof()));

    // Each bit counts.
    let bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let forged = RefreshToken::from(URL_SAFE_NO_PAD.encode(bytes));
        assert!(minter.open(&forged).is_none(), "bit {bit}");
    }
    let text = token.expose();
    for forged in [
        "",
        &text[1..],
        &text[..111],
        &format!("{text}="),
        &format!("{text}A"),
        &format!(" {text}"),
        &"A".repeat(112),
        &"é".repeat(56),
    ] {
        assert!(minter.open(&RefreshToken::from(forged)).is_none());
    }
}

/// Who stole a token has its secret, and can still not make the next one: that takes the key.
#[test]
fn the_next_token_needs_the_key_of_the_issuer() {
    let minter = Minter::random().unwrap();
    let (id, secret) = (SessionId::random().unwrap(), Secret::random().unwrap());
    let thief = Minter::random().unwrap();
    assert!(minter.open(&thief.mint(id, 1, &secret)).is_none());
    // And it is the same for whoever presents the one before.
    let next = minter.mint(id, 1, &secret);
    assert_eq!(next.expose(), minter.mint(id, 1, &secret).expose());
}

/// A store that was read gives no token away, and one that was written to makes none good.
#[actix_web::test]
async fn a_store_holds_nothing_that_is_a_token() {
    let rig = rig();
    let tokens = rig.open().await;
    let presented = rig.issuer.0.minter.open(tokens.refresh_token()).unwrap();
    let session = rig.issuer.0.sessions.find(presented.session).await;
    let session = session.unwrap().unwrap();
    let bytes = URL_SAFE_NO_PAD
        .decode(tokens.refresh_token().expose())
        .unwrap();
    let secret = &bytes[20..52];
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret);
    assert_eq!(session.proof.0, hash.as_ref());
    // A session with another secret does not take the token, whatever its id.
    let other = rig_with(|_| {});
    let mut forged = session.clone();
    forged.proof = Secret::random().unwrap().proof();
    let now = other.clock.unix_millis();
    other.issuer.0.sessions.open(forged, now).await.unwrap();
    let (outcome, _) = other
        .issuer
        .0
        .sessions
        .present(&session, 0, &session.proof, now)
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Unknown);
}
