//! Passwords that an operator knows to be out there, of a breach for example.

use std::{
    fs::File,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader},
    path::Path,
};

use foldhash::quality::FixedState;
use unicode_normalization::UnicodeNormalization;

/// Whole passwords, in any letter case; 8 bytes for each.
///
/// A hash of 64 bits is kept: of 100 million entries, a password that is not among them is taken for
/// one in one of 10^11 cases, and refused.
#[derive(Default)]
pub(super) struct Blocklist(Box<[u64]>);

impl Blocklist {
    /// Reads a file of one password a line. The path is not in the error.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let problem =
            |error: std::io::Error| format!("the file of this name cannot be read: {error}");
        let lines = BufReader::new(File::open(file).map_err(problem)?).lines();
        let mut hashes = Vec::new();
        for line in lines {
            let line = line.map_err(problem)?;
            if !line.is_empty() {
                hashes.push(hash(&line));
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        Ok(Self(hashes.into()))
    }

    pub(super) fn contains(&self, password: &str) -> bool {
        !self.0.is_empty() && self.0.binary_search(&hash(password)).is_ok()
    }
}

fn hash(password: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for char in password.nfc().flat_map(char::to_lowercase) {
        hasher.write_u32(char.into());
    }
    hasher.finish()
}
