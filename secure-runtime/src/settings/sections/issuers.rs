//! The keys of what is about tokens: whose are taken, which are refused, and which are issued here.

use super::{
    super::{
        ClientSettings, IssuerSettings, KeySettings, KeySource, PrivateKeySource,
        RevocationSettings, SigningAlgorithm, SigningKeySettings, TokenIssuerSettings,
        TokenSettings, UnknownAlgorithm, keys,
        read::{Table, boolean, count, parsed, text, texts},
        units,
    },
    DURATION, SIZE,
};

pub(super) fn issuer(table: &mut Table<'_>) -> Option<IssuerSettings> {
    let issuer = table.required("issuer", text);
    let audience = table.required("audience", text);
    let default = IssuerSettings::new("", "");
    let settings = IssuerSettings {
        issuer: String::new(),
        audience: String::new(),
        roles: table.optional("roles", texts).unwrap_or(default.roles),
        scopes: table.optional("scopes", texts).unwrap_or(default.scopes),
        client_id: table
            .optional("client_id", text)
            .unwrap_or(default.client_id),
        token_id: table.optional("token_id", text).unwrap_or(default.token_id),
        accept_generic_typ: table
            .optional("accept_generic_typ", boolean)
            .unwrap_or_default(),
        keys: table.tables("keys", key).into_iter().flatten().collect(),
    };
    Some(IssuerSettings {
        issuer: issuer?,
        audience: audience?,
        ..settings
    })
}

fn key(table: &mut Table<'_>) -> Option<KeySettings> {
    let id = table.optional("id", text);
    let algorithm = table.required("algorithm", |kind| {
        text(kind)?
            .parse()
            .map_err(|error: UnknownAlgorithm| error.to_string())
    });
    let given = table.given(&[
        "public_key",
        "public_key_file",
        "secret_base64",
        "secret_env",
        "secret_file",
    ]);
    let sources = [
        table.optional("public_key", text).map(KeySource::PublicKey),
        table
            .optional("public_key_file", text)
            .map(|path| KeySource::PublicKeyFile(path.into())),
        table
            .optional("secret_base64", |kind| keys::secret(&text(kind)?))
            .map(KeySource::Secret),
        table
            .optional("secret_file", text)
            .map(|path| KeySource::SecretFile(path.into())),
        table.optional("secret_env", text).map(KeySource::SecretEnv),
    ];
    if given != 1 {
        table.mistake_here(
            "write exactly one of `public_key`, `public_key_file`, `secret_base64`, \
             `secret_file` and `secret_env`",
        );
    }
    let source = sources.into_iter().flatten().next()?;
    Some(KeySettings {
        id,
        algorithm: algorithm?,
        source,
    })
}

pub(super) fn tokens(table: &mut Table<'_>) -> TokenSettings {
    let default = TokenSettings::default();
    TokenSettings {
        leeway: table
            .optional("leeway", parsed(units::duration, DURATION))
            .unwrap_or(default.leeway),
        max_lifetime: table
            .optional("max_lifetime", parsed(units::duration, DURATION))
            .unwrap_or(default.max_lifetime),
        cache: table
            .optional("cache", parsed(units::size, SIZE))
            .unwrap_or(default.cache),
    }
}

pub(super) fn revocation(table: &mut Table<'_>) -> RevocationSettings {
    let default = RevocationSettings::default();
    RevocationSettings {
        file: table.optional("file", text).map(Into::into),
        max_entries: table
            .optional("max_entries", count)
            .unwrap_or(default.max_entries),
    }
}

pub(super) fn token_issuer(table: &mut Table<'_>) -> Option<TokenIssuerSettings> {
    let issuer = table.required("issuer", text);
    let audience = table.required("audience", text);
    let default = TokenIssuerSettings::new("", "");
    let mut duration = |key, default| {
        let given = table.optional(key, parsed(units::duration, DURATION));
        given.unwrap_or(default)
    };
    let access_lifetime = duration("access_lifetime", default.access_lifetime);
    let idle_lifetime = duration("idle_lifetime", default.idle_lifetime);
    let absolute_lifetime = duration("absolute_lifetime", default.absolute_lifetime);
    let retry_grace = duration("retry_grace", default.retry_grace);
    let settings = TokenIssuerSettings {
        issuer: String::new(),
        audience: String::new(),
        signing_key: table.optional("signing_key", text),
        refresh_secret: refresh_secret(table),
        access_lifetime,
        idle_lifetime,
        absolute_lifetime,
        retry_grace,
        max_sessions: table
            .optional("max_sessions", count)
            .unwrap_or(default.max_sessions),
        max_sessions_per_subject: table
            .optional("max_sessions_per_subject", count)
            .unwrap_or(default.max_sessions_per_subject),
        keys: table
            .tables("keys", signing_key)
            .into_iter()
            .flatten()
            .collect(),
    };
    Some(TokenIssuerSettings {
        issuer: issuer?,
        audience: audience?,
        ..settings
    })
}

fn refresh_secret(table: &mut Table<'_>) -> Option<KeySource> {
    if table.given(&["refresh_secret", "refresh_secret_file"]) > 1 {
        table.mistake_here("write one of `refresh_secret` and `refresh_secret_file`, not both");
    }
    let here = table.optional("refresh_secret", |kind| keys::secret(&text(kind)?));
    let file = table.optional("refresh_secret_file", text);
    here.map(KeySource::Secret)
        .or(file.map(|path| KeySource::SecretFile(path.into())))
}

fn signing_key(table: &mut Table<'_>) -> Option<SigningKeySettings> {
    let id = table.required("id", text);
    let algorithm = table.optional(
        "algorithm",
        parsed(SigningAlgorithm::named, "write `EdDSA` or `ES256`"),
    );
    let given = table.given(&["private_key", "private_key_file"]);
    let sources = [
        table
            .optional("private_key", text)
            .map(|pem| PrivateKeySource::Pem(pem.into())),
        table
            .optional("private_key_file", text)
            .map(|path| PrivateKeySource::File(path.into())),
    ];
    if given != 1 {
        table.mistake_here("write exactly one of `private_key` and `private_key_file`");
    }
    let source = sources.into_iter().flatten().next()?;
    Some(SigningKeySettings {
        id: id?,
        algorithm: algorithm.unwrap_or_default(),
        source,
    })
}

pub(super) fn client(table: &mut Table<'_>) -> Option<ClientSettings> {
    let id = table.required("id", text);
    let secret_sha256 = table.required("secret_sha256", texts);
    let introspect = table.optional("introspect", boolean).unwrap_or_default();
    Some(ClientSettings {
        id: id?,
        secret_sha256: secret_sha256?,
        introspect,
    })
}
