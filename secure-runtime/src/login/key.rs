//! Who is counted: names, addresses and passwords become keys that tell nothing without the
//! secret.

use std::io;

use aws_lc_rs::{hmac, rand};
use secrecy::{ExposeSecret, SecretSlice};

use super::rules::Attempt;
use crate::address::Network;

/// A longer name of an account belongs to nobody: an e-mail address has at most 254 bytes.
pub(super) const MAX_ACCOUNT_BYTES: usize = 1024;

/// A shorter secret can be guessed.
pub(crate) const MIN_SECRET_BYTES: usize = 32;

/// 128 bits that stand for something; nobody without the secret can say for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u128);

impl Key {
    /// Keys are spread evenly already.
    pub(super) fn hash(self) -> u64 {
        self.0 as u64
    }

    /// The half that is enough to tell accounts apart that fail at one place within an hour.
    pub(super) fn half(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// Everything that one attempt is counted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) marks: Key,
    pub(super) account: Key,
    pub(super) pair: Key,
    pub(super) network: Key,
    pub(super) device: Option<KnownDevice>,
    pub(super) password: Option<Key>,
    /// Whether the network is banned for longer each time.
    pub(super) is_bannable: bool,
}

/// A device that was let in before.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownDevice {
    pub(super) key: Key,
    pub(super) id: [u8; 16],
    /// Milliseconds since 1970, by the clock of the records.
    pub(super) issued: u64,
}

impl Subject {
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        [
            Some(self.marks),
            Some(self.account),
            Some(self.pair),
            Some(self.network),
            self.device.map(|device| device.key),
            self.password,
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            account: self.account.half(),
            device: self.device.map(|device| device.issued),
            has_password: self.password.is_some(),
            is_bannable: self.is_bannable,
        }
    }
}

/// The secret of the logins. It shows nothing of itself.
pub(super) struct Secret(hmac::Key);

impl Secret {
    /// One that was configured.
    pub(super) fn new(secret: &SecretSlice<u8>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret()))
    }

    /// One that ends with the process.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; MIN_SECRET_BYTES];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// A code over parts that cannot run into each other.
    pub(super) fn sign(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut code = [0; 32];
        for (to, from) in code.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        code
    }

    fn key(&self, purpose: &str, parts: &[&[u8]]) -> Key {
        let [code @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.sign(purpose, parts);
        Key(u128::from_be_bytes(code))
    }

    /// The account in the hands of operators, whatever handler checks its password.
    pub(super) fn marks(&self, account: &str) -> Key {
        self.key("marks", &[account.as_bytes()])
    }

    pub(super) fn account(&self, handler: &str, account: &str) -> Key {
        self.key("account", &[handler.as_bytes(), account.as_bytes()])
    }

    pub(super) fn network(&self, network: Network) -> Key {
        self.key("network", &[network.to_string().as_bytes()])
    }

    pub(super) fn pair(&self, account: Key, network: Key) -> Key {
        let parts = [account.0.to_be_bytes(), network.0.to_be_bytes()];
        self.key("pair", &[&parts[0], &parts[1]])
    }

    pub(super) fn device(&self, account: Key, id: &[u8; 16]) -> Key {
        self.key("device", &[&account.0.to_be_bytes(), id])
    }

    /// Of the password only 32 bits enter: what is kept fits one password in four billion, and so
    /// proves none, not even to somebody who has the secret.
    pub(super) fn password(&self, handler: &str, password: &str) -> Key {
        let [a, b, c, d, ..] = self.sign("password", &[handler.as_bytes(), password.as_bytes()]);
        self.key("fingerprint", &[&[a, b, c, d]])
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A name in the form in which it is counted: without spaces around it, and in one letter case.
///
/// Upper case and back, letter by letter, so that `ς` and `σ` are one, and `ß` and `SS`. Rather
/// two accounts share a count than one has two.
pub(super) fn normal(name: &str) -> String {
    let upper = name.trim().chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}
