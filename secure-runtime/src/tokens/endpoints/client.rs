//! Clients that authenticate with a secret of their own, by HTTP Basic (RFC 6749 section 2.3.1).

use std::{borrow::Cow, collections::HashMap, fmt};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
};
use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;

use super::oauth;
use crate::{
    admission::Admitted,
    limit::Charges,
    rejection::{Refusal, Rejection},
    settings::ClientSettings,
};

/// No shorter secret is taken: 32 characters of base64 are 192 bits, and no password that a person
/// has made up.
const MIN_SECRET_CHARS: usize = 32;
/// No longer field is looked at.
const MAX_FIELD_BYTES: usize = 2048;

/// The configured clients by their ids.
pub(crate) struct Clients(HashMap<String, Client>);

#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) introspect: bool,
    /// SHA-256. There is no salt: what is hashed is random and long.
    secrets: Vec<[u8; 32]>,
}

impl Clients {
    /// INVARIANT: the settings were checked, so that each hash has 64 hexadecimal digits.
    pub(crate) fn new(settings: &[ClientSettings]) -> Self {
        let clients = settings.iter().map(|client| {
            let secrets = client
                .secret_sha256
                .iter()
                .filter_map(|text| hash_of_hex(text));
            let known = Client {
                id: client.id.clone(),
                introspect: client.introspect,
                secrets: secrets.collect(),
            };
            (client.id.clone(), known)
        });
        Self(clients.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose credentials these are. An id that is not known takes as long as one that is.
    fn authenticate(&self, headers: &HeaderMap) -> Result<&Client, &'static str> {
        let (id, secret) = basic(headers)?;
        let presented = digest::digest(&digest::SHA256, secret.as_bytes());
        let client = self.0.get(&*id);
        let secrets = client.map_or(&[[0; 32]][..], |client| &client.secrets);
        let mut matches = false;
        for known in secrets {
            matches |= constant_time::verify_slices_are_equal(known, presented.as_ref()).is_ok();
        }
        if secret.len() < MIN_SECRET_CHARS {
            return Err("client: the secret is shorter than 32 characters, whatever its hash");
        }
        match client {
            Some(client) if matches => Ok(client),
            Some(_) => Err("client: the secret is not that of the client"),
            None => Err("client: no client has this id"),
        }
    }
}

/// How many, not which.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("count", &self.0.len())
            .finish()
    }
}

/// The client that calls; or the answer for one that does not say who it is. Credentials that are
/// wrong count against the address, as wrong tokens do.
pub(super) fn authenticate(admitted: &Admitted) -> Result<Result<Client, HttpResponse>, Rejection> {
    let security = admitted.security();
    let headers = admitted.request().headers();
    let reason = match security.clients().authenticate(headers) {
        Ok(client) => return Ok(Ok(client.clone())),
        Err(reason) => reason,
    };
    let handler = admitted.policy.handler;
    tracing::warn!(target: super::super::AUDIT, event = "authn_login_fail", status = 401, handler, reason);
    if headers.contains_key(header::AUTHORIZATION) {
        // The answer is one of OAuth and no rejection, so nobody else counts it for the bans.
        admitted.note(Refusal::CredentialsInvalid);
        security.limiter().charge_ip(
            &mut Charges::default(),
            security.authentication_failures(),
            admitted.address,
        )?;
    }
    let realm = &security.settings().realm;
    let challenge = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
    let answer = oauth::error(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "the client is not known, or its secret is another",
    );
    Ok(Err(answer
        .field(header::WWW_AUTHENTICATE, challenge)
        .finish_json()))
}

/// Id and secret out of the only `Authorization` field.
fn basic(headers: &HeaderMap) -> Result<(Zeroizing<String>, Zeroizing<String>), &'static str> {
    let mut fields = headers.get_all(header::AUTHORIZATION);
    let field = match (fields.next(), fields.next()) {
        (Some(field), None) => field.as_bytes(),
        (None, _) => return Err("client: no `Authorization` field"),
        (Some(_), Some(_)) => return Err("client: more than one `Authorization` field"),
    };
    let malformed = "client: the credentials are not of the form of HTTP Basic";
    if field.len() > MAX_FIELD_BYTES {
        return Err(malformed);
    }
    let encoded = match field.split_at_checked("Basic ".len()) {
        Some((scheme, encoded)) if scheme.eq_ignore_ascii_case(b"basic ") => encoded,
        _ => return Err("client: the scheme is not `Basic`"),
    };
    let decoded = STANDARD.decode(encoded.trim_ascii()).map(Zeroizing::new);
    let decoded = decoded.map_err(|_| malformed)?;
    let text = std::str::from_utf8(&decoded).map_err(|_| malformed)?;
    let (id, secret) = text.split_once(':').ok_or(malformed)?;
    // Both were encoded as in a form before (RFC 6749 section 2.3.1).
    let plain = |text: &str| form_decode(text).map(Zeroizing::new).ok_or(malformed);
    Ok((plain(id)?, plain(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    let spaced = match text.contains('+') {
        true => Cow::Owned(text.replace('+', " ")),
        false => Cow::Borrowed(text),
    };
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    decoded.ok().map(Cow::into_owned)
}

fn hash_of_hex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}
