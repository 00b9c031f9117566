//! Secrets that anybody could guess.

use super::{HmacAlgorithm, KeyError};

/// A random secret of 32 bytes has about 30 distinct ones, and one written as 32 hexadecimal
/// digits about 14; fewer than this many come up less than once in ten million.
const LEAST_DISTINCT: usize = 8;

/// Beginnings of the secrets that jwt.io fills in, all long enough to pass for real ones.
const PUBLISHED: [&[u8]; 2] = [
    b"a-string-secret-at-least-",
    b"a-valid-string-secret-that-is-at-least-",
];

const PEM: &[u8] = b"-----BEGIN ";

/// Refuses a secret that is too short or that cannot have come from a random generator.
pub(super) fn check(algorithm: HmacAlgorithm, secret: &[u8]) -> Result<(), KeyError> {
    let needed = algorithm.output();
    if secret.len() < needed {
        return Err(KeyError::SecretTooShort {
            algorithm,
            bytes: secret.len(),
            needed,
        });
    }
    let why = if distinct(secret) < LEAST_DISTINCT {
        "it has fewer than 8 distinct bytes"
    } else if is_repetition(secret) {
        "it repeats a shorter text"
    } else if is_progression(secret) {
        "it counts up or down"
    } else if PUBLISHED.iter().any(|known| secret.starts_with(known)) {
        "it is a published example"
    } else if secret.windows(PEM.len()).any(|part| part == PEM) {
        // A public key that verifies signatures must never become what makes them.
        "it is a PEM text"
    } else {
        return Ok(());
    };
    Err(KeyError::SecretWeak { why })
}

fn distinct(secret: &[u8]) -> usize {
    (0..=u8::MAX).filter(|byte| secret.contains(byte)).count()
}

/// Whether the secret consists of one text at least twice, the last time perhaps cut off.
fn is_repetition(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| {
        secret
            .iter()
            .eq(secret.iter().take(period).cycle().take(secret.len()))
    })
}

/// Whether each byte differs from the one before by the same amount.
fn is_progression(secret: &[u8]) -> bool {
    let mut steps = secret
        .iter()
        .zip(secret.iter().skip(1))
        .map(|(before, after)| after.wrapping_sub(*before));
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}
