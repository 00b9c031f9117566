//! A code as somebody types it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Digits of a code: 20 bits (OWASP ASVS 6.5.4).
pub(super) const DIGITS: usize = 6;

/// Six digits, perhaps with spaces between them. A field of an input; shows nothing of itself.
///
/// ```
/// use garde::Validate;
/// use secure_runtime::otp::OneTimeCode;
///
/// assert!(OneTimeCode::from("123 456").validate().is_ok());
/// assert!(OneTimeCode::from("12345").validate().is_err());
/// ```
#[derive(Clone)]
pub struct OneTimeCode(SecretString);

impl OneTimeCode {
    pub(super) fn digits(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for OneTimeCode {
    fn from(text: &str) -> Self {
        // Beyond the bound it is no code, and stays none.
        let digits: String = text
            .chars()
            .filter(|letter| *letter != ' ')
            .take(DIGITS + 1)
            .collect();
        Self(digits.into())
    }
}

impl<'de> Deserialize<'de> for OneTimeCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretString::deserialize(deserializer)?;
        Ok(Self::from(text.expose_secret()))
    }
}

impl garde::Validate for OneTimeCode {
    type Context = ();

    fn validate_into(
        &self,
        (): &(),
        parent: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        let digits = self.digits();
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            report.append(parent(), garde::Error::new("not six digits"));
        }
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}
