//! One-time codes as a second factor: those of authenticator apps (TOTP, RFC 6238), and recovery
//! codes for who has lost the app.
//!
//! # A second factor, step by step
//!
//! Enrolment: [`OtpSecret::new`] makes a secret, [`OneTimeCodes::enrolment_url`] is what the app
//! scans. Keep the secret beside the account, encrypted, once a first code has proved that the app
//! has it.
//!
//! Use: a handler takes [`OneTimeCodes`] and a [`OneTimeCode`], calls [`OneTimeCodes::verify`], and
//! issues a token whose `amr` has `otp` in it. Routes that need the second factor say
//! `factor = "otp"`.
//!
//! # Guessing
//!
//! A code has 20 bits and three of them are good at a time, so who may try a million times gets in.
//! Verification does not count attempts: the route must. A code that was good once is refused from
//! then on, as are those before it (RFC 6238 section 5.2), in every process that shares a Redis.
//!
//! A Redis that was emptied, restarted or replaced by a replica may have lost which codes were used.
//! From the moment at which that is found no code is taken that may have been used before: the
//! answer is 503, and its `Retry-After` says when the next code is shown that is good, 90 s later
//! at most. So it is also after the first start of all, with a Redis that has nothing yet. A code
//! that Redis forgets alone, because it makes room (`maxmemory-policy`), is good once more until its
//! time is over, but not in the process that took it.

mod code;
mod recovery;
#[cfg(test)]
mod tests;
mod typed;
mod used;

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::digest;
use secrecy::SecretString;
use totp_rs::{Builder, Secret, Totp};

pub(crate) use self::used::Used;
pub use self::{
    code::OneTimeCode,
    recovery::{RecoveryCode, RecoveryCodeHash, RecoveryCodes},
};
use crate::{
    clock::Clock,
    rejection::{Refusal, Rejection},
};

/// Seconds for which a code is shown (RFC 6238 section 5.2; at most 30 by OWASP ASVS 6.5.5).
const STEP_SECONDS: u64 = 30;
/// Codes before and after the current one that are taken: clocks of phones differ.
const SKEW_STEPS: u16 = 1;

/// Verifies one-time codes; cheap to clone, one for a process.
///
/// A handler takes it as a parameter, other code finds it at
/// [`Security::one_time_codes`](crate::Security::one_time_codes):
///
/// ```
/// use actix_web::{HttpResponse, post, web};
/// use secure_runtime::{Principal, Rejection, secured};
/// use secure_runtime::otp::{OneTimeCode, OneTimeCodes, OtpSecret};
///
/// # fn secret_of(_: &Principal) -> OtpSecret { OtpSecret::new().unwrap() }
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct SecondFactor {
///     #[garde(dive)]
///     code: OneTimeCode,
/// }
///
/// #[secured(rate = "5/15min")]
/// #[post("/second-factor")]
/// async fn second_factor(
///     caller: Principal,
///     codes: OneTimeCodes,
///     form: web::Json<SecondFactor>,
/// ) -> Result<HttpResponse, Rejection> {
///     if !codes.verify(&secret_of(&caller), &form.code).await? {
///         return Ok(HttpResponse::Unauthorized().finish());
///     }
///     // Issue a token whose `amr` has `otp` in it.
///     Ok(HttpResponse::Ok().finish())
/// }
/// ```
#[derive(Clone)]
pub struct OneTimeCodes(Arc<Parts>);

struct Parts {
    clock: Clock,
    /// Who issues the codes, as apps show it.
    issuer: String,
    used: Used,
}

impl OneTimeCodes {
    pub(crate) fn new(clock: Clock, issuer: &str, used: Used) -> Self {
        Self(Arc::new(Parts {
            clock,
            // A colon separates issuer and account in the URL.
            issuer: issuer.replace(':', " "),
            used,
        }))
    }

    /// Whether `code` is that of the secret at this time and was not used before; it is used
    /// afterwards.
    ///
    /// # Errors
    ///
    /// Whether it was used before cannot be known: the store that processes share is silent or was
    /// emptied, or there is no room to remember another one. The answer is 503.
    pub async fn verify(&self, secret: &OtpSecret, code: &OneTimeCode) -> Result<bool, Rejection> {
        let now = self.0.clock.unix_seconds();
        let Some(step) = secret.totp()?.check(code.digits(), now) else {
            return Ok(false);
        };
        self.0.used.claim(secret.id(), step, now).await
    }

    /// What an authenticator app scans to learn the secret: an `otpauth://` URL, to be shown as a
    /// QR code. It holds the secret.
    ///
    /// # Errors
    ///
    /// A refusal, where `account` is empty or holds a colon.
    pub fn enrolment_url(
        &self,
        secret: &OtpSecret,
        account: &str,
    ) -> Result<SecretString, Rejection> {
        let totp = builder(secret)
            .with_issuer(Some(self.0.issuer.as_str()))
            .with_account_name(account)
            .build();
        let url = totp.and_then(|totp| totp.to_url());
        url.map(SecretString::from).map_err(|_| {
            Rejection::new(
                Refusal::InputInvalid,
                "one-time codes: the account's name is empty or holds a colon",
            )
        })
    }
}

impl fmt::Debug for OneTimeCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeCodes").finish_non_exhaustive()
    }
}

/// What an account and an authenticator app share. Shows nothing of itself, and is erased from
/// memory when it is dropped.
///
/// ```
/// use secure_runtime::otp::OtpSecret;
///
/// let secret = OtpSecret::new()?;
/// let stored = secret.to_base32(); // Encrypt it.
/// let again: OtpSecret = stored.parse().unwrap();
/// assert_eq!(again.to_base32(), stored);
/// # Ok::<(), secure_runtime::Rejection>(())
/// ```
#[derive(Clone)]
pub struct OtpSecret(Secret);

/// A text that is no secret of [`OtpSecret::to_base32`]. Does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a secret of at least 128 bits in base 32")]
pub struct NotASecret;

impl OtpSecret {
    /// A new one of 160 random bits (RFC 4226 section 4).
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn new() -> Result<Self, Rejection> {
        random::<20>().map(|bytes| Self(Secret::new_stack(bytes)))
    }

    /// The secret in base 32, to be kept where nobody reads it.
    pub fn to_base32(&self) -> String {
        self.0.to_base32()
    }

    /// What an app shows at this time.
    pub(crate) fn code_at(&self, unix_seconds: u64) -> Result<String, Rejection> {
        Ok(self.totp()?.generate(unix_seconds).to_string())
    }

    fn totp(&self) -> Result<Totp, Rejection> {
        // INVARIANT: `parse` and `new` take nothing else.
        builder(self).build().map_err(|_| {
            Rejection::new(
                Refusal::Undecided,
                "one-time codes: the secret is too short",
            )
        })
    }

    /// A name that says nothing of the secret, which is random and long.
    fn id(&self) -> [u8; 16] {
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        id
    }
}

impl FromStr for OtpSecret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let secret = Secret::try_from_base32(text).map_err(|_| NotASecret)?;
        (16..=64)
            .contains(&secret.as_bytes().len())
            .then_some(Self(secret))
            .ok_or(NotASecret)
    }
}

impl fmt::Debug for OtpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpSecret(..)")
    }
}

/// SHA-1 and six digits: what every app can do. Collisions of SHA-1 are no matter for HMAC.
fn builder(secret: &OtpSecret) -> Builder {
    Builder::new()
        .with_secret(secret.0.clone())
        .with_digits(code::DIGITS as u8)
        .with_step_duration(STEP_SECONDS)
        .with_skew(SKEW_STEPS)
}

fn random<const N: usize>() -> Result<[u8; N], Rejection> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map(|()| bytes)
        .map_err(|_| Rejection::new(Refusal::Undecided, "the system has no randomness"))
}
