//! What holds for every token.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_single_byte_change_is_refused(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        thread_local! {
            static RIG: (Rig, String) = (rig(), token(&header(), &payload()));
        }
        RIG.with(|(rig, token)| {
            let mut value = format!("Bearer {token}").into_bytes();
            let place = "Bearer ".len() + place.index(token.len());
            if value[place] == byte {
                return;
            }
            value[place] = byte;
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, value);
                assert!(rig.authenticator.authenticate(&headers).is_err());
            }
        });
    }

    #[test]
    fn random_fields_are_refused_without_a_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Credentials::from_field(&value);
        let _ = Credentials::from_field(&[b"Bearer ", &value[..]].concat());
    }

    #[test]
    fn random_json_is_refused_without_a_panic(
        header in r#"\{("alg"|"typ"|"kid"|"x"):("ES256"|"at\+jwt"|[0-9e.\-]{1,9}|\[\{|null)(,"alg":"ES256")?\}?"#,
        payload in r#"\{("iss"|"exp"):("https://login.example.com"|[0-9e.\-]{1,30}|\[*)\}?"#,
    ) {
        thread_local! {
            static RIG: Rig = rig();
        }
        let token = format!(
            "{}.{}.AA",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        RIG.with(|rig| assert!(rig.authenticate(&token).is_err()));
    }

    #[test]
    fn no_time_overflows(
        exp in any::<f64>(), iat in any::<f64>(), nbf in any::<u64>(), ahead in 0..u64::from(u32::MAX),
    ) {
        let payload = set(set(set(payload(), "exp", json!(exp)), "iat", json!(iat)), "nbf", json!(nbf));
        let rig = rig();
        rig.advance(ahead);
        let _ = rig.authenticate(&token(&header(), &payload));
    }
}
