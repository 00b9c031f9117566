//! Tests of the room, one topic a file; `r..` names the requirement.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod file;
mod levels;
mod lifetime;
mod memory;
mod text;
mod times;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::*;
use crate::{
    auth::{Authenticator, AuthenticatorOptions},
    clock::ClockHand,
    testing::{Token, Tokens},
};

const ISSUER: &str = "https://issuer.test";
const WITHIN: Revocation = Revocation::Within(Duration::from_secs(2));

/// Who made the token of [`Rig::token`] is called so at every level.
const SUBJECT: &str = "ann";
const CLIENT: &str = "test";
const SESSION: &str = "session-1";

/// A list and callers to hold against it, under a clock that stands still.
struct Rig {
    authenticator: Authenticator,
    clock: Clock,
    hand: ClockHand,
    list: RevocationList,
    tokens: Tokens,
}

impl Rig {
    fn new() -> Self {
        Self::with(options())
    }

    fn with(options: RevocationOptions) -> Self {
        let (clock, hand) = Clock::manual();
        let tokens = Tokens::new(&clock);
        let authenticator = Authenticator::new(
            vec![tokens.issuer()],
            clock.clone(),
            AuthenticatorOptions::default(),
        );
        Self {
            authenticator: authenticator.unwrap(),
            list: RevocationList::open(clock.clone(), options).unwrap(),
            clock,
            hand,
            tokens,
        }
    }

    /// A token of a caller who has a name at every level.
    fn token(&self) -> Token {
        self.tokens.token(SUBJECT).claim("sid", SESSION)
    }

    fn caller(&self, token: &Token) -> Principal {
        self.authenticate(&token.sign()).unwrap()
    }

    fn authenticate(&self, token: &str) -> Result<Principal, Rejection> {
        authenticate(&self.authenticator, token)
    }

    /// Why a caller is refused, if he is.
    fn judge(&self, caller: &Principal) -> Option<String> {
        judge(&self.list, caller)
    }

    #[track_caller]
    fn assert_good(&self, caller: &Principal) {
        assert_eq!(self.judge(caller), None);
    }

    #[track_caller]
    fn assert_revoked(&self, caller: &Principal) {
        assert!(self.judge(caller).is_some(), "the token is good");
    }

    fn advance(&self, millis: u64) {
        self.hand.advance(Duration::from_millis(millis));
    }

    async fn sweep(&self) -> usize {
        self.list.0.keeper.ask(Order::Sweep).await.unwrap()
    }
}

fn judge(list: &RevocationList, caller: &Principal) -> Option<String> {
    let refused = list.check(caller, WITHIN).err()?;
    assert_eq!(refused.refusal(), Refusal::CredentialsRevoked);
    Some(refused.reason().to_owned())
}

fn authenticate(authenticator: &Authenticator, token: &str) -> Result<Principal, Rejection> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    headers.insert(AUTHORIZATION, value);
    authenticator.authenticate(&headers)
}

fn options() -> RevocationOptions {
    RevocationOptions {
        file: None,
        leeway: Duration::from_secs(60),
        max_entries: 1000,
        max_lifetime: Duration::from_secs(24 * 3600),
        max_session: Duration::ZERO,
        #[cfg(feature = "redis")]
        store: None,
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "revocations-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("revocations")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
