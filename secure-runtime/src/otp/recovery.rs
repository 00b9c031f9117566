//! Codes on paper, for who has lost the app: each is good once.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use garde::Validate;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use super::{
    random,
    typed::{Kind, Typed},
};
use crate::rejection::Rejection;

/// Codes of one set.
const CODES: usize = 10;
/// Letters of a code: 5 bits each, so 80 bits.
const LETTERS: usize = 16;
/// Letters between two hyphens.
const GROUP: usize = 4;
/// Base 32 without letters that look alike (after Crockford).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new set of recovery codes: shown to their owner once, and kept as hashes.
///
/// ```
/// use secure_runtime::otp::{RecoveryCode, RecoveryCodeHash, RecoveryCodes};
///
/// let codes = RecoveryCodes::new()?;
/// let shown: Vec<String> = codes.shown();
/// let mut stored: Vec<RecoveryCodeHash> = codes.hashes();
///
/// let typed = RecoveryCode::from(shown[3].as_str());
/// let place = typed.position_in(&stored).unwrap();
/// stored.remove(place); // In the same transaction as what the code was for.
/// assert_eq!(typed.position_in(&stored), None);
/// # Ok::<(), secure_runtime::Rejection>(())
/// ```
pub struct RecoveryCodes(Vec<RecoveryCode>);

impl RecoveryCodes {
    /// Ten new ones of 80 random bits each.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn new() -> Result<Self, Rejection> {
        let codes = (0..CODES).map(|_| RecoveryCode::new());
        codes.collect::<Result<_, _>>().map(Self)
    }

    /// The codes as they are shown to their owner, as in `4rt0-x7mk-92pq-w3hv`.
    pub fn shown(&self) -> Vec<String> {
        let shown = |code: &RecoveryCode| {
            let letters: Vec<char> = code.0.letters().chars().collect();
            let groups = letters.chunks(GROUP);
            let groups = groups.map(|group| group.iter().collect::<String>());
            groups.collect::<Vec<_>>().join("-")
        };
        self.0.iter().map(shown).collect()
    }

    /// What to keep of them.
    pub fn hashes(&self) -> Vec<RecoveryCodeHash> {
        self.0.iter().map(RecoveryCode::hash).collect()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodes(..)")
    }
}

/// What is kept of a recovery code: 64 hexadecimal digits.
///
/// SHA-256 without salt or stretching: a code is random and has 80 bits, so nobody guesses it from
/// its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryCodeHash(String);

impl RecoveryCodeHash {
    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text that was kept; one that is no hash is that of no code.
impl From<String> for RecoveryCodeHash {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A recovery code as somebody types it: case, hyphens and spaces do not matter. A field of an
/// input; shows nothing of itself.
#[derive(Clone, Deserialize, Validate)]
#[garde(transparent)]
#[serde(transparent)]
pub struct RecoveryCode(#[garde(dive)] Typed<OnPaper>);

enum OnPaper {}

impl Kind for OnPaper {
    const LETTERS: usize = LETTERS;
    const OTHERWISE: &'static str = "not a recovery code";

    fn meant(typed: char) -> Option<char> {
        match typed.to_ascii_lowercase() {
            ' ' | '-' => None,
            'o' => Some('0'),
            'i' | 'l' => Some('1'),
            letter => Some(letter),
        }
    }

    fn has(letter: u8) -> bool {
        ALPHABET.contains(&letter)
    }
}

impl RecoveryCode {
    fn new() -> Result<Self, Rejection> {
        let letters = random::<LETTERS>()?.map(|byte| {
            let letter = ALPHABET.get(usize::from(byte) % ALPHABET.len());
            // INVARIANT: the remainder is below the length.
            char::from(*letter.unwrap_or(&b'0'))
        });
        let letters = Zeroizing::new(letters.iter().collect::<String>());
        Ok(Self::from(letters.as_str()))
    }

    /// Which of the hashes is that of this code. To be removed, since a code is good once.
    pub fn position_in(&self, hashes: &[RecoveryCodeHash]) -> Option<usize> {
        let own = self.hash();
        // All are looked at, and each as a whole: how long it takes says nothing.
        let same = |hash: &RecoveryCodeHash| {
            verify_slices_are_equal(own.0.as_bytes(), hash.0.as_bytes()).is_ok()
        };
        let found = hashes
            .iter()
            .enumerate()
            .map(|(place, hash)| (place, same(hash)));
        found.fold(
            None,
            |found, (place, same)| if same { Some(place) } else { found },
        )
    }

    fn hash(&self) -> RecoveryCodeHash {
        let digest = digest::digest(&digest::SHA256, self.0.letters().as_bytes());
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        RecoveryCodeHash(digits.collect())
    }
}

impl From<&str> for RecoveryCode {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}
