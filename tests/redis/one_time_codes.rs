//! Codes of authenticator apps, good once in all processes together.

use secure_runtime::{
    Clock, Refusal,
    otp::{OneTimeCode, OtpSecret},
    testing::one_time_code,
};

use crate::{instance::Instance, server::Redis};

fn code_of(secret: &OtpSecret) -> OneTimeCode {
    OneTimeCode::from(&*one_time_code(secret, &Clock::system()))
}

/// G10: whoever is first, wherever, is the only one.
#[actix_web::test]
async fn g10_a_code_is_good_once_in_all_processes() {
    let mut redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    for _ in 0..20 {
        let secret = OtpSecret::new().unwrap();
        let code = code_of(&secret);
        let attempts = (0..16).map(|n| {
            let instance = if n % 2 == 0 { &here } else { &there };
            instance.security.one_time_codes().verify(&secret, &code)
        });
        let good = futures_util::future::join_all(attempts).await;
        let good = good.into_iter().filter(|good| *good.as_ref().unwrap());
        assert_eq!(good.count(), 1);
    }

    // Without the store nobody knows whether a code was used.
    redis.kill();
    let secret = OtpSecret::new().unwrap();
    let code = code_of(&secret);
    let refused = here.security.one_time_codes().verify(&secret, &code).await;
    assert_eq!(refused.unwrap_err().refusal(), Refusal::Undecided);
}

/// G10: what a process took it does not take from a store that has forgotten it. Another one does.
#[actix_web::test]
async fn g10_a_code_is_good_once_where_it_was_taken_whatever_the_store_has_lost() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    let secret = OtpSecret::new().unwrap();
    let code = code_of(&secret);
    let verify = async |instance: &Instance| {
        let codes = instance.security.one_time_codes();
        codes.verify(&secret, &code).await.unwrap()
    };
    assert!(verify(&here).await);
    for taken_there in [true, false] {
        redis.ask(&["FLUSHALL"]);
        assert!(!verify(&here).await);
        redis.ask(&["FLUSHALL"]);
        assert_eq!(verify(&there).await, taken_there);
    }
}
