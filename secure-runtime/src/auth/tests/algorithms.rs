//! Every algorithm, right and wrong.

use super::*;

struct Case {
    alg: Algorithm,
    name: &'static str,
    signer: EncodingKey,
    key: VerifyingKey,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (alg, name, algorithm) in [
        (Algorithm::HS256, "HS256", HmacAlgorithm::Hs256),
        (Algorithm::HS384, "HS384", HmacAlgorithm::Hs384),
        (Algorithm::HS512, "HS512", HmacAlgorithm::Hs512),
    ] {
        cases.push(Case {
            alg,
            name,
            signer: EncodingKey::from_secret(&secret_bytes(64)),
            key: hmac_key(algorithm, secret_bytes(64)),
        });
    }
    for (alg, name, algorithm) in [
        (Algorithm::RS256, "RS256", RsaAlgorithm::Rs256),
        (Algorithm::RS384, "RS384", RsaAlgorithm::Rs384),
        (Algorithm::RS512, "RS512", RsaAlgorithm::Rs512),
        (Algorithm::PS256, "PS256", RsaAlgorithm::Ps256),
        (Algorithm::PS384, "PS384", RsaAlgorithm::Ps384),
        (Algorithm::PS512, "PS512", RsaAlgorithm::Ps512),
    ] {
        cases.push(Case {
            alg,
            name,
            signer: EncodingKey::from_rsa_pem(key_file!("rsa.key").as_bytes()).unwrap(),
            key: VerifyingKey::rsa(algorithm, key_file!("rsa.pub")).unwrap(),
        });
    }
    for (alg, name, algorithm, private, public) in [
        (
            Algorithm::ES256,
            "ES256",
            EcdsaAlgorithm::Es256,
            key_file!("es256.key"),
            key_file!("es256.pub"),
        ),
        (
            Algorithm::ES384,
            "ES384",
            EcdsaAlgorithm::Es384,
            key_file!("es384.key"),
            key_file!("es384.pub"),
        ),
    ] {
        cases.push(Case {
            alg,
            name,
            signer: EncodingKey::from_ec_pem(private.as_bytes()).unwrap(),
            key: VerifyingKey::ecdsa(algorithm, public).unwrap(),
        });
    }
    for name in ["EdDSA", "Ed25519"] {
        cases.push(Case {
            alg: Algorithm::EdDSA,
            name,
            signer: EncodingKey::from_ed_pem(key_file!("ed.key").as_bytes()).unwrap(),
            key: VerifyingKey::eddsa(key_file!("ed.pub")).unwrap(),
        });
    }
    cases
}

impl Case {
    fn rig(&self) -> Rig {
        Rig::new(vec![Issuer::new(ISSUER, AUDIENCE).key(self.key.clone())])
    }

    /// A token that says `alg` and is signed with this case's key.
    fn token(&self, alg: &str) -> String {
        let header = json!({"typ": "at+jwt", "alg": alg}).to_string();
        signed_with(&header, &payload().to_string(), &self.signer, self.alg)
    }
}

const WRONG_ALGORITHM: &str = "token: `alg` is not the algorithm of the key";

#[test]
fn j01_each_algorithm_accepts_its_own_tokens_and_no_others() {
    let cases = cases();
    for case in &cases {
        let rig = case.rig();
        rig.assert_accepted(&case.token(case.name));
        for other in &cases {
            if other.alg == case.alg {
                continue;
            }
            rig.assert_refused(&other.token(other.name), WRONG_ALGORITHM);
            // Right name, wrong signature.
            rig.assert_refused(&other.token(case.name), "token: the signature is not valid");
        }
    }
}

#[test]
fn j02_alg_must_be_the_keys_in_exact_letters() {
    for case in cases() {
        let rig = case.rig();
        for wrong in [
            case.name.to_lowercase(),
            format!("{} ", case.name),
            format!("{}\u{0}", case.name),
            String::new(),
            "ES512".to_owned(),
            "ES256K".to_owned(),
            "RSA-OAEP".to_owned(),
        ] {
            rig.assert_refused(&case.token(&wrong), WRONG_ALGORITHM);
        }
    }
}

#[test]
fn j03_alg_none_is_refused_in_every_letter_case() {
    for case in cases() {
        let rig = case.rig();
        for bits in 0..16_u8 {
            let none: String = "none"
                .chars()
                .enumerate()
                .map(|(n, letter)| match bits >> n & 1 {
                    1 => letter.to_ascii_uppercase(),
                    _ => letter,
                })
                .collect();
            rig.assert_refused(&case.token(&none), "token: `alg` is none");
            let (unsigned, _) = case
                .token(&none)
                .rsplit_once('.')
                .map(|(a, b)| (a.to_owned(), b.len()))
                .unwrap();
            rig.assert_refused(
                &format!("{unsigned}."),
                "token: not three parts with something in each",
            );
            rig.assert_refused(&format!("{unsigned}.AA"), "token: `alg` is none");
        }
    }
}

#[test]
fn j04_a_public_key_is_never_an_hmac_secret() {
    let rig = Rig::new(vec![Issuer::new(ISSUER, AUDIENCE).key(
        VerifyingKey::rsa(RsaAlgorithm::Rs256, key_file!("rsa.pub")).unwrap(),
    )]);
    let der = pem::parse(key_file!("rsa.pub")).unwrap().into_contents();
    for secret in [
        key_file!("rsa.pub").as_bytes(),
        key_file!("rsa.pub").trim().as_bytes(),
        key_file!("rsa.pkcs1.pub").as_bytes(),
        &der,
    ] {
        for (alg, name) in [(Algorithm::HS256, "HS256"), (Algorithm::HS256, "RS256")] {
            let header = json!({"typ": "at+jwt", "alg": name}).to_string();
            let token = signed_with(
                &header,
                &payload().to_string(),
                &EncodingKey::from_secret(secret),
                alg,
            );
            rig.reason(&token);
        }
    }
}

#[test]
fn j05_the_fully_specified_name_of_eddsa_is_accepted() {
    let case = cases().pop().unwrap();
    assert_eq!(case.name, "Ed25519");
    case.rig().assert_accepted(&case.token("Ed25519"));
    case.rig().assert_accepted(&case.token("EdDSA"));
    case.rig()
        .assert_refused(&case.token("Ed448"), WRONG_ALGORITHM);
}

#[test]
fn each_flipped_byte_of_each_signature_is_refused() {
    for case in cases() {
        let rig = case.rig();
        let token = case.token(case.name);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for n in 0..signature.len() {
            let mut wrong = signature.clone();
            wrong[n] ^= 1 << (n % 8);
            rig.assert_refused(
                &format!("{message}.{}", URL_SAFE_NO_PAD.encode(wrong)),
                "token: the signature is not valid",
            );
        }
        for wrong in [
            &signature[1..],
            &signature[..signature.len() - 1],
            &[&signature[..], &[0]].concat(),
            &[&[0], &signature[..]].concat(),
            &[0; 1],
            &vec![0; signature.len()],
            &vec![0xff; signature.len()],
        ] {
            rig.assert_refused(
                &format!("{message}.{}", URL_SAFE_NO_PAD.encode(wrong)),
                "token: the signature is not valid",
            );
        }
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "ES256")
        .unwrap();
    let token = case.token("ES256");
    let (message, signature) = token.rsplit_once('.').unwrap();
    let fixed = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |half: &[u8]| [&[2, 33, 0], half].concat();
    let mut der = vec![0x30, 70];
    der.extend(integer(&fixed[..32]));
    der.extend(integer(&fixed[32..]));
    case.rig().assert_refused(
        &format!("{message}.{}", URL_SAFE_NO_PAD.encode(der)),
        "token: the signature is not valid",
    );
}
