//! Secrets are found where they are, and shown nowhere.

use secrecy::{ExposeSecret, SecretString};

use super::*;

/// A secret in every place where a reader or a parser could quote it.
#[test]
fn no_secret_is_shown() {
    let key = format!("{ISSUER}[[issuers.keys]]\nalgorithm = \"HS256\"\n");
    let env = "SECURE__ISSUERS__0__KEYS__0__";
    for (file, variables) in [
        // the right place
        (format!("{key}secret_base64 = \"{SECRET}\""), vec![]),
        // the wrong type, the wrong key, the wrong form
        (format!("{key}secret_base64 = [\"{SECRET}\"]"), vec![]),
        (
            format!("{key}secret_base64 = {{ \"{SECRET}\" = 1 }}"),
            vec![],
        ),
        (format!("{key}secret_base64 = \"{SECRET}!\""), vec![]),
        (format!("{key}secret = \"{SECRET}\""), vec![]),
        (format!("{key}algorithm_ = \"{SECRET}\""), vec![]),
        (format!("{key}id = [\"{SECRET}\"]"), vec![]),
        (format!("[tls]\nprivate_key = \"{SECRET}\""), vec![]),
        (format!("[server]\naddress = \"{SECRET}\""), vec![]),
        (format!("[tokens]\nleeway = \"{SECRET}\""), vec![]),
        (format!("server = \"{SECRET}\""), vec![]),
        // text that is not TOML
        (format!("{key}secret_base64 = \"{SECRET}"), vec![]),
        (format!("{key}secret_base64 = {SECRET}"), vec![]),
        (
            format!("{key}secret_base64 = \"{SECRET}\" \"{SECRET}\""),
            vec![],
        ),
        (format!("{key}secret_base64 = \"\\x{SECRET}\""), vec![]),
        // the environment
        (
            key.clone(),
            vec![(format!("{env}SECRET_BASE64"), SECRET.to_owned())],
        ),
        (
            key.clone(),
            vec![(format!("{env}SECRET_BASE64"), format!("{SECRET}!"))],
        ),
        (
            key.clone(),
            vec![(format!("{env}SECRET"), SECRET.to_owned())],
        ),
        (
            key.clone(),
            vec![(format!("{env}SECRET_BASE64__X"), SECRET.to_owned())],
        ),
        (
            key.clone(),
            vec![("SECURE__ISSUERS".to_owned(), SECRET.to_owned())],
        ),
        (key, vec![("SECURE____X".to_owned(), SECRET.to_owned())]),
    ] {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>();
        let shown = match load(Some(&file), &variables) {
            Ok(settings) => format!("{settings:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains("aHVudGVy"), "{file}: {shown}");
        assert!(!shown.contains("hunter2"), "{file}: {shown}");
    }
}

#[test]
fn keys_are_read_from_where_they_are() {
    let folder = std::env::temp_dir().join(format!("secure-keys-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let variable = |name: &str| match name {
        "GOOD" => Some(SecretString::from(format!(" {SECRET}\n"))),
        "BAD" => Some(SecretString::from("hunter2!")),
        _ => None,
    };
    let base64 = "write base64, as `openssl rand -base64 32` prints it";
    for (source, expected) in [
        (KeySource::PublicKey("pem".into()), Ok(b"pem".to_vec())),
        (
            KeySource::PublicKeyFile(write("a.pem", b"pem")),
            Ok(b"pem".to_vec()),
        ),
        (
            KeySource::Secret(b"hunter2".to_vec().into()),
            Ok(b"hunter2".to_vec()),
        ),
        (
            KeySource::SecretFile(write("a.secret", format!("{SECRET}\n").as_bytes())),
            Ok(b"hunter2".repeat(5)),
        ),
        (
            KeySource::SecretFile(write("unpadded", SECRET.trim_end_matches('=').as_bytes())),
            Ok(b"hunter2".repeat(5)),
        ),
        (
            KeySource::SecretEnv("GOOD".into()),
            Ok(b"hunter2".repeat(5)),
        ),
        (
            KeySource::SecretEnv("BAD".into()),
            Err(format!("`secret_env`: {base64}")),
        ),
        (
            KeySource::SecretEnv("NONE".into()),
            Err("`secret_env`: the environment variable of this name is not set".into()),
        ),
        (
            KeySource::SecretFile(write("raw", b"\xff\xfe")),
            Err(format!("`secret_file`: {base64}")),
        ),
        (
            KeySource::SecretFile(write("empty", b"\n")),
            Err("`secret_file`: the secret is empty".into()),
        ),
        (
            KeySource::PublicKeyFile("-----BEGIN PUBLIC KEY-----".into()),
            Err("`public_key_file`: write the path of a PEM file, not what is in it".into()),
        ),
    ] {
        let read = KeySettings::new(Algorithm::Hs256, source)
            .load_with(&variable)
            .map(|material| match material {
                KeyMaterial::PublicKey(pem) => pem,
                KeyMaterial::Secret(secret) => secret.expose_secret().to_vec(),
            })
            .map_err(|mistake| mistake.to_string());
        assert_eq!(read, expected);
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_key_that_cannot_be_read_is_named() {
    let missing = |name: &str| {
        KeySettings::new(
            Algorithm::EdDsa,
            KeySource::PublicKeyFile(format!("no/such/{name}").into()),
        )
    };
    let inline = KeySettings::new(Algorithm::EdDsa, KeySource::PublicKey("pem".into()));
    let settings = Settings {
        issuers: vec![
            IssuerSettings::new("a", "api")
                .key(inline)
                .key(missing("a")),
            IssuerSettings::new("b", "api").key(missing("b")),
        ],
        ..Settings::default()
    };
    let unreadable = "the file of this name cannot be read: No such file or directory (os error 2)";
    assert_eq!(
        messages(
            crate::Security::builder()
                .settings(settings.clone())
                .build()
                .unwrap_err()
        ),
        [
            "`issuers[0].keys[0]`: the text is not exactly one PEM block: give one `-----BEGIN PUBLIC KEY-----` block".to_owned(),
            format!("`issuers[0].keys[1].public_key_file`: {unreadable}"),
            format!("`issuers[1].keys[0].public_key_file`: {unreadable}"),
        ]
    );
}
