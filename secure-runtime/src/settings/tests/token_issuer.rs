//! `[token_issuer]` and `[[clients]]`.

use secrecy::ExposeSecret;

use super::*;

const HASH: &str = "4b36efcbb726b9fa53d30125324a72de21526a15adb80f5fd2b34de72a049131";

fn with(text: &str) -> Result<Settings, Error> {
    Settings::from_toml(&format!("[tls]\ndevelopment = true\n{text}"))
}

/// An issuer with one key, and this in its table.
fn issuer(lines: &str) -> String {
    format!(
        "[token_issuer]\nissuer = \"https://self\"\naudience = \"api\"\n{lines}\n\
         [[token_issuer.keys]]\nid = \"a\"\nprivate_key_file = \"a.pem\"\n"
    )
}

#[test]
fn every_key_of_an_issuer_is_read() {
    let text = format!(
        r#"
        [token_issuer]
        issuer = "https://shop.example"
        audience = "https://api.shop.example"
        signing_key = "new"
        refresh_secret = "9IExNqd6SUoQBmXKVrj4mXGdfVXo9bCQNp+Y9PKFGkQ="
        access_lifetime = "5min"
        idle_lifetime = "1h"
        absolute_lifetime = "12h"
        retry_grace = "5s"
        max_sessions = 1000
        max_sessions_per_subject = 3

        [[token_issuer.keys]]
        id = "old"
        private_key_file = "old.pem"

        [[token_issuer.keys]]
        id = "new"
        algorithm = "ES256"
        private_key = "-----BEGIN PRIVATE KEY-----"

        [[clients]]
        id = "gateway"
        secret_sha256 = ["{HASH}", "{HASH}"]
        introspect = true

        [[clients]]
        id = "web"
        secret_sha256 = "{HASH}"
        "#
    );
    let settings = with(&text).unwrap();
    let issuer = settings.token_issuer.unwrap();
    assert_eq!(issuer.issuer, "https://shop.example");
    assert_eq!(issuer.audience, "https://api.shop.example");
    assert_eq!(issuer.current_key(), Some(1));
    let seconds = [
        issuer.access_lifetime,
        issuer.idle_lifetime,
        issuer.absolute_lifetime,
        issuer.retry_grace,
    ]
    .map(|time| time.as_secs());
    assert_eq!(seconds, [300, 3600, 12 * 3600, 5]);
    assert_eq!(issuer.max_sessions.get(), 1000);
    assert_eq!(issuer.max_sessions_per_subject.get(), 3);
    let secret = issuer.load_refresh_secret().unwrap().unwrap();
    assert_eq!(secret.expose_secret().len(), 32);
    let algorithms: Vec<_> = issuer.keys.iter().map(|key| key.algorithm).collect();
    assert_eq!(
        algorithms,
        [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256]
    );
    let clients: Vec<_> = settings
        .clients
        .iter()
        .map(|client| {
            (
                client.id.as_str(),
                client.secret_sha256.len(),
                client.introspect,
            )
        })
        .collect();
    assert_eq!(clients, [("gateway", 2, true), ("web", 1, false)]);
}

/// A table of what is wrong, and what is said of it.
#[test]
fn mistakes_are_told() {
    let long = "write at least `access_lifetime` and at most `366day`, as in `30day`";
    let idle = "write at least `access_lifetime` and at most `absolute_lifetime`, as in `14day`";
    for (line, message) in [
        (
            "access_lifetime = \"4min\"",
            "`token_issuer.access_lifetime`: write `5min` to `15min`",
        ),
        (
            "access_lifetime = \"16min\"",
            "`token_issuer.access_lifetime`: write `5min` to `15min`",
        ),
        (
            "absolute_lifetime = \"9min\"",
            &format!("`token_issuer.absolute_lifetime`: {long}"),
        ),
        (
            "absolute_lifetime = \"367day\"",
            &format!("`token_issuer.absolute_lifetime`: {long}"),
        ),
        (
            "idle_lifetime = \"31day\"",
            &format!("`token_issuer.idle_lifetime`: {idle}"),
        ),
        (
            "idle_lifetime = \"9min\"",
            &format!("`token_issuer.idle_lifetime`: {idle}"),
        ),
        (
            "retry_grace = \"61s\"",
            "`token_issuer.retry_grace`: write at most `60s`",
        ),
        (
            "max_sessions = 0",
            "`token_issuer.max_sessions`: write a number from 1",
        ),
        (
            "max_sessions_per_subject = 1001",
            "`token_issuer.max_sessions_per_subject`: write at most 1000",
        ),
        (
            "signing_key = \"b\"",
            "`token_issuer.signing_key`: no key has this id",
        ),
        (
            "lifetime = \"5min\"",
            "`token_issuer.lifetime`: unknown key; known here: `issuer`, `audience`, \
             `access_lifetime`, `idle_lifetime`, `absolute_lifetime`, `retry_grace`, \
             `signing_key`, `refresh_secret`, `refresh_secret_file`, `max_sessions`, \
             `max_sessions_per_subject`, `keys`",
        ),
    ] {
        let error = with(&issuer(line)).unwrap_err();
        assert_eq!(messages(error), [message], "{line}");
    }
    for (text, message) in [
        (
            issuer("") + "[[token_issuer.keys]]\nid = \"b\"\nprivate_key_file = \"b.pem\"\n",
            "`token_issuer.signing_key`: missing; write the id of the key that signs",
        ),
        (
            issuer("signing_key = \"a\"")
                + "[[token_issuer.keys]]\nid = \"a\"\nprivate_key_file = \"b.pem\"\n",
            "`token_issuer.keys[1].id`: another key has the same id",
        ),
        (
            issuer("signing_key = \"a\"") + "[[token_issuer.keys]]\nid = \"b\"\n",
            "`token_issuer.keys[1]`: write exactly one of `private_key` and `private_key_file`",
        ),
        (
            issuer("").replace("id = \"a\"", "id = \"a\"\nalgorithm = \"RS256\""),
            "`token_issuer.keys[0].algorithm`: write `EdDSA` or `ES256`",
        ),
        (
            "[token_issuer]\nissuer = \"https://self\"\naudience = \"api\"".to_owned(),
            "`token_issuer.keys`: missing; add a table `[[token_issuer.keys]]`",
        ),
        (
            issuer("")
                + "[[issuers]]\nissuer = \"https://self\"\naudience = \"api\"\n\
                 [[issuers.keys]]\nalgorithm = \"EdDSA\"\npublic_key_file = \"a.pem\"\n",
            "`token_issuer.issuer`: `[[issuers]]` lists it as well; its keys are known here, \
             remove it there",
        ),
        (
            issuer("") + "[tokens]\nmax_lifetime = \"9min\"\n",
            "`token_issuer.access_lifetime`: longer than `tokens.max_lifetime`, so that no token \
             would be taken",
        ),
        (
            format!("[[clients]]\nid = \"a\"\nsecret_sha256 = \"{HASH}\"\n"),
            "`clients`: `[token_issuer]` is missing; clients ask about the tokens that it issues",
        ),
        (
            issuer("") + "[[clients]]\nid = \"a\"\nsecret_sha256 = \"hunter2\"\n",
            "`clients[0].secret_sha256`: write the SHA-256 of the secret in 64 hexadecimal \
             digits; one, or two while it is replaced",
        ),
        (
            issuer("")
                + &format!("[[clients]]\nid = \"a\"\nsecret_sha256 = \"{HASH}\"\n").repeat(2),
            "`clients[1].id`: another client has the same id",
        ),
    ] {
        let error = with(&text).unwrap_err();
        assert_eq!(messages(error), [message], "{text}");
    }
}

/// Processes with a secret each would refuse the refresh tokens of the others.
#[cfg(feature = "redis")]
#[test]
fn processes_that_share_sessions_need_one_secret() {
    let redis = "[redis]\nurl = \"redis://127.0.0.1\"\n";
    let error = with(&(issuer("") + redis)).unwrap_err();
    assert_eq!(
        messages(error),
        [
            "`token_issuer.refresh_secret_file`: missing; processes that share `[redis]` need \
             one secret, which `openssl rand -base64 32` makes"
        ]
    );
    with(&(issuer("refresh_secret_file = \"refresh.key\"") + redis)).unwrap();
}

/// J18 holds here too.
#[test]
fn j18_a_secret_that_can_be_guessed_is_refused() {
    for secret in ["AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let settings = with(&issuer(&format!("refresh_secret = \"{secret}\""))).unwrap();
        let wrong = settings.token_issuer.unwrap().load_refresh_secret();
        let wrong = wrong.unwrap_err().to_string();
        assert!(wrong.contains("`token_issuer.refresh_secret`"), "{wrong}");
        assert!(!wrong.contains(secret), "{wrong}");
    }
}

#[test]
fn no_secret_of_an_issuer_is_shown() {
    let inline = issuer(&format!("refresh_secret = \"{SECRET}\"")).replace(
        "private_key_file = \"a.pem\"",
        &format!("private_key = \"{SECRET}\""),
    );
    let clients = format!("[[clients]]\nid = \"a\"\nsecret_sha256 = \"{HASH}\"\n");
    let shown = format!("{:?}", with(&format!("{inline}{clients}")).unwrap());
    for text in [
        issuer(&format!("refresh_secret = \"{SECRET}!\"")),
        issuer(&format!("refresh_secret = [\"{SECRET}\"]")),
        issuer(&format!("signing_key = \"{SECRET}\"")),
        issuer("").replace(
            "private_key_file",
            &format!("private_key = [\"{SECRET}\"]\n#"),
        ),
        format!("[[clients]]\nid = \"a\"\nsecret_sha256 = \"{SECRET}\"\n"),
        format!("[[clients]]\nid = \"a\"\nsecret = \"{SECRET}\"\n"),
    ] {
        let error = with(&text).unwrap_err();
        let shown = format!("{shown}{error} {error:?}");
        assert!(
            !shown.contains(&SECRET[..12]) && !shown.contains(HASH),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
