//! What is a key, and what is not.

use super::*;

fn hmac(algorithm: HmacAlgorithm, bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::hmac(algorithm, &SecretSlice::from(bytes.to_vec()))
}

#[test]
fn j18_a_secret_is_as_long_as_the_hash() {
    for (algorithm, needed) in [
        (HmacAlgorithm::Hs256, 32),
        (HmacAlgorithm::Hs384, 48),
        (HmacAlgorithm::Hs512, 64),
    ] {
        for length in 0..needed {
            assert_eq!(
                hmac(algorithm, &secret_bytes(length)).unwrap_err(),
                KeyError::SecretTooShort {
                    algorithm,
                    bytes: usize::from(length),
                    needed: usize::from(needed),
                }
            );
        }
        assert!(hmac(algorithm, &secret_bytes(needed)).is_ok());
    }
    assert_eq!(
        hmac(HmacAlgorithm::Hs256, b"secret")
            .unwrap_err()
            .to_string(),
        "the secret has 6 bytes and Hs256 needs 32: make one with `openssl rand 32`"
    );
}

#[test]
fn j18_a_secret_that_can_be_guessed_is_refused() {
    let block = secret_bytes(31);
    let counting: Vec<u8> = (0..64).collect();
    let down: Vec<u8> = (0..64).rev().map(|n| n * 3).collect();
    for weak in [
        &[0; 64][..],
        &[0xff; 64],
        &b"secret".repeat(11),
        &b"0123456789".repeat(7),
        &secret_bytes(32).repeat(2),
        &[&block[..], &block, &block[..2]].concat(),
        &counting,
        &down,
        b"a-string-secret-at-least-256-bits-long-and-then-some-more-text-after-it",
    ] {
        assert!(
            matches!(
                hmac(HmacAlgorithm::Hs512, weak),
                Err(KeyError::SecretWeak { .. })
            ),
            "{weak:?}"
        );
    }
    // Thirty-two random bytes, in hexadecimal digits.
    let hex = b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    assert!(hmac(HmacAlgorithm::Hs512, hex).is_ok());
}

#[test]
fn every_public_key_format_is_read() {
    let rsa = |pem| VerifyingKey::rsa(RsaAlgorithm::Rs256, pem);
    assert!(rsa(key_file!("rsa.pub")).is_ok());
    assert!(rsa(key_file!("rsa.pkcs1.pub")).is_ok());
    let windows = key_file!("rsa.pub").replace('\n', "\r\n");
    assert!(VerifyingKey::rsa(RsaAlgorithm::Rs256, windows).is_ok());
}

#[test]
fn keys_of_another_family_or_curve_are_refused() {
    let all = [
        (key_file!("rsa.pub"), "an RSA key"),
        (key_file!("rsa.pkcs1.pub"), "an RSA key"),
        (key_file!("es256.pub"), "a P-256 key"),
        (key_file!("es384.pub"), "a P-384 key"),
        (key_file!("ed.pub"), "an Ed25519 key"),
        (
            key_file!("es512.pub"),
            "a key of a kind that is not supported",
        ),
        (key_file!("k1.pub"), "a key of a kind that is not supported"),
        (
            key_file!("ed448.pub"),
            "a key of a kind that is not supported",
        ),
        (
            key_file!("x25519.pub"),
            "a key of a kind that is not supported",
        ),
    ];
    type Make = fn(&str) -> Result<VerifyingKey, KeyError>;
    let families: [(&str, Make); 4] = [
        ("an RSA key", |pem| {
            VerifyingKey::rsa(RsaAlgorithm::Ps256, pem)
        }),
        ("a P-256 key", |pem| {
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, pem)
        }),
        ("a P-384 key", |pem| {
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es384, pem)
        }),
        ("an Ed25519 key", |pem| VerifyingKey::eddsa(pem)),
    ];
    for (expected, make) in families {
        for (pem, found) in all {
            match make(pem) {
                Ok(_) => assert_eq!(expected, found),
                Err(error) => assert_eq!(error, KeyError::WrongFamily { expected, found }),
            }
        }
    }
}

#[test]
fn private_keys_and_certificates_are_refused() {
    for private in [
        key_file!("rsa.key"),
        key_file!("rsa.pkcs1.key"),
        key_file!("es256.key"),
        key_file!("ed.key"),
    ] {
        for made in [
            VerifyingKey::rsa(RsaAlgorithm::Rs256, private),
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, private),
            VerifyingKey::eddsa(private),
        ] {
            assert_eq!(made.unwrap_err(), KeyError::PrivateKey);
        }
    }
    assert_eq!(
        VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, key_file!("es256.crt")).unwrap_err(),
        KeyError::Certificate
    );
}

#[test]
fn weak_rsa_keys_are_refused() {
    assert_eq!(
        VerifyingKey::rsa(RsaAlgorithm::Rs256, key_file!("rsa1024.pub")).unwrap_err(),
        KeyError::RsaLength { bits: 1024 }
    );
    assert_eq!(
        VerifyingKey::rsa(RsaAlgorithm::Rs256, key_file!("rsae3.pub")).unwrap_err(),
        KeyError::RsaExponent
    );
}

#[test]
fn texts_that_are_no_key_are_refused() {
    let two = [key_file!("es256.pub"), key_file!("es384.pub")].concat();
    for text in ["", "key", "-----BEGIN PUBLIC KEY-----", &two] {
        assert_eq!(
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, text).unwrap_err(),
            KeyError::NotOnePem
        );
    }
}

#[test]
fn damaged_keys_are_refused() {
    type Make = fn(String) -> Result<VerifyingKey, KeyError>;
    let cases: [(&str, Make); 4] = [
        (key_file!("rsa.pub"), |pem| {
            VerifyingKey::rsa(RsaAlgorithm::Rs256, pem)
        }),
        (key_file!("rsa.pkcs1.pub"), |pem| {
            VerifyingKey::rsa(RsaAlgorithm::Rs256, pem)
        }),
        (key_file!("es256.pub"), |pem| {
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, pem)
        }),
        (key_file!("ed.pub"), |pem| VerifyingKey::eddsa(pem)),
    ];
    for (good, make) in cases {
        let good = pem::parse(good).unwrap();
        let encode = |der: &[u8]| pem::encode(&pem::Pem::new(good.tag(), der));
        let der = good.contents();
        assert!(make(encode(der)).is_ok());
        for length in 0..der.len() {
            assert!(make(encode(&der[..length])).is_err(), "{length}");
        }
        assert!(make(encode(&[der, &[0]].concat())).is_err());
        // Never a panic, whatever is in it.
        for n in 0..der.len() {
            for wrong in [0, 1, 0x7f, 0x80, 0x81, 0x84, 0xff] {
                let mut der = der.to_vec();
                der[n] = wrong;
                let _ = make(encode(&der));
            }
        }
    }
    // Something more inside of the outermost sequence.
    let more = |pem: &str, length_at: usize| {
        let good = pem::parse(pem).unwrap();
        let mut der = [good.contents(), &[5, 0]].concat();
        der[length_at] += 2;
        pem::encode(&pem::Pem::new(good.tag(), der))
    };
    for (pem, length_at) in [(key_file!("rsa.pub"), 3), (key_file!("rsa.pkcs1.pub"), 3)] {
        assert_eq!(
            VerifyingKey::rsa(RsaAlgorithm::Rs256, more(pem, length_at)).unwrap_err(),
            KeyError::Malformed
        );
    }
    assert_eq!(
        VerifyingKey::eddsa(more(key_file!("ed.pub"), 1)).unwrap_err(),
        KeyError::Malformed
    );
    // Parameters where the family has none.
    let good = pem::parse(key_file!("ed.pub")).unwrap();
    let der = [
        &[0x30, 44, 0x30, 7],
        &good.contents()[4..9],
        &[5, 0],
        &good.contents()[9..],
    ]
    .concat();
    assert_eq!(
        VerifyingKey::eddsa(pem::encode(&pem::Pem::new("PUBLIC KEY", der))).unwrap_err(),
        KeyError::Malformed
    );
    // A point that is not on the curve.
    let mut der = pem::parse(key_file!("es256.pub")).unwrap().into_contents();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(
        VerifyingKey::ecdsa(
            EcdsaAlgorithm::Es256,
            pem::encode(&pem::Pem::new("PUBLIC KEY", der))
        )
        .unwrap_err(),
        KeyError::Malformed
    );
}

#[test]
fn an_rsa_exponent_must_be_odd_and_large() {
    // The exponent is the last element: 65537 is `02 03 01 00 01`.
    let good = pem::parse(key_file!("rsa.pkcs1.pub")).unwrap();
    for exponent in [[1, 0, 0], [0x7f, 0, 2]] {
        let mut der = good.contents().to_vec();
        let start = der.len() - 3;
        der[start..].copy_from_slice(&exponent);
        let pem = pem::encode(&pem::Pem::new("RSA PUBLIC KEY", der));
        assert_eq!(
            VerifyingKey::rsa(RsaAlgorithm::Rs256, pem).unwrap_err(),
            KeyError::Malformed
        );
    }
}

#[test]
fn no_key_is_shown() {
    let secret = secret_bytes(32);
    let issuer = Issuer::new(ISSUER, AUDIENCE).key(hmac_key(HmacAlgorithm::Hs256, secret.clone()));
    let shown = format!("{issuer:?} {issuer}");
    assert!(shown.contains("HS256"));
    assert!(!shown.contains(&format!("{:?}", &secret[..4])[1..11]));
}
