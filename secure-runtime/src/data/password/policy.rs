//! Which passwords are taken.

use secrecy::zeroize::Zeroizing;
use zxcvbn::{Score, matching::patterns::MatchPattern};

use super::{
    blocklist::Blocklist,
    names::Names,
    text::{MIN_LENGTH, NewPassword},
};

/// So much of a password is estimated: what zxcvbn does grows with the square of the length, and
/// faster with signs that may stand for letters. The rest of a longer one can only make it better.
const MAX_ESTIMATED: usize = 48;

/// Which new passwords are taken, beyond their length: from `[passwords]` of the settings.
///
/// In this order, each with its own [`PasswordProblem`]:
///
/// 1. The length, 15 to 256 characters, or as [`NewPassword`] says; `passwords.min_length` may ask
///    for more.
/// 2. Names: what consists of the names of the account and of `passwords.names` and `realm`, and at
///    most eight digits or signs, in any case, backwards or with `0` for `o` and the like.
/// 3. Common ones: the whole password in the list of 30,000 that zxcvbn has, in any letter case,
///    backwards or with the usual signs, or in `passwords.blocklist`, in any letter case.
/// 4. An estimate of zxcvbn below `passwords.min_score`, or below one less where the type asks for
///    fewer than 15 characters: keyboard rows, repetitions, dates, and words that are common. A
///    passphrase of four words that have nothing to do with each other passes.
///
/// No kind of character is asked for. The estimate is of the first 48 characters.
pub struct PasswordPolicy {
    min_length: usize,
    min_score: Score,
    min_score_with_second_factor: Score,
    names: Names,
    blocklist: Blocklist,
}

/// Why a new password is not taken. The text can be shown: it says what to do, and holds nothing
/// of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// It is one of the first that are tried.
    #[error("this password is known to many; choose another")]
    Common,
    /// An attacker would need few guesses.
    #[error(
        "this password is easy to guess; take several words that have nothing to do with each other, or let a password manager choose"
    )]
    Guessable,
    /// It is made of the names of the account or of the service.
    #[error("this password is made of names that others know; choose another")]
    Names,
    /// It is longer than 256 characters.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// It is shorter than what is asked for.
    #[error("a password has at least {min} characters")]
    TooShort {
        /// Code points in NFC.
        min: usize,
    },
}

impl PasswordPolicy {
    pub(super) fn new<'a>(
        min_length: usize,
        min_score: u8,
        names: impl IntoIterator<Item = &'a String>,
        blocklist: Blocklist,
    ) -> Self {
        let score = |score: u8| Score::try_from(score).unwrap_or(Score::Four);
        Self {
            min_length,
            min_score: score(min_score),
            // Eight random characters are as good as eight can be, and are estimated at 2.
            min_score_with_second_factor: score(min_score.saturating_sub(1).max(1)),
            names: Names::of(names.into_iter().map(String::as_str)),
            blocklist,
        }
    }

    /// Whether a new password of an account of these names is taken.
    ///
    /// This takes some milliseconds, and for text that is all signs a few hundred.
    /// [`Passwords::hash`](super::Passwords::hash) asks it
    /// itself, off the threads that serve requests.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check<const MIN: usize>(
        &self,
        password: &NewPassword<MIN>,
        names: &[&str],
    ) -> Result<(), PasswordProblem> {
        self.judge(password, &Names::of(names.iter().copied()))
    }

    pub(super) fn judge<const MIN: usize>(
        &self,
        password: &NewPassword<MIN>,
        names: &Names,
    ) -> Result<(), PasswordProblem> {
        password.check_length_from(self.min_length)?;
        let text = password
            .as_password()
            .text()
            .ok_or(PasswordProblem::TooLong)?;
        let names = names.and(&self.names);
        if names.make_up(text) {
            return Err(PasswordProblem::Names);
        }
        if self.blocklist.contains(text) {
            return Err(PasswordProblem::Common);
        }
        let score = match MIN < MIN_LENGTH {
            true => self.min_score_with_second_factor,
            false => self.min_score,
        };
        self.estimate(text, &names, score)
    }

    fn estimate(&self, text: &str, names: &Names, min_score: Score) -> Result<(), PasswordProblem> {
        let start = Zeroizing::new(estimable(text));
        let names: Vec<String> = names.texts().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let estimate = zxcvbn::zxcvbn(&start, &names);
        match estimate.sequence() {
            // One entry of a list, and nothing around it.
            [whole] if matches!(whole.pattern, MatchPattern::Dictionary(_)) => {
                Err(PasswordProblem::Common)
            }
            _ if estimate.score() < min_score => Err(PasswordProblem::Guessable),
            _ => Ok(()),
        }
    }
}

/// What zxcvbn can work on: it takes every decimal digit of Unicode for one that it can compute
/// with, and panics.
fn estimable(text: &str) -> String {
    let mut start = String::with_capacity(4 * MAX_ESTIMATED);
    start.extend(text.chars().take(MAX_ESTIMATED).map(|char| {
        match !char.is_ascii() && char.is_numeric() {
            true => char::REPLACEMENT_CHARACTER,
            false => char,
        }
    }));
    start
}

impl std::fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("min_length", &self.min_length)
            .field("min_score", &self.min_score)
            .finish_non_exhaustive()
    }
}
