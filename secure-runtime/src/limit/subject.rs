//! What quotas count by, and its hash.
//!
//! Clients choose what is hashed: the addresses of their networks, and names, where anybody may
//! register. Who could foresee the hash would fill one bucket of a table. So it is SipHash, keyed
//! with a secret of this process that nothing shows, as in the standard library; a faster hash
//! would give its secret away to somebody who can measure. That of a caller is computed once for
//! each token, when it is verified.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock},
};

use crate::address::Network;

/// One for all tables, or a hash could not be kept with what it is of.
static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What quotas count by.
pub(super) trait Subject: Clone + Eq {
    fn hash(&self) -> u64;
}

impl Subject for Network {
    fn hash(&self) -> u64 {
        SECRET.hash_one(self)
    }
}

/// The [`Identity`] of a caller, as a table keeps it.
impl Subject for Arc<str> {
    fn hash(&self) -> u64 {
        SECRET.hash_one(self)
    }
}

/// All callers together.
impl Subject for () {
    fn hash(&self) -> u64 {
        EVERYBODY.hash
    }
}

pub(super) const EVERYBODY: Hashed<'static, ()> = Hashed {
    subject: &(),
    hash: 0,
};

/// Who a caller is: one text for each user of each issuer.
#[derive(Clone)]
pub(crate) struct Identity {
    text: Arc<str>,
    hash: u64,
}

impl Identity {
    pub(crate) fn new(text: Arc<str>) -> Self {
        let hash = text.hash();
        Self { text, hash }
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(super) fn hashed(&self) -> Hashed<'_, Arc<str>> {
        Hashed {
            subject: &self.text,
            hash: self.hash,
        }
    }
}

/// A subject and its hash: what a table is asked about.
pub(super) struct Hashed<'a, K> {
    pub(super) subject: &'a K,
    pub(super) hash: u64,
}

impl<'a, K: Subject> Hashed<'a, K> {
    pub(super) fn new(subject: &'a K) -> Self {
        Self {
            subject,
            hash: subject.hash(),
        }
    }
}

impl<K> Clone for Hashed<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Hashed<'_, K> {}
