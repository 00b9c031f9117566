//! From the operator's text to a service that takes tokens: every algorithm with a key from a
//! file, and what is refused before anything starts.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use actix_web::{
    App, Responder, get,
    http::StatusCode,
    test::{TestRequest, call_service, init_service},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secure_runtime::{Principal, Security, Settings, secured};
use serde_json::json;

#[secured(role = "admin")]
#[get("/me")]
async fn me(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

/// Keys that were made for the tests of the runtime.
fn key_file(name: &str) -> PathBuf {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../secure-runtime/src/auth/tests/keys"
    );
    PathBuf::from(folder).join(name)
}

/// A file that is there until this is dropped.
struct File(PathBuf);

impl File {
    fn with(text: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "secure-suite-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn settings(algorithm: &str, source: &str) -> String {
    format!(
        r#"
        realm = "orders"
        [danger]
        plaintext = true
        [[issuers]]
        issuer = "https://id.test"
        audience = "orders.test"
        roles = ["realm_access.roles"]
        [[issuers.keys]]
        algorithm = "{algorithm}"
        {source}
        "#
    )
}

fn token(algorithm: Algorithm, key: &EncodingKey) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    let claims = json!({
        "iss": "https://id.test",
        "aud": "orders.test",
        "sub": "ann",
        "client_id": "suite",
        "jti": "1",
        "iat": now,
        "exp": now + 300,
        "realm_access": { "roles": ["admin"] },
    });
    encode(&header, &claims, key).unwrap()
}

async fn status(security: &Security, token: &str) -> StatusCode {
    let app = init_service(
        App::new()
            .configure(security.routes(|routes| {
                routes.service(me);
            }))
            .wrap(security.shield()),
    )
    .await;
    let request = TestRequest::get()
        .uri("/me")
        .insert_header(("authorization", format!("Bearer {token}")));
    call_service(&app, request.to_request()).await.status()
}

/// A random-looking secret of this length.
fn secret(length: u8) -> Vec<u8> {
    (0..length)
        .map(|n| n.wrapping_mul(n).wrapping_mul(167).wrapping_add(n ^ 0x5a))
        .collect()
}

#[actix_web::test]
async fn j01_j02_a_key_from_a_file_verifies_its_algorithm_and_no_other() {
    let pem = |name: &str| fs::read(key_file(name)).unwrap();
    let rsa = || EncodingKey::from_rsa_pem(&pem("rsa.key.pem")).unwrap();
    let ec = |name: &str| EncodingKey::from_ec_pem(&pem(name)).unwrap();
    let ed = EncodingKey::from_ed_pem(&pem("ed.key.pem")).unwrap();
    let hmac = |length| EncodingKey::from_secret(&secret(length));
    let all = [
        ("EdDSA", Algorithm::EdDSA, "ed.pub.pem", ed),
        (
            "ES256",
            Algorithm::ES256,
            "es256.pub.pem",
            ec("es256.key.pem"),
        ),
        (
            "ES384",
            Algorithm::ES384,
            "es384.pub.pem",
            ec("es384.key.pem"),
        ),
        ("PS256", Algorithm::PS256, "rsa.pub.pem", rsa()),
        ("PS384", Algorithm::PS384, "rsa.pub.pem", rsa()),
        ("PS512", Algorithm::PS512, "rsa.pub.pem", rsa()),
        ("RS256", Algorithm::RS256, "rsa.pub.pem", rsa()),
        ("RS384", Algorithm::RS384, "rsa.pub.pem", rsa()),
        ("RS512", Algorithm::RS512, "rsa.pub.pem", rsa()),
        ("HS256", Algorithm::HS256, "", hmac(64)),
        ("HS384", Algorithm::HS384, "", hmac(64)),
        ("HS512", Algorithm::HS512, "", hmac(64)),
    ];
    let secret_file = File::with(&format!("{}\n", STANDARD.encode(secret(64))));
    for (name, algorithm, file, _) in &all {
        let source = match *file {
            "" => format!("secret_file = {:?}", secret_file.0),
            file => format!("public_key_file = {:?}", key_file(file)),
        };
        let settings = Settings::from_toml(&settings(name, &source)).unwrap();
        let security = Security::from_settings(settings).await.unwrap();
        for (_, signed_as, _, key) in &all {
            let expected = if signed_as == algorithm { 200 } else { 401 };
            let status = status(&security, &token(*signed_as, key)).await;
            assert_eq!(status, expected, "{name} and a token with {signed_as:?}");
        }
    }
}

/// What `Security::from_settings` says of these settings.
async fn mistake(text: &str) -> String {
    let error = match Settings::from_toml(text) {
        Err(error) => error,
        Ok(settings) => Security::from_settings(settings).await.unwrap_err(),
    };
    format!("{error} {error:?}")
}

#[actix_web::test]
async fn j18_a_weak_secret_stops_the_start_and_is_not_shown() {
    for (algorithm, bytes) in [
        ("HS256", secret(31)),
        ("HS512", secret(63)),
        ("HS256", b"hunter2hunter2hunter2hunter2hunter2".to_vec()),
        ("HS256", vec![b'x'; 64]),
        (
            "HS256",
            b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA".to_vec(),
        ),
    ] {
        let encoded = STANDARD.encode(&bytes);
        let file = File::with(&encoded);
        let source = format!("secret_file = {:?}", file.0);
        let text = mistake(&settings(algorithm, &source)).await;
        assert!(text.contains("issuers[0].keys[0]"), "{text}");
        assert!(!text.contains(&encoded), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[actix_web::test]
async fn a_key_of_the_wrong_kind_stops_the_start() {
    let public = |algorithm: &str, name: &str| {
        settings(
            algorithm,
            &format!("public_key_file = {:?}", key_file(name)),
        )
    };
    let file = File::with(&STANDARD.encode(secret(64)));
    for text in [
        public("ES256", "ed.pub.pem"),
        public("EdDSA", "es256.pub.pem"),
        public("ES384", "es256.pub.pem"),
        public("RS256", "rsa1024.pub.pem"),
        public("RS256", "rsae3.pub.pem"),
        // A private key does not belong where tokens are verified.
        public("RS256", "rsa.key.pem"),
        public("EdDSA", "ed.key.pem"),
        public("HS256", "rsa.pub.pem"),
        public("RS256", "missing.pem"),
        settings("RS256", &format!("secret_file = {:?}", file.0)),
    ] {
        let error = mistake(&text).await;
        assert!(error.contains("issuers[0].keys[0]"), "{error}");
        assert!(!error.contains("PRIVATE"), "{error}");
    }
}

#[actix_web::test]
async fn secrets_are_in_no_debug_text() {
    let encoded = STANDARD.encode(secret(64));
    let file = File::with(&encoded);
    for source in [
        format!("secret_base64 = {encoded:?}"),
        format!("secret_file = {:?}", file.0),
    ] {
        let settings = Settings::from_toml(&settings("HS256", &source)).unwrap();
        let shown = format!(
            "{settings:?} {:?}",
            Security::builder().settings(settings.clone())
        );
        assert!(!shown.contains(&encoded), "{shown}");
        // The bytes as a list would be no better.
        assert!(!shown.contains("[90, "), "{shown}");
        let security = Security::from_settings(settings).await.unwrap();
        let issuers = security.authenticator().unwrap().issuers();
        let shown = format!("{security:?} {issuers:?} {:?}", security.authenticator());
        assert!(!shown.contains(&encoded), "{shown}");
        assert!(!shown.contains("[90, "), "{shown}");
    }
}

/// Settings by hand are checked where a service is built of them, too.
#[actix_web::test]
async fn h08_a_realm_that_breaks_out_of_its_quotes_is_refused_in_code_as_well() {
    for realm in ["a\"b", "a\\b", "a\r\nset-cookie: x", "é", ""] {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.realm = realm.to_owned();
        assert!(
            Security::from_settings(settings.clone()).await.is_err(),
            "{realm:?}"
        );
        let built = Security::builder().settings(settings).build();
        assert!(built.is_err(), "{realm:?}");
    }
}
