//! `[login]`: what follows from failed logins.

use std::{num::NonZeroUsize, time::Duration};

use secrecy::{ExposeSecret, SecretSlice};

use super::{
    Settings,
    keys::{KeyMaterial, KeySource},
};
use crate::{
    error::{Mistake, Mistakes},
    login::{DEFAULT_MAX_KEYS, MIN_SECRET_BYTES},
};

/// More failures in a row must not be possible (NIST SP 800-63B-4 section 3.2.2).
const MOST_IN_A_ROW: u32 = 100;
/// What is looked through with each attempt stays short.
const MOST_COUNTED: u32 = 10_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `[login]`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginSettings {
    /// `secret_file`, `secret_env` or `secret_base64`: at least 32 bytes, under which accounts and
    /// devices are remembered. Default: one that ends with the process, so that a restart forgets
    /// known devices. Processes that share a Redis need the same one.
    pub secret: Option<KeySource>,
    /// Failures in a row without a delay. Default: 4.
    pub free_failures: u32,
    /// How long the next attempt has to wait after one failure more; doubles with each further
    /// one. Default: 1 s.
    pub delay: Duration,
    /// The longest such delay. Default: 1 h, at most 24 h.
    pub max_delay: Duration,
    /// After so many failures in a row an account is disabled until
    /// [`Logins::enable`](crate::Logins::enable). Default and most: 100.
    pub disable_after: u32,
    /// Failures from one network within a minute; the last of them bans it from logging in.
    /// Default: 20.
    pub network_failures: u32,
    /// Accounts that fail from one network within an hour. Default: 50.
    pub network_accounts: u32,
    /// For how long a network is banned from logging in after its first `network_failures`; twice
    /// as long with each further ban, until it was without one for a day. Not for addresses of
    /// this machine and of trusted proxies, nor where the address is unknown: there each ban is as
    /// long as the first. Default: 1 min.
    pub network_ban: Duration,
    /// The longest such ban. Default: 1 h, at most 24 h.
    pub max_network_ban: Duration,
    /// Accounts at which one password fails within an hour. Default: 20.
    pub password_accounts: u32,
    /// Failures of all within a minute, beyond which networks without an earlier success have one
    /// attempt a minute. Default: 1000.
    pub global_failures: u32,
    /// How long a device is known after a success. Default: 30 days, at most 366.
    pub device_max_age: Duration,
    /// Most records that are kept in memory. Default: 1,000,000.
    pub max_keys: NonZeroUsize,
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            secret: None,
            free_failures: 4,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(60 * 60),
            disable_after: MOST_IN_A_ROW,
            network_failures: 20,
            network_accounts: 50,
            network_ban: Duration::from_secs(60),
            max_network_ban: Duration::from_secs(60 * 60),
            password_accounts: 20,
            global_failures: 1000,
            device_max_age: 30 * DAY,
            max_keys: DEFAULT_MAX_KEYS,
        }
    }
}

impl LoginSettings {
    /// Reads the secret from where it is.
    pub(crate) fn load_secret(&self) -> Result<Option<SecretSlice<u8>>, Mistake> {
        let Some(source) = &self.secret else {
            return Ok(None);
        };
        match source.load()? {
            KeyMaterial::Secret(secret) if secret.expose_secret().len() >= MIN_SECRET_BYTES => {
                Ok(Some(secret))
            }
            KeyMaterial::Secret(_) => Err(Mistake::new(
                "secret",
                "the secret is shorter than 32 bytes; `openssl rand -base64 32` prints one",
            )),
            KeyMaterial::PublicKey(_) => Err(Mistake::new("secret", "a public key is no secret")),
        }
    }
}

/// What would let everybody in, nobody, or for ever.
pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) {
    let login = &settings.login;
    let mut mistake = |key: &str, problem: &str| {
        mistakes.add(Mistake::new(format!("login.{key}"), problem));
    };
    if !(1..=MOST_IN_A_ROW).contains(&login.disable_after) {
        mistake("disable_after", "write a number from 1 to 100");
    }
    if login.free_failures >= login.disable_after {
        mistake("free_failures", "write less than `login.disable_after`");
    }
    if login.delay.is_zero() {
        mistake("delay", "write at least `1s`");
    }
    if login.max_delay > DAY {
        mistake("max_delay", "write at most `24h`");
    }
    if login.delay > login.max_delay {
        mistake("delay", "write at most `login.max_delay`");
    }
    if login.network_ban < Duration::from_secs(1) {
        mistake("network_ban", "write at least `1s`");
    }
    if login.max_network_ban > DAY {
        mistake("max_network_ban", "write at most `24h`");
    }
    if login.network_ban > login.max_network_ban {
        mistake("network_ban", "write at most `login.max_network_ban`");
    }
    for (key, count) in [
        ("network_failures", login.network_failures),
        ("network_accounts", login.network_accounts),
        ("password_accounts", login.password_accounts),
        ("global_failures", login.global_failures),
    ] {
        if !(1..=MOST_COUNTED).contains(&count) {
            mistake(key, "write a number from 1 to 10000");
        }
    }
    if login.device_max_age.is_zero() || login.device_max_age > 366 * DAY {
        mistake("device_max_age", "write `1s` to `366day`, as in `30day`");
    }
}
