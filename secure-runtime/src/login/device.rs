//! The cookie by which a device is known again: proof of an earlier success, and nothing else.
//!
//! It lets nobody in. While somebody guesses at an account, and the account is locked for that,
//! its owner is judged by the failures of his own device. A cookie is good for one account at one
//! handler, so an earlier step of a login gives no further guesses at a later one, and an
//! attacker's own account none at others.

use aws_lc_rs::{constant_time, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use super::key::{Key, KnownDevice, Secret};

/// With this prefix browsers take it over HTTPS only, for this host only.
const NAME: &str = "__Host-secure-device";
/// A head may hold thousands of cookies of one name.
const MOST_LOOKED_AT: usize = 4;
const LENGTH: usize = 8 + 16 + 32;

/// The cookies of one handler.
#[derive(Debug)]
pub(super) struct Cookies {
    /// Handlers of one site must not overwrite each other's.
    name: String,
    /// Seconds.
    max_age: u64,
}

impl Cookies {
    pub(super) fn new(secret: &Secret, handler: &str, max_age: u64) -> Self {
        let [a, b, c, d, ..] = secret.sign("cookie", &[handler.as_bytes()]);
        let handler = u32::from_be_bytes([a, b, c, d]);
        Self {
            name: format!("{NAME}-{handler:08x}"),
            max_age,
        }
    }

    /// The device that a request comes from, if it was let in before with this account.
    pub(super) fn find(
        &self,
        secret: &Secret,
        headers: &HeaderMap,
        account: Key,
    ) -> Option<KnownDevice> {
        headers
            .get_all(header::COOKIE)
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                (name == self.name).then_some(value)
            })
            .take(MOST_LOOKED_AT)
            .find_map(|value| read(secret, value, account))
    }

    /// Has the browser remember that this account was let in at `now`, by the clock of the records.
    pub(super) fn issue(
        &self,
        secret: &Secret,
        account: Key,
        known: Option<KnownDevice>,
        now: u64,
    ) -> Option<HeaderValue> {
        let id = match known {
            Some(known) => known.id,
            None => {
                let mut id = [0; 16];
                rand::fill(&mut id).ok()?;
                id
            }
        };
        let mut signed = now.to_be_bytes().to_vec();
        signed.extend(id);
        let code = secret.sign("known device", &[&account.0.to_be_bytes(), &signed]);
        signed.extend(code);
        let value = URL_SAFE_NO_PAD.encode(signed);
        let Self { name, max_age } = self;
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Strict");
        let mut cookie = HeaderValue::from_maybe_shared(cookie).ok()?;
        cookie.set_sensitive(true);
        Some(cookie)
    }
}

/// What a cookie says. Whether it is too old, the records judge.
fn read(secret: &Secret, value: &str, account: Key) -> Option<KnownDevice> {
    let mut bytes = [0; LENGTH];
    let length = URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()?;
    if length != LENGTH {
        return None;
    }
    let (signed, code) = bytes.split_at_checked(24)?;
    let (time, id) = signed.split_first_chunk::<8>()?;
    let id: [u8; 16] = id.try_into().ok()?;
    let expected = secret.sign("known device", &[&account.0.to_be_bytes(), signed]);
    constant_time::verify_slices_are_equal(code, &expected).ok()?;
    Some(KnownDevice {
        key: secret.device(account, &id),
        id,
        issued: u64::from_be_bytes(*time),
    })
}
