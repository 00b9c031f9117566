//! Brute force and credential stuffing: how often a password may be guessed.
//!
//! A handler with `login(..)` in its attribute checks passwords, and says so with 401. Every
//! attempt is counted by account, by account and network together, by network, by device and over
//! all; as a failure from before the check until the handler has answered otherwise:
//!
//! | the handler answers | the attempt |
//! |---|---|
//! | 2xx | clears the failures of the account, of it and this network, and of the device |
//! | 401, panics, or is cancelled | stays a failure |
//! | anything else | is taken back |
//!
//! What follows from failures is said in [`rules`]; what is answered, and when, in [`attempt`].
//!
//! # One handler, one authenticator
//!
//! Each handler counts for itself. If a password and a one-time code shared their counts, every
//! right password would clear the failures of the code, and whoever has stolen the password could
//! guess at the code for ever. The price: a password that two handlers check can be guessed at
//! twice as often.
//!
//! # What is kept
//!
//! Keys, which are codes under the secret of the settings (`login.secret_file`), and times. No
//! name, no address, and of a password 32 bits at most. Accounts that do not exist are counted
//! like others: nothing here knows which exist.
//!
//! # Memory
//!
//! At most `login.max_keys` records in this process; see [`memory`].

mod attempt;
mod device;
mod key;
mod memory;
mod pace;
mod rules;
#[cfg(feature = "redis")]
mod shared;
mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt, io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use secrecy::SecretSlice;

pub(crate) use self::{
    attempt::{Attempt, Presented, Settled},
    key::MIN_SECRET_BYTES,
};
use self::{
    device::Cookies,
    key::{Secret, normal},
    pace::Pace,
    rules::{Limits, Rules},
    store::Store,
};
#[cfg(feature = "redis")]
use crate::store::Store as SharedStore;
use crate::{
    address::Ipv6Prefix,
    clock::Clock,
    policy::Policy,
    rejection::{Refusal, Rejection},
    settings::LoginSettings,
};

/// Most records, unless configured.
pub(crate) const DEFAULT_MAX_KEYS: NonZeroUsize =
    const { NonZeroUsize::new(1_000_000).expect("it is not zero") };

/// Failed logins, and who is locked out for them; cheap to clone, one for a process.
///
/// A handler takes it as a parameter, other code finds it at
/// [`Security::logins`](crate::Security::logins):
///
/// ```
/// use actix_web::{HttpResponse, post, web};
/// use secure_runtime::{Logins, Rejection, secured};
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct Recovery {
///     #[garde(length(max = 254))]
///     account: String,
/// }
///
/// /// Somebody has proved in another way who he is.
/// #[secured(role = "admin")]
/// #[post("/enable")]
/// async fn enable(
///     recovery: web::Json<Recovery>,
///     logins: Logins,
/// ) -> Result<HttpResponse, Rejection> {
///     logins.enable(&recovery.account).await?;
///     Ok(HttpResponse::NoContent().finish())
/// }
/// ```
///
/// Accounts are named as the expression `account` of the handlers names them; spaces around a name
/// and letter case do not matter.
#[derive(Clone)]
pub struct Logins(Arc<Parts>);

struct Parts {
    clock: Clock,
    ipv6_prefix: Ipv6Prefix,
    counts: Counters,
    /// By the address of the policy, which is its identity: it is a static.
    handlers: ArcSwap<HashMap<usize, Arc<Handler>>>,
    limits: Limits,
    device_max_age: u64,
    /// Whether too many fail everywhere, as far as this process has seen.
    alarmed: AtomicBool,
    secret: Secret,
    /// Whether the secret ends with the process.
    is_temporary: bool,
    store: Store,
}

pub(crate) struct LoginOptions<'a> {
    pub(crate) clock: Clock,
    pub(crate) settings: &'a LoginSettings,
    pub(crate) ipv6_prefix: Ipv6Prefix,
    pub(crate) secret: Option<SecretSlice<u8>>,
    #[cfg(feature = "redis")]
    pub(crate) store: Option<SharedStore>,
}

/// What belongs to one handler.
#[derive(Debug)]
struct Handler {
    policy: &'static Policy,
    rules: Rules,
    cookies: Cookies,
    pace: Pace,
}

/// What is known of an account; see [`Logins::state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginState {
    /// Whether nothing is checked until the account is enabled.
    pub disabled: bool,
    /// Failures since the last success.
    pub failures: u32,
    /// For how long nothing is checked, unless it comes from a known device.
    pub locked_for: Option<Duration>,
}

/// What became of the attempts that this process has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginCounts {
    /// The password was checked.
    pub checked: u64,
    /// It was wrong.
    pub failed: u64,
    /// It was right.
    pub succeeded: u64,
    /// Refused without a check, for the sake of the account.
    pub refused_for_account: u64,
    /// Refused without a check, for the sake of the network.
    pub refused_for_network: u64,
    /// Refused without a check, because the password fails everywhere.
    pub refused_for_password: u64,
}

#[derive(Debug, Default)]
struct Counters {
    checked: AtomicU64,
    failed: AtomicU64,
    succeeded: AtomicU64,
    refused_for_account: AtomicU64,
    refused_for_network: AtomicU64,
    refused_for_password: AtomicU64,
}

/// Why an account could not be looked at or forgiven.
///
/// A handler may return it as a [`Rejection`]: the caller is answered 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The shared store does not answer.
    #[error("the shared store does not answer")]
    Store,
}

impl From<LoginError> for Rejection {
    fn from(error: LoginError) -> Self {
        Self::new(Refusal::Undecided, format!("login: {error}"))
            .with_retry_after(store::RETRY_AFTER)
    }
}

impl Logins {
    pub(crate) fn new(options: LoginOptions<'_>) -> io::Result<Self> {
        let LoginOptions {
            clock,
            settings,
            ipv6_prefix,
            secret,
            #[cfg(feature = "redis")]
            store,
        } = options;
        let limits = Limits::new(settings);
        let max_keys = settings.max_keys.get();
        Ok(Self(Arc::new(Parts {
            counts: Counters::default(),
            handlers: ArcSwap::default(),
            limits,
            device_max_age: settings.device_max_age.as_secs(),
            alarmed: AtomicBool::new(false),
            is_temporary: secret.is_none(),
            secret: match &secret {
                Some(secret) => Secret::new(secret),
                None => Secret::random()?,
            },
            #[cfg(feature = "redis")]
            store: Store::new(clock.clone(), limits, max_keys, store),
            #[cfg(not(feature = "redis"))]
            store: Store::new(clock.clone(), limits, max_keys),
            clock,
            ipv6_prefix,
        })))
    }

    /// Lets an account log in again after a recovery: nothing of its past counts any more, and no
    /// device is known.
    ///
    /// An account that was disabled after too many failures in a row needs this. Whoever calls it
    /// must have proved in another way that the account is his.
    ///
    /// # Errors
    ///
    /// The shared store does not answer: nothing has changed, as far as is known.
    pub async fn enable(&self, account: &str) -> Result<(), LoginError> {
        let marks = self.0.secret.marks(&normal(account));
        self.0.store.forgive(marks, true).await
    }

    /// Ends locks and delays of an account. It stays disabled if it is, and its failures in a row
    /// are still counted.
    ///
    /// # Errors
    ///
    /// As [`enable`](Self::enable).
    pub async fn clear(&self, account: &str) -> Result<(), LoginError> {
        let marks = self.0.secret.marks(&normal(account));
        self.0.store.forgive(marks, false).await
    }

    /// What is known of an account; of several handlers the worst.
    ///
    /// Whether the account exists is not known here. Handlers are those that this process serves.
    ///
    /// # Errors
    ///
    /// The shared store does not answer.
    pub async fn state(&self, account: &str) -> Result<LoginState, LoginError> {
        let Parts { secret, store, .. } = &*self.0;
        let account = normal(account);
        let marks = secret.marks(&account);
        let mut worst = LoginState::default();
        let handlers = self.0.handlers.load_full();
        for handler in handlers.values() {
            let key = secret.account(handler.policy.handler, &account);
            let state = store.state(marks, key, &handler.rules).await?;
            let locked_for = (state.wait > 0).then(|| Duration::from_millis(state.wait));
            worst.disabled |= state.disabled;
            worst.failures = worst.failures.max(state.failures);
            worst.locked_for = worst.locked_for.max(locked_for);
        }
        Ok(worst)
    }

    /// What became of the attempts that this process has seen.
    pub fn counts(&self) -> LoginCounts {
        let counts = &self.0.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LoginCounts {
            checked: read(&counts.checked),
            failed: read(&counts.failed),
            succeeded: read(&counts.succeeded),
            refused_for_account: read(&counts.refused_for_account),
            refused_for_network: read(&counts.refused_for_network),
            refused_for_password: read(&counts.refused_for_password),
        }
    }

    /// Makes a handler ready before the first request, and finds what it lacks.
    pub(crate) fn prepare(&self, policy: &'static Policy) -> Result<(), Rejection> {
        match &policy.login {
            None => Ok(()),
            Some(_) => self.handler(policy).map(drop),
        }
    }

    /// Whether a restart forgets known devices.
    pub(crate) fn is_temporary(&self) -> bool {
        self.0.is_temporary
    }

    fn handler(&self, policy: &'static Policy) -> Result<Arc<Handler>, Rejection> {
        let parts = &*self.0;
        let identity = std::ptr::from_ref(policy).addr();
        if let Some(handler) = parts.handlers.load().get(&identity) {
            return Ok(Arc::clone(handler));
        }
        let Some(rule) = &policy.login else {
            return Err(Rejection::new(
                Refusal::NotConfigured,
                "a login on a handler without `login`",
            ));
        };
        if parts.is_temporary && parts.store.is_shared() {
            return Err(Rejection::new(
                Refusal::NotConfigured,
                "checks passwords, and the processes that share `[redis]` need one secret: \
                 write it to a file and set `login.secret_file`",
            ));
        }
        let handler = Arc::new(Handler {
            policy,
            rules: Rules {
                attempts: usize::try_from(rule.attempts.max(1)).unwrap_or(usize::MAX),
                window: millis(rule.window),
                lock: millis(rule.lock),
                limits: parts.limits,
            },
            cookies: Cookies::new(&parts.secret, policy.handler, parts.device_max_age),
            pace: Pace::default(),
        });
        // The first one stays: its pace is being learnt.
        parts.handlers.rcu(|handlers| {
            let mut handlers = HashMap::clone(handlers);
            handlers
                .entry(identity)
                .or_insert_with(|| Arc::clone(&handler));
            handlers
        });
        let handlers = parts.handlers.load();
        Ok(handlers.get(&identity).map_or(handler, Arc::clone))
    }
}

impl Limits {
    fn new(settings: &LoginSettings) -> Self {
        let places = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            free_failures: settings.free_failures,
            delay: millis(settings.delay),
            max_delay: millis(settings.max_delay),
            disable_after: settings.disable_after,
            network_failures: places(settings.network_failures),
            network_accounts: places(settings.network_accounts),
            network_ban: millis(settings.network_ban),
            max_network_ban: millis(settings.max_network_ban),
            password_accounts: places(settings.password_accounts),
            global_failures: places(settings.global_failures),
            device_max_age: millis(settings.device_max_age),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Nobody.
impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}
