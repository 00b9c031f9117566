//! Tokens that were verified: the exact bytes of each, and the principal that they stand for.
//!
//! A hit saves the parsing and the signature. It says nothing about time: the caller checks the
//! lifetime again on every hit. The cache lives beside the keys that its entries were verified
//! with, and goes with them.

use std::hash::{Hash, Hasher};

use foldhash::quality::RandomState;
use quick_cache::{
    Equivalent, OptionsBuilder, Weighter,
    sync::{self, DefaultLifecycle},
};

use super::principal::Principal;

/// Bytes that an average token takes, for sizing the table.
const AVERAGE_BYTES: u64 = 3 * 1024;
/// What the cache and the allocator take for an entry beside its texts.
const ENTRY_BYTES: usize = 256;

/// Bytes of a token's end that are hashed. All of them are compared.
///
/// They are of the signature, which nobody can choose for a token that is verified, and only those
/// are kept: tokens whose last 90 bits or so are alike are the same. What is presented in vain
/// costs a comparison.
const HASHED_BYTES: usize = 16;

pub(super) struct Cache(sync::Cache<Token<Box<[u8]>>, Principal, ByBytes, RandomState>);

/// The bytes of a token, kept or presented.
#[derive(Clone, PartialEq, Eq)]
struct Token<T>(T);

impl<T: AsRef<[u8]>> Hash for Token<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let token = self.0.as_ref();
        let end = token.last_chunk::<HASHED_BYTES>();
        state.write(end.map_or(token, |end| end));
    }
}

impl Equivalent<Token<Box<[u8]>>> for Token<&[u8]> {
    fn equivalent(&self, kept: &Token<Box<[u8]>>) -> bool {
        *self.0 == *kept.0
    }
}

impl Cache {
    /// A cache of at most about `bytes`; `None` if that is zero.
    pub(super) fn new(bytes: u64) -> Option<Self> {
        if bytes == 0 {
            return None;
        }
        let items = usize::try_from(bytes / AVERAGE_BYTES).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items.max(1))
            .weight_capacity(bytes)
            .build()
            .ok()?;
        Some(Self(sync::Cache::with_options(
            options,
            ByBytes,
            RandomState::default(),
            DefaultLifecycle::default(),
        )))
    }

    pub(super) fn get(&self, token: &[u8]) -> Option<Principal> {
        self.0.get(&Token(token))
    }

    pub(super) fn insert(&self, token: &[u8], principal: &Principal) {
        self.0.insert(Token(Box::from(token)), principal.clone());
    }

    pub(super) fn remove(&self, token: &[u8]) {
        self.0.remove(&Token(token));
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.0.weight()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Token<Box<[u8]>>, Principal> for ByBytes {
    fn weight(&self, Token(token): &Token<Box<[u8]>>, principal: &Principal) -> u64 {
        (token.len() + principal.bytes() + ENTRY_BYTES) as u64
    }
}
