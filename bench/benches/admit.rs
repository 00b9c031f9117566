//! Times, for orientation: on a machine with other work to do only their ratios mean anything.
//! `bin/callgrind.rs` counts what does not depend on the machine.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "what cannot be set up cannot be measured; Criterion's macros write no docs"
)]

use std::{
    hint::black_box,
    net::IpAddr,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::IpNet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
};
use secure_bench::{Case, Flood, Mode};
use secure_runtime::{
    Authenticator, AuthenticatorOptions, Clock, EcdsaAlgorithm, HmacAlgorithm, Issuer,
    RsaAlgorithm, SecretSlice, Security, VerifyingKey,
};
use serde::{Deserialize, Serialize};

/// Every mode, from bare to everything.
fn modes(criterion: &mut Criterion) {
    for mode in Mode::ALL {
        let case = Case::new(mode);
        criterion.bench_function(mode.name(), |bencher| {
            bencher.iter_custom(|requests| {
                let batches = requests.div_ceil(Case::BATCH as u64);
                let time = (0..batches).map(|_| {
                    let batch = case.batch();
                    let start = Instant::now();
                    batch.serve();
                    start.elapsed()
                });
                let time: Duration = time.sum();
                let served = batches * Case::BATCH as u64;
                time.mul_f64(requests as f64 / served as f64)
            });
        });
    }
}

/// Refusals by a quota, of many addresses: each with a count of its own, and without room for one.
fn floods(criterion: &mut Criterion) {
    const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("it is not zero");
    for (name, newcomers) in [("flood-known", false), ("flood-full-table", true)] {
        let flood = Flood::new(MAX_KEYS, newcomers);
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|requests| {
                let rounds = requests.div_ceil(Flood::STRANGERS as u64);
                let start = Instant::now();
                (0..rounds).for_each(|_| flood.serve());
                let served = rounds * Flood::STRANGERS as u64;
                start.elapsed().mul_f64(requests as f64 / served as f64)
            });
        });
    }
}

/// Whether an address is banned, of an address that is not.
fn bans(criterion: &mut Criterion) {
    let security = Security::builder().build().expect("a security");
    let address = black_box(IpAddr::from([203, 0, 113, 7]));
    let mut group = criterion.benchmark_group("is-banned");
    let mut look_up = |name: &str| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| security.bans().is_banned(black_box(address)));
        });
    };
    look_up("none");
    secure_bench::ban_many(&security);
    look_up("100,000 addresses");
    for bits in [24, 16] {
        let network = IpNet::new(IpAddr::from([198, 51, 100, 0]), bits).expect("a network");
        let hour = Duration::from_secs(3600);
        // Those addresses have left room for one.
        security.bans().lift(IpAddr::from([10, 0, 0, bits]));
        let banned = security.bans().ban(network, hour, "a measurement");
        banned.expect("there is room");
    }
    look_up("100,000 of three lengths");
}

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://orders.example.com";

#[derive(Deserialize, Serialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    jti: String,
    iat: u64,
    auth_time: u64,
    exp: u64,
    roles: Vec<String>,
    scope: String,
}

/// The same token, verified by both.
struct Peer {
    name: &'static str,
    algorithm: Algorithm,
    signs: EncodingKey,
    decodes: DecodingKey,
    verifies: VerifyingKey,
}

fn peers() -> Vec<Peer> {
    let secret: Vec<u8> = (0..64_u8)
        .map(|n| n.wrapping_mul(n).wrapping_add(n / 3))
        .collect();
    let ed = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    let in_pem = |label, der| pem::encode(&pem::Pem::new(label, der)).into_bytes();
    let private = |key: &KeyPair| in_pem("PRIVATE KEY", key.serialize_der());
    let public = |key: &KeyPair| in_pem("PUBLIC KEY", key.subject_public_key_info());
    vec![
        Peer {
            name: "hs256",
            algorithm: Algorithm::HS256,
            signs: EncodingKey::from_secret(&secret),
            decodes: DecodingKey::from_secret(&secret),
            verifies: VerifyingKey::hmac(HmacAlgorithm::Hs256, &SecretSlice::from(secret))
                .expect("a secret"),
        },
        Peer {
            name: "eddsa",
            algorithm: Algorithm::EdDSA,
            signs: EncodingKey::from_ed_pem(&private(&ed)).expect("a key"),
            decodes: DecodingKey::from_ed_pem(&public(&ed)).expect("a key"),
            verifies: VerifyingKey::eddsa(public(&ed)).expect("a key"),
        },
        Peer {
            name: "es256",
            algorithm: Algorithm::ES256,
            signs: EncodingKey::from_ec_pem(&private(&ec)).expect("a key"),
            decodes: DecodingKey::from_ec_pem(&public(&ec)).expect("a key"),
            verifies: VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, public(&ec)).expect("a key"),
        },
        Peer {
            name: "rs256",
            algorithm: Algorithm::RS256,
            signs: EncodingKey::from_rsa_pem(&private(&rsa)).expect("a key"),
            decodes: DecodingKey::from_rsa_pem(&public(&rsa)).expect("a key"),
            verifies: VerifyingKey::rsa(RsaAlgorithm::Rs256, public(&rsa)).expect("a key"),
        },
    ]
}

/// A token that was not seen before, as `jsonwebtoken` and as this crate verify it: the same
/// claims checked, as far as `jsonwebtoken` checks them.
fn first_sight(criterion: &mut Criterion) {
    let now = Clock::system().unix_seconds();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: "customer-4711".to_owned(),
        client_id: "shop".to_owned(),
        jti: "a6d1f3c2-9b1e-4f57-8a55-6f1d2c3b4a59".to_owned(),
        iat: now,
        auth_time: now,
        exp: now + 24 * 3600,
        roles: vec!["admin".to_owned()],
        scope: "orders:read orders:write".to_owned(),
    };
    for peer in peers() {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            ..Header::new(peer.algorithm)
        };
        let token = encode(&header, &claims, &peer.signs).expect("a token");
        let mut validation = Validation::new(peer.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Without a cache every sight is the first.
        let authenticator = Authenticator::new(
            vec![Issuer::new(ISSUER, AUDIENCE).key(peer.verifies)],
            Clock::system(),
            AuthenticatorOptions {
                cache_bytes: 0,
                ..AuthenticatorOptions::default()
            },
        )
        .expect("an authenticator");
        let mut headers = HeaderMap::new();
        let field = HeaderValue::try_from(format!("Bearer {token}")).expect("a field");
        headers.insert(AUTHORIZATION, field);

        let mut group = criterion.benchmark_group(format!("first-sight-{}", peer.name));
        group.bench_function("jsonwebtoken", |bencher| {
            bencher.iter(|| {
                decode::<Claims>(black_box(&token), &peer.decodes, &validation).expect("claims")
            });
        });
        group.bench_function("secure-runtime", |bencher| {
            bencher.iter(|| {
                authenticator
                    .authenticate(black_box(&headers))
                    .expect("a caller")
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = modes, floods, bans, first_sight
}
criterion_main!(benches);
