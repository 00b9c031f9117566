//! The accounts of the shop's own.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use secure_runtime::{
    otp::{OtpSecret, RecoveryCode, RecoveryCodeHash},
    tokens::Subject,
};

/// Anybody may register, and the memory has an end.
const MAX_ACCOUNTS: usize = 100_000;

/// An account. In a database the secrets of the second factor are encrypted.
#[derive(Clone)]
pub struct Account {
    /// The subject of its tokens, which is never given to another.
    pub subject: String,
    /// What its owner logs in with, in lower case.
    pub email: String,
    /// What is kept of the password.
    pub password_hash: String,
    /// A secret that no code has confirmed yet.
    pub offered_secret: Option<OtpSecret>,
    /// What the owner's app makes codes with.
    pub second_factor: Option<OtpSecret>,
    /// For when the app is lost.
    pub recovery_codes: Vec<RecoveryCodeHash>,
}

impl Account {
    /// What its tokens say, after the password was right.
    pub fn token_subject(&self) -> Subject {
        Subject::new(&self.subject, "shop")
            .role("customer")
            .scope("orders:read")
            .scope("orders:write")
            .authenticated_by("pwd")
    }

    /// Whether password and second factor are those of `earlier`.
    pub fn has_factors_of(&self, earlier: &Self) -> bool {
        let second = |account: &Self| account.second_factor.as_ref().map(OtpSecret::to_base32);
        self.password_hash == earlier.password_hash && second(self) == second(earlier)
    }

    /// Replaces the hash, unless that was done by somebody else since it was read; whether it was.
    pub fn replace_password(&mut self, old: &str, new: String) -> bool {
        let is_current = self.password_hash == old;
        if is_current {
            self.password_hash = new;
        }
        is_current
    }

    /// Makes the offered secret the second factor, unless since it was read another was offered or
    /// one was confirmed; whether it was.
    pub fn confirm_secret(
        &mut self,
        offered: &OtpSecret,
        recovery_codes: Vec<RecoveryCodeHash>,
    ) -> bool {
        let now = self.offered_secret.as_ref().map(OtpSecret::to_base32);
        let is_current = now == Some(offered.to_base32());
        if is_current {
            self.second_factor = self.offered_secret.take();
            self.recovery_codes = recovery_codes;
        }
        is_current
    }

    /// Uses a recovery code up; whether it was one.
    pub fn spend_recovery_code(&mut self, code: &RecoveryCode) -> bool {
        let place = code.position_in(&self.recovery_codes);
        place
            .map(|place| self.recovery_codes.remove(place))
            .is_some()
    }
}

/// Personal data and secrets.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}

/// All accounts, by subject and by e-mail address.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<Maps>);

#[derive(Default)]
struct Maps {
    by_subject: HashMap<String, Account>,
    subjects: HashMap<String, String>,
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maps").finish_non_exhaustive()
    }
}

impl Accounts {
    /// Adds an account, unless there is one of this address; `false` where there is no room.
    pub fn add(&self, email: &str, password_hash: String) -> bool {
        let mut maps = self.lock();
        let email = email.to_ascii_lowercase();
        if maps.subjects.contains_key(&email) {
            return true;
        }
        if maps.by_subject.len() >= MAX_ACCOUNTS {
            return false;
        }
        let subject = format!("user-{}", maps.by_subject.len() + 1);
        let account = Account {
            subject: subject.clone(),
            email: email.clone(),
            password_hash,
            offered_secret: None,
            second_factor: None,
            recovery_codes: Vec::new(),
        };
        maps.subjects.insert(email, subject.clone());
        maps.by_subject.insert(subject, account);
        true
    }

    /// The account of an address.
    pub fn find(&self, email: &str) -> Option<Account> {
        let maps = self.lock();
        let subject = maps.subjects.get(&email.to_ascii_lowercase())?;
        maps.by_subject.get(subject).cloned()
    }

    /// The account of a subject.
    pub fn of_subject(&self, subject: &str) -> Option<Account> {
        self.lock().by_subject.get(subject).cloned()
    }

    /// Changes an account in one step that nothing comes between.
    pub fn update<T>(&self, subject: &str, change: impl FnOnce(&mut Account) -> T) -> Option<T> {
        self.lock().by_subject.get_mut(subject).map(change)
    }

    /// No change is left half done by a panic.
    fn lock(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secure_runtime::otp::RecoveryCodes;

    use super::*;

    /// Who had the password before there was a second factor, and whose confirmation comes in
    /// while the owner's is judged, does not put his in its place.
    #[test]
    fn a_second_factor_is_not_replaced_by_a_confirmation_that_comes_late() {
        let accounts = Accounts::default();
        accounts.add("ann@shop.example", "hash".to_owned());
        let subject = accounts.find("ann@shop.example").unwrap().subject;
        let offer = |secret: &OtpSecret| {
            let secret = secret.clone();
            accounts.update(&subject, |now| now.offered_secret = Some(secret));
        };
        let confirm = |secret: &OtpSecret| {
            let codes = RecoveryCodes::new().unwrap().hashes();
            let outcome = accounts.update(&subject, |now| now.confirm_secret(secret, codes));
            outcome.unwrap()
        };
        let [thief, owner] = [(); 2].map(|()| OtpSecret::new().unwrap());
        offer(&thief);
        offer(&owner);
        assert!(!confirm(&thief));
        assert!(confirm(&owner));
        let known = accounts.of_subject(&subject).unwrap();
        // Neither once more, nor after another offer.
        assert!(!confirm(&thief));
        assert!(!confirm(&owner));
        offer(&OtpSecret::new().unwrap());
        assert!(!confirm(&thief));
        let now = accounts.of_subject(&subject).unwrap();
        assert_eq!(now.second_factor.unwrap().to_base32(), owner.to_base32());
        assert_eq!(now.recovery_codes, known.recovery_codes);
    }
}
