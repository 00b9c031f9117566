//! What somebody types off a screen or off paper.

use std::marker::PhantomData;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// How a kind of code is written.
pub(super) trait Kind {
    /// So many letters have it all.
    const LETTERS: usize;
    /// What is said of anything else.
    const OTHERWISE: &'static str;

    /// The letter that somebody means; none for what only separates others.
    fn meant(typed: char) -> Option<char>;

    fn has(letter: u8) -> bool;
}

/// The letters of a code, without what does not matter. Shows nothing of itself.
pub(super) struct Typed<K>(SecretString, PhantomData<fn(K)>);

impl<K> Typed<K> {
    pub(super) fn letters(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<K: Kind> From<&str> for Typed<K> {
    fn from(text: &str) -> Self {
        // Beyond the bound it is no code, and stays none.
        let letters = text.chars().filter_map(K::meant).take(K::LETTERS + 1);
        Self(letters.collect::<String>().into(), PhantomData)
    }
}

impl<K> Clone for Typed<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Typed<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretString::deserialize(deserializer)?;
        Ok(Self::from(text.expose_secret()))
    }
}

impl<K: Kind> garde::Validate for Typed<K> {
    type Context = ();

    fn validate_into(
        &self,
        (): &(),
        parent: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        let letters = self.letters();
        if letters.len() != K::LETTERS || !letters.bytes().all(K::has) {
            report.append(parent(), garde::Error::new(K::OTHERWISE));
        }
    }
}
