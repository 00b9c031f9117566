//! The same request against handlers that demand more and more of it.
//!
//! A [`Case`] builds requests beforehand and then serves them with nothing of its own in
//! between, so that its drivers (`bin/count.rs`, `benches/admit.rs`, `tests/allocations.rs`) see
//! what the runtime does and not what a test would. Nothing here waits, so no executor runs.

#![allow(
    clippy::expect_used,
    reason = "what cannot be set up cannot be measured"
)]

mod first_sight;
mod flood;
mod handlers;
mod identity;
#[cfg(feature = "redis")]
mod leased;
mod lookups;
mod mode;
pub mod rig;
pub mod stacks;
mod whole;

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroUsize,
    rc::Rc,
    time::Duration,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    test::TestRequest,
};
use futures_util::FutureExt;
use secure_runtime::{
    Clock, Policy, Routes, SecuredService, Security, Settings, private::Call, testing::Tokens,
};

use crate::{
    stacks::{bare, hand, ours},
    whole::{Exchange, PEER, by_hand, guarded},
};

pub use crate::{
    first_sight::FirstSight,
    flood::Flood,
    identity::{AUDIENCE, Algorithm, Claims, ISSUER, Identity, Verifier},
    lookups::Lookups,
    mode::Mode,
};

/// A mode made ready: security configured, token known, quota used up where that is the matter.
pub struct Case(Box<dyn Fn() -> Batch>);

/// [`Case::BATCH`] requests that wait to be served.
pub struct Batch(Box<dyn FnOnce()>);

impl Case {
    /// Requests that are prepared together: fewer than actix keeps the memory of, and fewer than
    /// one address may fail to authenticate in a minute.
    pub const BATCH: usize = 50;

    /// Makes `mode` ready.
    ///
    /// # Panics
    ///
    /// The answers are not what the mode is about.
    pub fn new(mode: Mode) -> Self {
        let case = build(mode);
        // Tables and pools get their size, and the token is seen for the first time.
        for _ in 0..4 {
            case.batch().serve();
        }
        case
    }

    /// Builds requests.
    pub fn batch(&self) -> Batch {
        self.0()
    }
}

impl Batch {
    /// Serves the requests one after the other.
    pub fn serve(self) {
        self.0();
    }
}

fn build(mode: Mode) -> Case {
    let (clock, hand) = match mode {
        // Time must pass, or the address would have failed too often.
        Mode::RefusedInvalid
        | Mode::WholeRefusedInvalid
        | Mode::RefusedKnown
        | Mode::WholeRefusedKnown
        | Mode::WholeRefusedProxied => {
            let (clock, hand) = Clock::manual();
            (clock, Some(hand))
        }
        _ => (Clock::system(), None),
    };
    let tokens = Tokens::new(&clock);
    let settings = match mode {
        Mode::WholeRefusedProxied => behind_proxy(settings()),
        _ => settings(),
    };
    let security = security(&clock, &tokens, settings);
    let token = tokens
        .token("customer-4711")
        .role("admin")
        .scope("orders:read")
        .scope("orders:write")
        .sign();
    let bearer = match mode {
        Mode::Refused401 | Mode::WholeRefused401 => None,
        Mode::RefusedInvalid | Mode::WholeRefusedInvalid => Some("Bearer aaaa.bbbb.cccc".into()),
        Mode::RefusedKnown | Mode::WholeRefusedKnown | Mode::WholeRefusedProxied => {
            let other = tokens.token("customer-4712").sign();
            Some(format!("Bearer {}", forged(&token, &other)))
        }
        _ => Some(format!("Bearer {token}")),
    };
    let Case(batch) = match mode {
        Mode::FirstSight => first_sight(FirstSight::authenticate),
        Mode::FirstSightDecode => first_sight(FirstSight::decode),
        Mode::Bare => clone(&security, bearer),
        Mode::Empty => admission(&handlers::EMPTY, &security, bearer, true),
        Mode::Quota => admission(policy_of(&handlers::quota), &security, bearer, true),
        Mode::Token => admission(&handlers::TOKEN, &security, bearer, true),
        Mode::Proxied => admission_of(&handlers::EMPTY, proxied(), true),
        Mode::Scope => admission(&handlers::SCOPE, &security, bearer, true),
        Mode::Role => admission(&handlers::ROLE, &security, bearer, true),
        Mode::Full => admission(policy_of(&handlers::full), &security, bearer, true),
        Mode::Refused401 | Mode::RefusedInvalid | Mode::RefusedKnown => {
            admission(&handlers::TOKEN, &security, bearer, false)
        }
        Mode::Refused429 => {
            use_up(&security);
            admission(policy_of(&handlers::rare), &security, bearer, false)
        }
        Mode::WholeBare => whole::bare(handlers::bare, Exchange::get("/bare", bearer)),
        Mode::WholeBareFields => whole::bare(bare::bare_fields, Exchange::get("/fields", bearer)),
        Mode::WholeEmpty => guarded(&security, handlers::empty, Exchange::get("/empty", bearer)),
        Mode::WholeGuarded => guarded(
            &security,
            handlers::guarded,
            Exchange::get("/guarded", bearer),
        ),
        Mode::WholeFull => guarded(&security, handlers::full, Exchange::get("/full", bearer)),
        #[cfg(feature = "redis")]
        Mode::WholeRedis => leased::case(),
        Mode::WholeHand => by_hand(hand::read, Exchange::get),
        Mode::WholeRefused401 | Mode::WholeRefusedInvalid | Mode::WholeRefusedKnown => guarded(
            &security,
            handlers::guarded,
            Exchange::refused("/guarded", bearer, StatusCode::UNAUTHORIZED),
        ),
        Mode::WholeRefusedProxied => {
            let refused = Exchange::refused("/guarded", bearer, StatusCode::UNAUTHORIZED);
            guarded(
                &security,
                handlers::guarded,
                refused.forwarded_for(FORWARDED_FOR),
            )
        }
        Mode::WholeBanned => {
            ban_many(&security);
            ban(&security, PEER.ip());
            guarded(
                &security,
                handlers::empty,
                Exchange::refused("/empty", bearer, StatusCode::TOO_MANY_REQUESTS),
            )
        }
        Mode::WholeOthersBanned => {
            ban_many(&security);
            guarded(&security, handlers::empty, Exchange::get("/empty", bearer))
        }
        Mode::WholeRefused429 => {
            use_up(&security);
            guarded(
                &security,
                handlers::rare,
                Exchange::refused("/rare", bearer, StatusCode::TOO_MANY_REQUESTS),
            )
        }
        Mode::WholeBareDecode => whole::bare(bare::bare_decode, Exchange::post("/items", bearer)),
        Mode::WholePost => guarded(&security, ours::write, Exchange::post("/items", bearer)),
        Mode::WholeHandPost => by_hand(hand::write, Exchange::post),
    };
    Case(Box::new(move || {
        if let Some(hand) = &hand {
            hand.advance(Duration::from_secs(60));
        }
        batch()
    }))
}

/// The token with the signature of another.
fn forged(token: &str, other: &str) -> String {
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    let signature = other
        .rsplit_once('.')
        .map_or("", |(_, signature)| signature);
    format!("{signed}.{signature}")
}

/// A token that is verified again and again.
fn first_sight(verify: fn(&FirstSight)) -> Case {
    let token = Rc::new(FirstSight::new(Algorithm::Hs256));
    Case(Box::new(move || {
        let token = Rc::clone(&token);
        Batch(Box::new(move || {
            (0..Case::BATCH).for_each(|_| verify(&token));
        }))
    }))
}

/// Plain HTTP.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    // Few keys, so that the thread that sweeps them has little to do meanwhile.
    settings.limits.max_keys = NonZeroUsize::MIN.saturating_add(999);
    settings
}

/// The same where a proxy, which stands at [`PEER`], is trusted.
fn behind_proxy(mut settings: Settings) -> Settings {
    let proxies = &mut settings.client_address.trusted_proxies;
    proxies.push("203.0.113.0/24".parse().expect("a network"));
    settings
}

/// A security that takes `tokens`.
fn security(clock: &Clock, tokens: &Tokens, settings: Settings) -> Security {
    Security::builder()
        .clock(clock.clone())
        .issuer(tokens.issuer())
        .settings(settings)
        .build()
        .expect("the security is configured")
}

/// Mounts a handler that demands nothing, at `/empty`: the attribute cannot say this.
pub fn demand_nothing(routes: &mut Routes) {
    routes.service(handlers::empty);
}

/// The request that every extractor is given, cloned and dropped.
fn clone(security: &Security, bearer: Option<String>) -> Case {
    let request = request_to_admit(security, bearer.as_deref());
    Case(Box::new(move || {
        let request = request.clone();
        Batch(Box::new(move || {
            for _ in 0..Case::BATCH {
                drop(answer(HttpRequest::from_request(
                    &request,
                    &mut Payload::None,
                )));
            }
        }))
    }))
}

/// What the code that `#[secured]` writes does before it takes the inputs.
fn admission(
    policy: &'static Policy,
    security: &Security,
    bearer: Option<String>,
    admitted: bool,
) -> Case {
    admission_of(
        policy,
        request_to_admit(security, bearer.as_deref()),
        admitted,
    )
}

fn admission_of(policy: &'static Policy, request: HttpRequest, admitted: bool) -> Case {
    Case(Box::new(move || {
        let request = request.clone();
        Batch(Box::new(move || {
            for _ in 0..Case::BATCH {
                assert_eq!(admit(&request, policy), admitted);
            }
        }))
    }))
}

fn policy_of<S: SecuredService>(_: &S) -> &'static Policy {
    S::policy()
}

fn admit(request: &HttpRequest, policy: &'static Policy) -> bool {
    answer(admitted(request, policy))
}

async fn admitted(request: &HttpRequest, policy: &'static Policy) -> bool {
    let Ok(call) = Call::from_request(request, &mut Payload::None).await;
    call.admit(policy).judged().await.is_ok()
}

/// Makes the one request a day that `rare` admits.
fn use_up(security: &Security) {
    let request = request_to_admit(security, None);
    assert!(admit(&request, policy_of(&handlers::rare)));
}

/// Bans as many addresses as there may be, less one.
pub fn ban_many(security: &Security) {
    for number in 1..100_000_u32 {
        ban(security, Ipv4Addr::from(0x0a00_0000 + number).into());
    }
}

fn ban(security: &Security, address: IpAddr) {
    let hour = Duration::from_secs(3600);
    let banned = security.bans().ban(address, hour, "a measurement");
    banned.expect("there is room");
}

fn request_to_admit(security: &Security, bearer: Option<&str>) -> HttpRequest {
    let request = TestRequest::get()
        .app_data(security.clone())
        .peer_addr(PEER);
    match bearer {
        Some(bearer) => request.insert_header((header::AUTHORIZATION, bearer)),
        None => request,
    }
    .to_http_request()
}

/// What the client has sent, and what its proxy has added.
const FORWARDED_FOR: &str = "192.0.2.1, 198.51.100.7";

/// A request that came through a proxy, which names its client.
fn proxied() -> HttpRequest {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(behind_proxy(settings)).build();
    TestRequest::get()
        .app_data(security.expect("the security is configured"))
        .peer_addr(PEER)
        .insert_header(("x-forwarded-for", FORWARDED_FOR))
        .to_http_request()
}

/// What a future that never waits gives.
fn answer<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("nothing here waits")
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}
