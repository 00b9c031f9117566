//! A password as text: normalised, bounded, and never shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroize};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use unicode_normalization::UnicodeNormalization;

use super::policy::PasswordProblem;

/// Fewest characters of a new password that is all that is asked for (NIST SP 800-63B-4 section
/// 3.1.1.2).
pub const MIN_LENGTH: usize = 15;

/// Fewest characters of a new password beside which a second factor is asked for.
pub const MIN_LENGTH_WITH_SECOND_FACTOR: usize = 8;

/// Most characters of any password: 1 KiB in UTF-8 at the most. NIST asks for 64 at least; nobody
/// types this many, and passphrases of generators fit.
pub const MAX_LENGTH: usize = 256;

/// Most bytes that are normalised: text that is decomposed takes up to three times as many as the
/// same in NFC.
const MAX_RAW_BYTES: usize = 3 * 4 * MAX_LENGTH;

/// A password that somebody presents, for a login or to confirm who they are.
///
/// It is in NFC, so that it does not matter how a keyboard composes an `é`. As a field of an input
/// it stands under `#[garde(dive)]`; only its length is asked about, 1 to [`MAX_LENGTH`]. What is
/// longer is not kept. `Debug` shows nothing, and it is overwritten when dropped.
#[derive(Clone)]
pub struct Password(Option<SecretString>);

/// A password that somebody chooses, of at least `MIN` characters.
///
/// `NewPassword` is for a password that is all that is asked for, `NewPassword<8>` for one beside
/// which a second factor is; fewer than 8 do not compile. As a field of an input it stands under
/// `#[garde(dive)]`, which asks about its length; [`Passwords::hash`](super::Passwords::hash) asks
/// about the rest.
///
/// ```compile_fail
/// # use secure_runtime::data::password::NewPassword;
/// let too_few = NewPassword::<7>::from("7 chars");
/// ```
#[derive(Clone, Debug)]
pub struct NewPassword<const MIN: usize = MIN_LENGTH>(Password);

impl Password {
    /// `None` for what is too long.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_ref().map(ExposeSecret::expose_secret)
    }

    /// What Argon2 is given. That which is too long was refused before.
    pub(super) fn bytes(&self) -> &[u8] {
        self.text().unwrap_or_default().as_bytes()
    }

    pub(super) fn check_length(&self) -> Result<(), PasswordProblem> {
        self.check_length_from(1)
    }

    fn check_length_from(&self, min: usize) -> Result<(), PasswordProblem> {
        let text = self.text().ok_or(PasswordProblem::TooLong)?;
        match text.chars().count() {
            length if length < min => Err(PasswordProblem::TooShort { min }),
            _ => Ok(()),
        }
    }
}

impl From<&str> for Password {
    fn from(raw: &str) -> Self {
        if raw.len() > MAX_RAW_BYTES {
            return Self(None);
        }
        // Counted first: text that outgrows its place leaves a copy there.
        let (length, bytes) = raw.nfc().fold((0, 0), |(length, bytes), char| {
            (length + 1, bytes + char.len_utf8())
        });
        if length > MAX_LENGTH {
            return Self(None);
        }
        let mut text = String::with_capacity(bytes);
        text.extend(raw.nfc());
        Self(Some(text.into()))
    }
}

impl<const MIN: usize> NewPassword<MIN> {
    const MIN_IS_ENOUGH: () = assert!(
        MIN >= MIN_LENGTH_WITH_SECOND_FACTOR && MIN <= 64,
        "a new password has at least 8 characters, and 64 are enough"
    );

    /// The same, to be verified.
    pub fn as_password(&self) -> &Password {
        &self.0
    }

    pub(super) fn check_length(&self) -> Result<(), PasswordProblem> {
        self.0.check_length_from(MIN)
    }

    pub(super) fn check_length_from(&self, min: usize) -> Result<(), PasswordProblem> {
        self.0.check_length_from(min.max(MIN))
    }
}

impl<const MIN: usize> From<&str> for NewPassword<MIN> {
    fn from(raw: &str) -> Self {
        let () = Self::MIN_IS_ENOUGH;
        Self(raw.into())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PasswordVisitor)
    }
}

impl<'de, const MIN: usize> Deserialize<'de> for NewPassword<MIN> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let () = Self::MIN_IS_ENOUGH;
        Password::deserialize(deserializer).map(Self)
    }
}

struct PasswordVisitor;

impl Visitor<'_> for PasswordVisitor {
    type Value = Password;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password")
    }

    fn visit_str<E: Error>(self, raw: &str) -> Result<Password, E> {
        Ok(raw.into())
    }

    fn visit_string<E: Error>(self, mut raw: String) -> Result<Password, E> {
        let password = raw.as_str().into();
        raw.zeroize();
        Ok(password)
    }
}

impl garde::Validate for Password {
    type Context = ();

    fn validate_into(
        &self,
        _: &(),
        parent: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        report_problem(self.check_length(), parent, report);
    }
}

impl<const MIN: usize> garde::Validate for NewPassword<MIN> {
    type Context = ();

    fn validate_into(
        &self,
        _: &(),
        parent: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        report_problem(self.check_length(), parent, report);
    }
}

fn report_problem(
    length: Result<(), PasswordProblem>,
    parent: &mut dyn FnMut() -> garde::Path,
    report: &mut garde::Report,
) {
    if let Err(problem) = length {
        report.append(parent(), garde::Error::new(problem.to_string()));
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}
