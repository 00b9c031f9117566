//! Argon2id and its PHC strings.

use std::fmt;

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::zeroize::Zeroizing;

use super::{error::PasswordError, memory::Memory, text::Password};

/// NIST asks for 4 bytes at least; RFC 9106 recommends these.
const SALT_BYTES: usize = 16;

/// As RFC 9106 recommends.
const HASH_BYTES: usize = 32;

/// A stored hash that is shorter could be met by chance, or was cut off.
const MIN_HASH_BYTES: usize = 16;

/// How much more work than a new one a stored hash may take: what it says must not be a way to
/// keep a core busy for minutes.
const MAX_WORK: u64 = 4;

/// What a hash costs, as RFC 9106 counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// Blocks that are computed, which is what takes the time.
    fn work(self) -> u64 {
        u64::from(self.memory) * u64::from(self.iterations)
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory, self.iterations, self.lanes, None).ok()
    }

    fn compute<const N: usize>(
        self,
        memory: &Memory,
        salt: &[u8],
        password: &Password,
        length: usize,
    ) -> Result<Zeroizing<[u8; N]>, PasswordError> {
        let params = self.params().ok_or(PasswordError::Failed)?;
        let count = params.block_count();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = Zeroizing::new([0; N]);
        let place = hash.get_mut(..length).ok_or(PasswordError::Failed)?;
        memory
            .lend(count, |blocks| {
                argon2.hash_password_into_with_memory(password.bytes(), salt, place, blocks)
            })?
            .map_err(|_| PasswordError::Failed)?;
        Ok(hash)
    }
}

/// The hash of a password, to be stored: a PHC string, at most 120 bytes of ASCII.
///
/// It is not shown by `Debug`: who has it can guess at leisure.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub(super) fn make(
        cost: Cost,
        memory: &Memory,
        password: &Password,
    ) -> Result<Self, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| PasswordError::Failed)?;
        let hash = cost.compute::<HASH_BYTES>(memory, &salt, password, HASH_BYTES)?;
        let text = || {
            Some(phc::PasswordHash {
                algorithm: ARGON2ID_IDENT,
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(cost.params()?).ok()?,
                salt: Some(Salt::new(&salt).ok()?),
                hash: Some(Output::new(&*hash).ok()?),
            })
        };
        let text = text().ok_or(PasswordError::Failed)?;
        Ok(Self(text.to_string()))
    }

    /// What is to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is to be stored.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A hash that was stored, and that is not too costly to be computed again.
pub(super) struct Stored {
    cost: Cost,
    salt: Salt,
    hash: Output,
}

impl Stored {
    /// Reads a PHC string. `cost` is that of new hashes; none may take more than `max_memory` KiB,
    /// nor much more work.
    pub(super) fn parse(text: &str, cost: Cost, max_memory: u32) -> Result<Self, PasswordError> {
        let phc = phc::PasswordHash::new(text)
            .map_err(|_| PasswordError::Stored("is not a PHC string"))?;
        if phc.algorithm != ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
            return Err(PasswordError::Stored("is not Argon2id of version 19"));
        }
        let params = Params::try_from(&phc)
            .ok()
            .filter(|params| params.keyid().is_empty() && params.data().is_empty())
            .ok_or(PasswordError::Stored("has parameters that are not known"))?;
        let stored = Cost {
            memory: params.m_cost(),
            iterations: params.t_cost(),
            lanes: params.p_cost(),
        };
        let most = u64::from(max_memory) * u64::from(cost.iterations) * MAX_WORK;
        if stored.memory > max_memory || stored.work() > most {
            return Err(PasswordError::Stored(
                "takes more memory or time than `passwords.max_memory` allows",
            ));
        }
        match (phc.salt, phc.hash) {
            (Some(salt), Some(hash)) if hash.len() >= MIN_HASH_BYTES => Ok(Self {
                cost: stored,
                salt,
                hash,
            }),
            _ => Err(PasswordError::Stored("is cut off")),
        }
    }

    /// What no account has, of the same cost as a new one.
    pub(super) fn nobody(cost: Cost) -> Result<Self, PasswordError> {
        let salt = Salt::new(&[0; SALT_BYTES]).map_err(|_| PasswordError::Failed)?;
        let hash = Output::new(&[0; HASH_BYTES]).map_err(|_| PasswordError::Failed)?;
        Ok(Self { cost, salt, hash })
    }

    pub(super) fn matches(
        &self,
        memory: &Memory,
        password: &Password,
    ) -> Result<bool, PasswordError> {
        let length = self.hash.len();
        let hash = self
            .cost
            .compute::<{ Output::MAX_LENGTH }>(memory, &self.salt, password, length)?;
        let hash = hash.get(..length).ok_or(PasswordError::Failed)?;
        Ok(verify_slices_are_equal(hash, self.hash.as_bytes()).is_ok())
    }

    /// Whether a new hash would be harder to guess in any respect.
    pub(super) fn costs_less_than(&self, cost: Cost) -> bool {
        self.cost.memory < cost.memory
            || self.cost.iterations < cost.iterations
            || self.hash.len() < HASH_BYTES
            || self.salt.len() < SALT_BYTES
    }
}
