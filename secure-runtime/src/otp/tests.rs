#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use garde::Validate;
use secrecy::ExposeSecret;

use super::*;

/// The secret of RFC 6238, appendix B: `12345678901234567890`.
const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The code of [`secret`] at this time is 279037 (RFC 6238, appendix B).
const THEN: u64 = 2_000_000_000;
const CODE: &str = "279037";

fn at(seconds: u64) -> (OneTimeCodes, crate::ClockHand) {
    let (clock, hand) = Clock::manual();
    hand.advance(Duration::from_secs(seconds - clock.unix_seconds()));
    (
        OneTimeCodes::new(clock, "the: shop", Used::in_memory()),
        hand,
    )
}

fn secret() -> OtpSecret {
    RFC.parse().unwrap()
}

async fn verify(codes: &OneTimeCodes, code: &str) -> bool {
    codes
        .verify(&secret(), &OneTimeCode::from(code))
        .await
        .unwrap()
}

/// The vectors of RFC 6238, appendix B, of which the last six digits are ours.
#[test]
fn vectors_of_rfc_6238() {
    for (seconds, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        let totp = secret().totp().unwrap();
        assert_eq!(totp.check(code, seconds), Some(seconds / 30), "{seconds}");
        assert_eq!(totp.check(code, seconds + 90), None, "{seconds}");
    }
}

/// G10: a code is good once, and so is none before it.
#[actix_web::test]
async fn g10_a_code_is_good_once() {
    let (codes, hand) = at(THEN);
    let code = |seconds| secret().totp().unwrap().generate(seconds).to_string();
    assert!(verify(&codes, CODE).await);
    assert!(!verify(&codes, CODE).await);
    // That of the step before is still within what clocks may differ, and too late.
    assert!(!verify(&codes, &code(THEN - 30)).await);
    hand.advance(Duration::from_secs(30));
    assert!(!verify(&codes, CODE).await);
    assert!(verify(&codes, &code(THEN + 30)).await);

    // Of another secret it is another code.
    let other = OtpSecret::new().unwrap();
    let code = other.totp().unwrap().generate(THEN).to_string();
    assert!(
        codes
            .verify(&other, &OneTimeCode::from(&*code))
            .await
            .unwrap()
    );
}

/// G10: a code lives for 30 s, and one step to either side for clocks that differ.
#[actix_web::test]
async fn g10_a_code_is_good_for_one_step_and_its_neighbours() {
    let begin = THEN / 30 * 30;
    let code = secret().totp().unwrap().generate(begin).to_string();
    for (seconds, good) in [
        (-31, false),
        (-30, true),
        (0, true),
        (59, true),
        (60, false),
    ] {
        let (codes, _) = at(begin.saturating_add_signed(seconds));
        assert_eq!(verify(&codes, &code).await, good, "{seconds}");
    }
}

#[actix_web::test]
async fn what_is_no_code_is_refused() {
    let (codes, _) = at(THEN);
    for text in [
        "",
        "27903",
        "2790370",
        "27903x",
        "２７９０３７",
        "-79037",
        "+79037",
    ] {
        assert!(!verify(&codes, text).await, "{text}");
        assert!(OneTimeCode::from(text).validate().is_err(), "{text}");
    }
    assert!(OneTimeCode::from(" 279 037 ").validate().is_ok());
    assert!(verify(&codes, "279 037").await);
}

/// Of many callers at a time with one code, one gets in.
#[test]
fn g10_of_many_at_a_time_one_gets_in() {
    let (codes, _) = at(THEN);
    let good = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| actix_web::rt::System::new().block_on(verify(&codes, CODE))))
            .collect();
        let good = attempts
            .into_iter()
            .filter_map(|attempt| attempt.join().ok());
        good.filter(|good| *good).count()
    });
    assert_eq!(good, 1);
}

#[actix_web::test]
async fn what_was_used_is_forgotten_when_no_clock_takes_it() {
    let used = Used::in_memory();
    for n in 0..5_000_u64 {
        let secret = u128::from(n).to_be_bytes();
        // One a minute, so 10 are within what is remembered.
        assert!(used.claim(secret, n * 2, n * 60).await.unwrap());
        assert!(!used.claim(secret, n * 2, n * 60).await.unwrap());
    }
    assert!(used.len() <= 1_001, "{}", used.len());
}

#[test]
fn enrolment_tells_the_app_all_it_needs() {
    let (codes, _) = at(THEN);
    let url = codes.enrolment_url(&secret(), "ann@example.com").unwrap();
    assert_eq!(
        url.expose_secret(),
        format!("otpauth://totp/the%20%20shop:ann%40example.com?secret={RFC}&issuer=the%20%20shop")
    );
    for account in ["", "a:b"] {
        let error = codes.enrolment_url(&secret(), account).unwrap_err();
        assert_eq!(error.refusal(), Refusal::InputInvalid);
    }
}

#[test]
fn secrets_are_long_and_differ() {
    let secret = OtpSecret::new().unwrap();
    assert_eq!(secret.to_base32().len(), 32);
    assert_ne!(secret.to_base32(), OtpSecret::new().unwrap().to_base32());
    for text in ["", "GEZDGNBVGY3TQOJQ", "not base 32!", &"A".repeat(200)] {
        assert_eq!(text.parse::<OtpSecret>().unwrap_err(), NotASecret, "{text}");
    }
}

#[test]
fn nothing_is_shown() {
    let codes = RecoveryCodes::new().unwrap();
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        secret(),
        OneTimeCode::from(CODE),
        codes,
        RecoveryCode::from(&*codes.shown()[0]),
        at(THEN).0,
    );
    assert!(!shown.contains(RFC) && !shown.contains(CODE), "{shown}");
    assert!(
        !shown.contains(&codes.shown()[0].replace('-', "")),
        "{shown}"
    );
}

/// G10: recovery codes are good once, and have more than 20 bits.
#[test]
fn g10_recovery_codes() {
    let codes = RecoveryCodes::new().unwrap();
    let shown = codes.shown();
    let mut hashes = codes.hashes();
    assert_eq!((shown.len(), hashes.len()), (10, 10));
    let kept = serde_json::to_string(&hashes).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<RecoveryCodeHash>>(&kept).unwrap(),
        hashes
    );

    for (place, shown) in shown.iter().enumerate() {
        assert_eq!(shown.len(), 19, "{shown}");
        let typed = RecoveryCode::from(shown.as_str());
        assert!(typed.validate().is_ok());
        assert_eq!(typed.position_in(&hashes), Some(place));
        let sloppy = shown
            .to_uppercase()
            .replace('-', " ")
            .replace('0', "O")
            .replace('1', "l");
        assert_eq!(
            RecoveryCode::from(&*sloppy).position_in(&hashes),
            Some(place)
        );
        // Another last letter, or one more.
        let (rest, last) = shown.split_at(18);
        let other = if last == "0" { "2" } else { "0" };
        for wrong in [
            format!("{rest}{other}"),
            format!("{shown}0"),
            rest.to_owned(),
        ] {
            assert_eq!(
                RecoveryCode::from(&*wrong).position_in(&hashes),
                None,
                "{wrong}"
            );
        }
    }
    let first = RecoveryCode::from(shown[0].as_str());
    hashes.remove(first.position_in(&hashes).unwrap());
    assert_eq!(first.position_in(&hashes), None);
    assert_eq!(first.position_in(&[String::new().into()]), None);
    for text in [
        "",
        "4rt0-x7mk-92pq-w3h",
        "4rt0-x7mk-92pq-w3hu",
        "4rt0-x7mk-92pq-w3hvx",
    ] {
        assert!(RecoveryCode::from(text).validate().is_err(), "{text}");
    }
}
