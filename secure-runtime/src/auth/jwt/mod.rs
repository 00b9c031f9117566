//! Verification of access tokens (RFC 8725, RFC 9068), of everything except the time.
//!
//! The token is parsed once, by us, and strictly. Nothing that it says is believed before its
//! signature was verified, except which issuer and key to try: the issuer is looked up among the
//! configured ones, the key among that issuer's, and the algorithm is the key's.

mod claims;
mod header;
mod json;

use base64::{Engine, decoded_len_estimate, engine::general_purpose::URL_SAFE_NO_PAD};

use self::{claims::Claims, header::Header, json::Json};
use super::{
    credentials::Credentials,
    issuer::{Issuer, Issuers},
    keys::VerifyingKey,
    principal::Verified,
};

/// Why a token is refused, for the log.
pub(super) type Reason = &'static str;

/// A refusal of a token for what it is, at whatever time.
pub(super) enum Refused {
    /// For its form or its header: sooner than it pays to remember it.
    AtOnce(Reason),
    /// After its payload was parsed, and mostly its signature checked.
    Judged(Reason),
}

/// Of what comes before the payload is parsed.
impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self::AtOnce(reason)
    }
}

#[cfg(test)]
thread_local! {
    /// Signatures that this thread has checked.
    pub(super) static CHECKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Longest identifier in a token, such as a subject.
const MAX_TEXT_BYTES: usize = 512;

/// Verifies a token; whether it is valid at this time is left to [`Lifetime::check`].
///
/// [`Lifetime::check`]: super::principal::Lifetime::check
pub(super) fn verify(
    credentials: &Credentials<'_>,
    issuers: &Issuers,
) -> Result<Verified, Refused> {
    let [header, payload, signature] = credentials.parts();
    // Two parts in one allocation; the payload stays, and has its own.
    let mut parts = Vec::with_capacity(header.len() + signature.len());
    decode(header, &mut parts)?;
    let middle = parts.len();
    decode(signature, &mut parts)?;
    // INVARIANT: decoding has only added to what was there.
    let (header, signature) = parts.split_at_checked(middle).unwrap_or_default();
    let header = Header::parse(str::from_utf8(header).map_err(|_| NOT_UTF_8)?)?;
    let payload = decode_text(payload)?;
    let signed = credentials.signed();
    let mut verified =
        judge(&header, &payload, signed, signature, issuers).map_err(Refused::Judged)?;
    verified.payload = payload.into_boxed_str();
    Ok(verified)
}

fn judge(
    header: &Header<'_>,
    payload: &str,
    signed: &[u8],
    signature: &[u8],
    issuers: &Issuers,
) -> Result<Verified, Reason> {
    let claims = Claims::parse(payload)?;
    let issuer = issuers
        .by_name(claims.issuer()?)
        .ok_or("token: `iss` is not a configured issuer")?;
    header.check_typ(issuer)?;
    let key = select(issuer, header.kid.as_deref())?;
    if !key.is_for(&header.alg) {
        return Err("token: `alg` is not the algorithm of the key");
    }
    #[cfg(test)]
    CHECKED.set(CHECKED.get() + 1);
    if !key.verifies(signed, signature) {
        return Err("token: the signature is not valid");
    }
    claims.check(issuer)
}

/// The issuer's key that a token names; without a name the only key, if there is only one.
fn select<'a>(issuer: &'a Issuer, kid: Option<&str>) -> Result<&'a VerifyingKey, Reason> {
    match (issuer.keys(), kid) {
        ([only], Some(kid)) if only.id().is_none_or(|id| id == kid) => Ok(only),
        ([only], None) => Ok(only),
        (_, None) => Err("token: `kid` is missing and the issuer has several keys"),
        (keys, kid @ Some(_)) => keys
            .iter()
            .find(|key| key.id() == kid)
            .ok_or("token: `kid` is not a key of the issuer"),
    }
}

const NOT_UTF_8: Reason = "token: a part is not UTF-8";

/// Adds what a part stands for: base64url without padding and with zero trailing bits, so that
/// there is one way to write it.
fn decode(part: &[u8], into: &mut Vec<u8>) -> Result<(), Reason> {
    URL_SAFE_NO_PAD
        .decode_vec(part, into)
        .map_err(|_| "token: a part is not strict base64url")
}

fn decode_text(part: &[u8]) -> Result<String, Reason> {
    let mut text = Vec::with_capacity(decoded_len_estimate(part.len()));
    decode(part, &mut text)?;
    String::from_utf8(text).map_err(|_| NOT_UTF_8)
}

/// Whether a text may serve as an identifier: not empty, bounded, nothing that breaks a log line.
pub(crate) fn is_identifier(text: &str) -> bool {
    let has_control = match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.contains(char::is_control),
    };
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !has_control
}

/// The identifier that a value is, if it is one.
fn identifier<'a>(value: &'a Json<'_>) -> Option<&'a str> {
    match value {
        Json::Text(text) if is_identifier(text) => Some(text),
        _ => None,
    }
}
