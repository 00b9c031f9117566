//! Forged tokens in numbers.

use super::{
    refusals::{WRONG_SIGNATURE, forged, kept, refusals, signatures, valid},
    *,
};

/// Tokens that are all different, the longest of so many bytes.
fn flood(count: usize, longest: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |n| {
        let mut token = n.to_string().into_bytes();
        token.resize(token.len().max(n * 31 % (longest + 1)), b'a');
        token
    })
}

/// The bytes that tokens and tables take in truth too, not only those that are accounted.
#[test]
fn refusals_are_bounded_in_memory_whatever_is_sent() {
    const LONG: usize = MAX_TOKEN_BYTES;
    for capacity in [12_000, 128 << 10, 4 << 20] {
        for lengths in [[500, 500], [0, LONG], [LONG, 0]] {
            let refusals = refusals(capacity);
            let tokens = lengths
                .into_iter()
                .flat_map(|longest| flood(50_000, longest));
            for (n, token) in tokens.enumerate() {
                // Any number will do, and a test hashes slowly.
                let place = refusals.place_at(n as u64, &token);
                place.keep(Verdict::Never("forged"));
                if n % 1_000 == 0 {
                    assert!(refusals.weight() <= capacity);
                    let memory = refusals.memory() as u64;
                    assert!(
                        memory <= capacity,
                        "{memory} of {capacity}, {lengths:?}, {n}"
                    );
                }
            }
            assert!(refusals.len() > 0, "something is kept");
            assert!(refusals.weight() > capacity / 4, "bytes are counted");
        }
    }
}

#[test]
fn both_caches_together_stay_within_the_option() {
    let cache_bytes = 64 << 10;
    let options = AuthenticatorOptions {
        cache_bytes,
        ..Default::default()
    };
    let rig = Rig::with(vec![issuer()], options);
    for n in 0..300 {
        let token = token_with("jti", json!(format!("{n:0>200}")));
        rig.assert_accepted(&token);
        rig.reason(&forged(&token));
        let snapshot = rig.authenticator.snapshot.load();
        let verified = snapshot.cache.as_ref().unwrap().weight();
        let refused = snapshot.refusals.as_ref().unwrap().weight();
        assert!(verified + refused <= cache_bytes, "{verified} {refused}");
    }
    assert!(kept(&rig) > 3);
}

/// Who floods pushes out neither callers nor a refusal that is in use.
#[test]
fn a_flood_pushes_out_no_caller_and_no_refusal_in_use() {
    let rig = Rig::with(
        vec![issuer()],
        AuthenticatorOptions {
            cache_bytes: 256 << 10,
            ..Default::default()
        },
    );
    let (caller, retried) = (valid(), forged(&valid()));
    rig.assert_accepted(&caller);
    for _ in 0..3 {
        rig.assert_refused(&retried, WRONG_SIGNATURE);
    }
    for n in 0..1_000 {
        rig.reason(&forged(&token_with("jti", json!(format!("{n}")))));
        if n % 10 == 0 {
            rig.assert_refused(&retried, WRONG_SIGNATURE);
        }
    }
    let both = || {
        rig.assert_accepted(&caller);
        rig.assert_refused(&retried, WRONG_SIGNATURE);
    };
    assert_eq!(signatures(both), 0);
}

#[test]
fn without_bytes_every_token_is_judged_every_time() {
    let options = AuthenticatorOptions {
        cache_bytes: 0,
        ..Default::default()
    };
    let rig = Rig::with(vec![issuer()], options);
    assert!(rig.authenticator.snapshot.load().refusals.is_none());
    let token = forged(&valid());
    for _ in 0..3 {
        assert_eq!(
            signatures(|| rig.assert_refused(&token, WRONG_SIGNATURE)),
            1
        );
    }
}
