//! With caches and without, an authenticator answers alike, whatever happens in whatever order.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{refusals::signatures, *};

/// Tokens are of this time, and the clock may show an earlier one.
const THEN: u64 = 5_000;

/// Bytes for a few tokens.
const LITTLE: u64 = 24 << 10;

#[derive(Clone, Debug)]
enum Step {
    /// A token, so many times.
    Present(prop::sample::Index, usize),
    Advance(u64),
    /// Seconds after [`NOW`], earlier or later than it was.
    SetClock(u64),
    Replace(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (any::<prop::sample::Index>(), 1..4_usize)
            .prop_map(|(token, times)| Step::Present(token, times)),
        2 => (0..400_u64).prop_map(Step::Advance),
        2 => (THEN - 1_000..THEN + 1_500).prop_map(Step::SetClock),
        1 => any::<prop::sample::Index>().prop_map(Step::Replace),
    ];
    prop::collection::vec(step, 1..80)
}

/// What is configured, one after the other.
static ISSUERS: LazyLock<Vec<Issuer>> = LazyLock::new(|| {
    let with = |key: VerifyingKey| Issuer::new(ISSUER, AUDIENCE).key(key);
    let ed = || VerifyingKey::eddsa(key_file!("ed.pub")).unwrap();
    vec![
        issuer(),
        issuer().accept_generic_typ(),
        issuer().key(ed().with_id("k2")),
        with(ed().with_id("k1")),
        with(es256_key().with_id("k2")),
        Issuer::new(ISSUER, "https://other.example.com").key(es256_key().with_id("k1")),
        Issuer::new("https://other.example.com", AUDIENCE).key(es256_key()),
    ]
});

/// Some are good for none of them, most for some at some time.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let then = NOW + THEN;
    let payload = set(payload(), "iat", json!(then - 10));
    let payload = set(payload, "exp", json!(then + 600));
    let with = |claim, value| token(&header(), &set(payload.clone(), claim, value));
    let with_header = |member, value| token(&set(header(), member, value), &payload);
    let good = with("jti", json!("good"));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = with("jti", json!("other"));
    let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
    let ed = EncodingKey::from_ed_pem(key_file!("ed.key").as_bytes()).unwrap();
    let by_ed = |kid| {
        let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid}).to_string();
        signed_with(&header, &payload.to_string(), &ed, Algorithm::EdDSA)
    };
    vec![
        with("exp", json!(then + 100)),
        with("exp", json!(then - 100)),
        with("exp", json!(then + 90_000)),
        with("nbf", json!(then + 100)),
        with("nbf", json!(then + 500)),
        with("iat", json!(then + 200)),
        with("aud", json!("https://other.example.com")),
        with("aud", json!([AUDIENCE, "https://other.example.com"])),
        with("iss", json!("https://other.example.com")),
        with("cnf", json!({})),
        with("sub", json!(null)),
        with_header("typ", json!("JWT")),
        with_header("kid", json!("k2")),
        with_header("kid", json!("k3")),
        with_header("kid", Value::Null),
        with_header("crit", json!(["x"])),
        by_ed("k1"),
        by_ed("k2"),
        format!("{signed}.{other_signature}"),
        format!("{other_signed}.{signature}"),
        format!("{signed}.AA{signature}"),
        format!("{good}."),
        good,
        other,
    ]
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn caches_change_no_answer(steps in steps(), cache_bytes in prop::sample::select(vec![LITTLE, 1 << 20])) {
        let with = |cache_bytes| {
            let options = AuthenticatorOptions { cache_bytes, ..Default::default() };
            let mut rig = Rig::with(vec![issuer()], options);
            rig.set_clock(THEN);
            rig
        };
        let (mut caching, mut judging) = (with(cache_bytes), with(0));
        for step in steps {
            match step {
                Step::Present(token, times) => {
                    let token = token.get(&TOKENS);
                    let answer = |rig: &Rig| match rig.authenticate(token) {
                        Ok(caller) => Ok(caller.claims::<Value>().unwrap()),
                        Err(refused) => Err((refused.refusal(), refused.reason().to_owned())),
                    };
                    let expected = answer(&judging);
                    let all = || (0..times).for_each(|_| assert_eq!(answer(&caching), expected));
                    let checked = signatures(all);
                    // However often it is presented, and whatever comes of it; where there is
                    // little room, who comes may have to leave at once.
                    assert!(checked <= 1 || cache_bytes == LITTLE);
                }
                Step::Advance(seconds) => {
                    caching.advance(seconds);
                    judging.advance(seconds);
                }
                Step::SetClock(seconds) => {
                    caching.set_clock(seconds);
                    judging.set_clock(seconds);
                }
                Step::Replace(issuer) => {
                    let issuer = issuer.get(&ISSUERS);
                    for rig in [&caching, &judging] {
                        rig.authenticator.replace_issuers(vec![issuer.clone()]).unwrap();
                    }
                }
            }
        }
    }
}
