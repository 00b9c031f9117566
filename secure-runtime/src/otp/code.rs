//! A code as an authenticator app shows it.

use std::fmt;

use garde::Validate;
use serde::Deserialize;

use super::typed::{Kind, Typed};

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
#[derive(Clone, Deserialize, Validate)]
#[garde(transparent)]
#[serde(transparent)]
pub struct OneTimeCode(#[garde(dive)] Typed<Digits>);

enum Digits {}

impl Kind for Digits {
    const LETTERS: usize = DIGITS;
    const OTHERWISE: &'static str = "not six digits";

    fn meant(typed: char) -> Option<char> {
        (typed != ' ').then_some(typed)
    }

    fn has(letter: u8) -> bool {
        letter.is_ascii_digit()
    }
}

impl OneTimeCode {
    pub(super) fn digits(&self) -> &str {
        self.0.letters()
    }
}

impl From<&str> for OneTimeCode {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}
