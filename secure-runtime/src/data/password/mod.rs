//! Passwords: which ones are taken, how they are kept, and what a flood of them may cost.
//!
//! ```
//! use actix_web::{HttpResponse, post, web};
//! use secure_runtime::{
//!     Rejection,
//!     data::password::{NewPassword, Password, Passwords},
//!     secured,
//! };
//!
//! #[derive(serde::Deserialize, garde::Validate)]
//! struct Registration {
//!     #[garde(length(min = 1, max = 100))]
//!     name: String,
//!     #[garde(dive)]
//!     password: NewPassword,
//! }
//!
//! #[derive(serde::Deserialize, garde::Validate)]
//! struct Login {
//!     #[garde(length(min = 1, max = 100))]
//!     name: String,
//!     #[garde(dive)]
//!     password: Password,
//! }
//!
//! # async fn store(name: &str, hash: &str) {}
//! # async fn load(name: &str) -> Option<String> { None }
//! #[secured(public, rate = "5/min")]
//! #[post("/accounts")]
//! async fn register(
//!     new: web::Json<Registration>,
//!     passwords: Passwords,
//! ) -> Result<HttpResponse, Rejection> {
//!     let hash = passwords.hash(&new.password, &[&new.name]).await;
//!     let hash = hash.map_err(|error| error.at("/password"))?;
//!     store(&new.name, hash.as_str()).await;
//!     Ok(HttpResponse::Created().finish())
//! }
//!
//! #[secured(public, rate = "5/min")]
//! #[post("/login")]
//! async fn log_in(
//!     login: web::Json<Login>,
//!     passwords: Passwords,
//! ) -> Result<HttpResponse, Rejection> {
//!     let stored = load(&login.name).await; // an account that is not there has no hash
//!     let verified = passwords.verify(&login.password, stored.as_deref()).await?;
//!     if !verified.matches {
//!         return Ok(HttpResponse::Unauthorized().finish());
//!     }
//!     if verified.needs_rehash {
//!         let hash = passwords.rehash(&login.password).await?;
//!         store(&login.name, hash.as_str()).await;
//!     }
//!     Ok(HttpResponse::Ok().finish())
//! }
//! ```
//!
//! # Which passwords are taken
//!
//! The rules are those of NIST SP 800-63B-4 section 3.1.1.2. A password is Unicode text in NFC,
//! counted in code points, at least 15 (8 where a second factor is asked for as well), at most
//! 256. Nothing is cut off, nothing is folded, no kind of character is demanded, and no password
//! grows old. Refused is what an attacker tries first: the common ones, what is made of the
//! account's and the service's own names, and what zxcvbn estimates to be guessed easily
//! ([`PasswordPolicy`]).
//!
//! A service that changes a password asks for the current one as well, lets people paste, and has
//! no hints and no secret questions.
//!
//! # How they are kept
//!
//! As Argon2id with a random salt of 16 bytes, in the PHC string format, at the cost that the OWASP
//! Password Storage Cheat Sheet names, or more. A stored hash of a lower cost still verifies, and
//! is then to be replaced.
//!
//! # What a flood may cost
//!
//! A hash takes tens of milliseconds of a core and [`memory`], so nobody's is computed where
//! requests are served. At most [`max_concurrent`] are computed at a time, each on a thread of its
//! own, and at most [`max_waiting`] wait for their turn. Whoever comes then is refused at once, with
//! 503 and `Retry-After`. A caller who goes away while waiting leaves the place to the next one.
//!
//! INVARIANT: hashes hold at most `max_concurrent` × `max_memory` bytes, whatever arrives and
//! whatever the stored hashes say. `max_memory` is `memory` unless an operator raises it. What was
//! allocated is kept and used again.
//!
//! # What remains
//!
//! Where no account exists a hash of the configured cost is computed. An account whose stored hash
//! has another cost takes another time, until its owner logs in and the hash is replaced. Copies
//! of a password that the JSON parser, the TLS library or zxcvbn make are not overwritten, nor is what
//! Argon2 leaves in its memory.
//!
//! [`memory`]: crate::settings::PasswordSettings::memory
//! [`max_concurrent`]: crate::settings::PasswordSettings::max_concurrent
//! [`max_waiting`]: crate::settings::PasswordSettings::max_waiting

mod blocklist;
mod error;
mod memory;
mod names;
mod policy;
mod queue;
mod stored;
#[cfg(test)]
mod tests;
mod text;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use self::{
    blocklist::Blocklist,
    memory::Memory,
    queue::Queue,
    stored::{Cost, Stored},
};
pub use self::{
    error::PasswordError,
    policy::{PasswordPolicy, PasswordProblem},
    stored::PasswordHash,
    text::{MAX_LENGTH, MIN_LENGTH, MIN_LENGTH_WITH_SECOND_FACTOR, NewPassword, Password},
};
use crate::{
    error::Mistake,
    settings::{PasswordSettings, Settings},
};

/// Waiting hashes for each that is computed: at tens of milliseconds each, the last one waits
/// about a second, which is what a person at a login form bears.
const WAITING_FOR_EACH: usize = 16;

/// Hashes passwords and verifies them; cheap to clone, one for a process.
///
/// A handler takes it as a parameter, other code finds it at
/// [`Security::passwords`](crate::Security::passwords).
#[derive(Clone)]
pub struct Passwords(Arc<Parts>);

struct Parts {
    /// What new hashes cost.
    cost: Cost,
    /// Most KiB of memory that a stored hash may ask for.
    max_memory: u32,
    memory: Memory,
    policy: PasswordPolicy,
    queue: Queue,
    computed: AtomicU64,
}

/// What is known of a password after it was held against a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a password that was verified need not be the right one"]
#[non_exhaustive]
pub struct Verified {
    /// Whether it is the account's.
    pub matches: bool,
    /// Whether it is, and the stored hash costs less than a new one would: replace it by what
    /// [`Passwords::rehash`] makes.
    pub needs_rehash: bool,
}

/// What a [`Passwords`] is doing, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordCounts {
    /// Hashes that were computed since the start.
    pub computed: u64,
    /// Calls that were refused since the start because too many were waiting.
    pub refused: u64,
    /// Hashes that are being computed.
    pub running: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
}

impl Passwords {
    /// The parts that `[passwords]` of the settings asks for; they were checked.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Mistake> {
        let PasswordSettings {
            max_concurrent,
            max_waiting,
            min_length,
            min_score,
            names,
            ..
        } = &settings.passwords;
        let cost = settings.passwords.cost();
        let concurrent = max_concurrent
            .or_else(|| thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let waiting = max_waiting.map_or(concurrent.saturating_mul(WAITING_FOR_EACH), |waiting| {
            waiting.get()
        });
        let blocklist = match &settings.passwords.blocklist {
            Some(file) => Blocklist::read(file)
                .map_err(|problem| Mistake::new("passwords.blocklist", problem))?,
            None => Blocklist::default(),
        };
        let names = names.iter().chain([&settings.realm]);
        Ok(Self(Arc::new(Parts {
            cost: Cost {
                memory: cost.0,
                iterations: cost.1,
                lanes: cost.2,
            },
            max_memory: settings.passwords.max_memory_kib(),
            memory: Memory::default(),
            policy: PasswordPolicy::new(*min_length, *min_score, names, blocklist),
            queue: Queue::new(concurrent, waiting),
            computed: AtomicU64::new(0),
        })))
    }

    /// Hashes a new password, if the policy takes it, for an account of these names.
    ///
    /// `names` is what others know of the account: its name, its e-mail address, the name of its
    /// owner. A password that consists of them is refused.
    ///
    /// # Errors
    ///
    /// The policy refuses the password, too many are waiting, or there is no memory.
    pub async fn hash<const MIN: usize>(
        &self,
        password: &NewPassword<MIN>,
        names: &[&str],
    ) -> Result<PasswordHash, PasswordError> {
        // What need not wait is refused first.
        password.check_length()?;
        let names = names::Names::of(names.iter().copied());
        let password = password.clone();
        self.run(move |parts| {
            parts.policy.judge(&password, &names)?;
            parts.hash(password.as_password())
        })
        .await
    }

    /// Hashes a password that was just verified, at the cost of today. The policy is not asked:
    /// what is taken of new passwords says nothing of those that are in use.
    ///
    /// # Errors
    ///
    /// Too many are waiting, or there is no memory.
    pub async fn rehash(&self, password: &Password) -> Result<PasswordHash, PasswordError> {
        password.check_length()?;
        let password = password.clone();
        self.run(move |parts| parts.hash(&password)).await
    }

    /// Holds a password against the hash of an account, or against nothing where there is no such
    /// account: that takes the same work, and never matches.
    ///
    /// # Errors
    ///
    /// Too many are waiting, there is no memory, or the stored hash is not one of ours
    /// ([`PasswordError::Stored`]), which is found out after the same work.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verified, PasswordError> {
        password.check_length()?;
        let stored = stored
            .map(|stored| Stored::parse(stored, self.0.cost, self.0.max_memory))
            .transpose();
        let password = password.clone();
        self.run(move |parts| match stored {
            Ok(Some(stored)) => parts.compare(&password, &stored),
            Ok(None) => parts.compare_to_nothing(&password),
            Err(error) => parts.compare_to_nothing(&password).and(Err(error)),
        })
        .await
    }

    /// What new passwords must be.
    pub fn policy(&self) -> &PasswordPolicy {
        &self.0.policy
    }

    /// What is going on.
    pub fn counts(&self) -> PasswordCounts {
        let (running, waiting) = self.0.queue.occupied();
        PasswordCounts {
            computed: self.0.computed.load(Ordering::Relaxed),
            refused: self.0.queue.refused(),
            running,
            waiting,
        }
    }

    /// Runs `work` when it is its turn, off the threads that serve requests.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Parts) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let parts = Arc::clone(&self.0);
        self.0.queue.run(move || work(&parts)).await?
    }
}

/// What takes long; called in a turn of the queue only.
impl Parts {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordError> {
        self.count();
        PasswordHash::make(self.cost, &self.memory, password)
    }

    fn compare(&self, password: &Password, stored: &Stored) -> Result<Verified, PasswordError> {
        self.count();
        let matches = stored.matches(&self.memory, password)?;
        Ok(Verified {
            matches,
            needs_rehash: matches && stored.costs_less_than(self.cost),
        })
    }

    fn compare_to_nothing(&self, password: &Password) -> Result<Verified, PasswordError> {
        self.count();
        // INVARIANT: whatever comes out, nobody's password matches.
        std::hint::black_box(Stored::nobody(self.cost)?.matches(&self.memory, password)?);
        Ok(Verified {
            matches: false,
            needs_rehash: false,
        })
    }

    fn count(&self) {
        self.computed.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("cost", &self.0.cost)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
