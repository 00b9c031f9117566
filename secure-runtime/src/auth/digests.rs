//! A keyed hash of tokens whose every byte an attacker has chosen.
//!
//! SipHash over a whole token would cost as much as all the rest of a refusal that is known. So a
//! token is first made 16 bytes by NH, with words of 64 bits: the universal hash of UMAC ("UMAC: Fast
//! and Secure Message Authentication", CRYPTO 1999, section 4) and of VMAC. Any two tokens of one
//! length become the same 16 bytes with a probability of at most 2^-64, whatever they are. SipHash
//! with a secret key over these and the length is the digest, so what an attacker can see of it,
//! which is how long answers take, tells nothing of the keys of NH.

use std::{
    array,
    hash::{BuildHasher, Hasher, RandomState},
};

use super::MAX_TOKEN_BYTES;

/// Bytes that are multiplied at a time: two words.
const PAIR: usize = 16;

/// As many as the longest token has.
const PAIRS: usize = MAX_TOKEN_BYTES / PAIR;

pub(super) struct Digests {
    /// Of NH: 8 KiB.
    keys: Box<[[u64; 2]]>,
    siphash: RandomState,
}

impl Digests {
    /// With keys of its own.
    pub(super) fn new() -> Self {
        let siphash = RandomState::new();
        // Numbers are shorter than what is hashed for a digest, so that no key is one.
        let key = |pair: u64| array::from_fn(|word| siphash.hash_one(2 * pair + word as u64));
        Self {
            keys: (0..PAIRS as u64).map(key).collect(),
            siphash,
        }
    }

    pub(super) fn digest(&self, token: &[u8]) -> u64 {
        // Nothing is longer that is looked at. If it were, it would be hashed as well.
        let (token, beyond) = token.split_at(token.len().min(MAX_TOKEN_BYTES));
        let (pairs, last) = token.as_chunks::<PAIR>();
        let mut sum = 0_u128;
        for (pair, key) in pairs.iter().zip(&self.keys) {
            sum = sum.wrapping_add(product(*pair, *key));
        }
        let mut padded = [0; PAIR];
        if let Some(start) = padded.get_mut(..last.len())
            && let Some(key) = self.keys.get(pairs.len())
        {
            start.copy_from_slice(last);
            sum = sum.wrapping_add(product(padded, *key));
        }
        // Without the length the zeros at the end would count for nothing.
        let summary = [sum as u64, (sum >> 64) as u64, token.len() as u64].map(u64::to_le_bytes);
        let mut hasher = self.siphash.build_hasher();
        hasher.write(summary.as_flattened());
        if !beyond.is_empty() {
            hasher.write(beyond);
        }
        hasher.finish()
    }
}

fn product(pair: [u8; PAIR], [key, other_key]: [u64; 2]) -> u128 {
    let pair = u128::from_le_bytes(pair);
    let (word, other) = (pair as u64, (pair >> 64) as u64);
    u128::from(word.wrapping_add(key)) * u128::from(other.wrapping_add(other_key))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Each byte counts at each place of tokens of every length, the length does, and the keys do.
    #[test]
    fn a_digest_is_of_the_whole_token_and_has_keys() {
        let (digests, others) = (Digests::new(), Digests::new());
        let mut seen = HashSet::new();
        for length in (0..100).chain(MAX_TOKEN_BYTES - 33..MAX_TOKEN_BYTES + 33) {
            for byte in [0, b'a'] {
                let mut token = vec![byte; length];
                assert!(seen.insert(digests.digest(&token)) || length == 0);
                assert!(seen.insert(others.digest(&token)) || length == 0);
                for place in (0..length).rev().take(100) {
                    token[place] ^= 1;
                    assert!(seen.insert(digests.digest(&token)), "{place} of {length}");
                    token[place] ^= 1;
                }
            }
        }
        assert_eq!(digests.digest(b"token"), digests.digest(b"token"));
    }

    /// The words of a pair, and the pairs, are not interchangeable.
    #[test]
    fn what_stands_elsewhere_is_another_token() {
        let digests = Digests::new();
        let words = [[b'a'; 8], [b'b'; 8], [b'c'; 8], [b'd'; 8]];
        let mut seen = HashSet::new();
        for one in words {
            for two in words {
                for three in words {
                    for four in words {
                        seen.insert(digests.digest(&[one, two, three, four].concat()));
                    }
                }
            }
        }
        assert_eq!(seen.len(), 256);
    }

    /// As the definition of NH says, word by word: (m1 + k1)(m2 + k2) + .. modulo 2^128.
    #[test]
    fn the_sum_is_that_of_nh() {
        let pair = u128::from_le_bytes(*b"0123456789abcdef");
        let (word, other) = (
            u64::from_le_bytes(*b"01234567"),
            u64::from_le_bytes(*b"89abcdef"),
        );
        assert_eq!(pair, u128::from(other) << 64 | u128::from(word));
        let key = [u64::MAX, u64::MAX - 1];
        let expected = u128::from(word - 1) * u128::from(other - 2);
        assert_eq!(product(*b"0123456789abcdef", key), expected);
    }
}
