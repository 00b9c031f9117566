//! Tokens that were refused: the exact bytes of each, and why.
//!
//! A hit saves the parsing and the signature of a token that is presented again, as clients do that
//! ignore their refusal, and who replays what was caught. What comes out is a reason to refuse or
//! nothing at all, never a caller: whoever is admitted was verified, whatever is in here.
//!
//! It lives beside the issuers that have refused its entries, and goes with them, so a key that
//! comes later is tried on every token. What time can change is not kept as refused, but as a
//! lifetime that is held against the clock on every hit.
//!
//! The bytes are kept, although a keyed digest of them would be shorter: then no argument is needed
//! why a token is never refused for what another one is.

use std::hash::{Hash, Hasher};

use quick_cache::{
    Equivalent, OptionsBuilder, Weighter,
    sync::{self, DefaultLifecycle},
};

use super::{digests::Digests, jwt::Reason, principal::Lifetime};

/// Of the bytes for tokens, one in so many is for those that were refused. Each takes less than half
/// of what a verified one does, and clients that go wrong are fewer than callers.
pub(super) const SHARE: u64 = 8;

/// Of these, one in so many is for the table: it doubles when it is full, remembers what was
/// pushed out, and never shrinks, so that who sends short tokens first and long ones then gets both.
const TABLE_SHARE: u64 = 3;
/// What a token takes at least, so that short ones do not make the table too large.
const LEAST_BYTES: usize = 512;
/// What the allocator takes for a token beside its bytes.
const ALLOCATION_BYTES: usize = 32;

pub(super) struct Refusals {
    known: sync::Cache<Token<Box<[u8]>>, Verdict, ByBytes, foldhash::fast::RandomState>,
    /// Over the whole token. Who sends forged tokens chooses every byte of them and sees how long an
    /// answer takes, so a hash must hold against inputs that are chosen with knowledge of its earlier
    /// work; those that are only fast do not claim that. With it, the table is keyed by numbers that
    /// nobody chooses.
    digests: Digests,
}

/// What is known of a token whose bytes were judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// It is refused whatever the time is.
    Never(Reason),
    /// Nothing is wrong with it but the time.
    Within(Lifetime),
}

/// Where a token is, or would be.
pub(super) struct Place<'a> {
    refusals: &'a Refusals,
    token: Token<&'a [u8]>,
}

/// The bytes of a token, kept or presented. They are compared only where the digests are equal, so
/// the time that it takes tells nothing about tokens of others.
#[derive(Clone, PartialEq, Eq)]
struct Token<T> {
    digest: u64,
    bytes: T,
}

impl<T> Hash for Token<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl Equivalent<Token<Box<[u8]>>> for Token<&[u8]> {
    fn equivalent(&self, kept: &Token<Box<[u8]>>) -> bool {
        self.digest == kept.digest && *self.bytes == *kept.bytes
    }
}

impl Refusals {
    /// At most `bytes` of refusals; `None` if that is zero.
    pub(super) fn new(bytes: u64) -> Option<Self> {
        if bytes == 0 {
            return None;
        }
        let capacity = bytes - bytes / TABLE_SHARE;
        let items = usize::try_from(capacity / LEAST_BYTES as u64).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items.max(1))
            .weight_capacity(capacity)
            .build()
            .ok()?;
        Some(Self {
            known: sync::Cache::with_options(
                options,
                ByBytes,
                foldhash::fast::RandomState::default(),
                DefaultLifecycle::default(),
            ),
            digests: Digests::new(),
        })
    }

    /// The place of a token, which is hashed once for all that is done there.
    pub(super) fn place<'a>(&'a self, token: &'a [u8]) -> Place<'a> {
        Place {
            refusals: self,
            token: Token {
                digest: self.digests.digest(token),
                bytes: token,
            },
        }
    }

    /// The place of a token, were this its digest.
    #[cfg(test)]
    pub(super) fn place_at<'a>(&'a self, digest: u64, token: &'a [u8]) -> Place<'a> {
        let token = Token {
            digest,
            bytes: token,
        };
        Place {
            refusals: self,
            token,
        }
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.known.weight()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// What it takes in memory: the table as allocated, and the tokens as glibc allocates them.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let tokens = self.known.iter().map(|(token, _)| token.bytes.len() + 24);
        self.known.memory_used().total() + tokens.sum::<usize>()
    }
}

impl Place<'_> {
    /// What is known of the token.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.refusals.known.get(&self.token)
    }

    pub(super) fn keep(self, verdict: Verdict) {
        let Token { digest, bytes } = self.token;
        let bytes = Box::from(bytes);
        self.refusals.known.insert(Token { digest, bytes }, verdict);
    }

    #[cfg(test)]
    pub(super) fn digest(&self) -> u64 {
        self.token.digest
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Token<Box<[u8]>>, Verdict> for ByBytes {
    fn weight(&self, token: &Token<Box<[u8]>>, _: &Verdict) -> u64 {
        (token.bytes.len() + ALLOCATION_BYTES).max(LEAST_BYTES) as u64
    }
}
