//! Tokens that are refused although they have not expired.
//!
//! A signed token is good until `exp`, whoever holds it: logging out, losing a device or being
//! dismissed changes nothing about it. A [`RevocationList`] is what changes something, and every
//! request of a route that asks for credentials is held against it.
//!
//! # Levels
//!
//! A single token is revoked by its issuer and `jti`, and refused whatever its times say. A
//! subject, a client, a session, an issuer or everybody is revoked by a cut-off: what was issued
//! then or earlier is refused, what is issued later is not, so logging in again works. Each level
//! is looked at, so the greatest cut-off counts, in whatever order the entries were made.
//!
//! The text of a token plays no part, nor a hash of it: the signature of ECDSA can be changed by
//! anybody into another that is just as valid, and such a token is still the one that was revoked.
//!
//! # Times
//!
//! Cut-offs are in milliseconds. An issuer whose `iat` has no fraction says for a token issued at
//! 12:00:00.9 that it was issued at 12:00:00; a cut-off at 12:00:00.7 refuses it. So who logs out
//! and in again within one second may have to log in twice, and no token of before survives. With
//! an `iat` that has a fraction there is no such second.
//!
//! Where an issuer's clock is ahead of ours, or of the store's where there is one, or that clock was
//! put back, a cut-off is put as far ahead as the latest token of that issuer that was presented to
//! this process. A token that is ahead and was never presented here before the cut-off survives it
//! by at most `tokens.leeway`, or by as much as the store's clock is behind: keep clocks synchronised
//! and the leeway short.
//!
//! # Several processes
//!
//! With `[redis]` (feature `redis`) the list is that of all processes that share the Redis. Each
//! has every entry in its own memory, and knows how old its knowledge is; where that is older than
//! a route's bound, Redis is asked. What is known to be revoked is refused whether or not Redis
//! answers. What it loses it is told again, by every process that knows it.
//!
//! Without `[redis]` each process has its own list, and what one has revoked the others accept:
//! revoke in each of them, or keep tokens short-lived.
//!
//! # Memory and file
//!
//! An entry is kept for as long as a token can be valid that it refuses: until `exp` and leeway
//! for a token; until cut-off, `tokens.max_lifetime` and leeway for the rest, which is why tokens
//! that live longer than that are not accepted in the first place. It takes less than 100 bytes.
//! There are at most `revocation.max_entries`. Beyond them a revocation fails, with an error; none
//! is ever dropped to make room.
//!
//! With `revocation.file` each change is on the disk before the call returns, and a restart
//! forgets nothing. Without it a restart forgets everything, which the log says at start.
//!
//! # Cost
//!
//! A verified token that comes again carries the generation of the list at which it was found
//! good; as long as nothing was revoked since, that comparison is all. Else one look into a table
//! for each level that has entries. Requests never wait for a write to the disk.

mod entries;
mod error;
mod file;
mod keeper;
mod latest;
#[cfg(feature = "redis")]
mod redis;
mod shard;
#[cfg(feature = "redis")]
mod shared;
mod target;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[cfg(all(feature = "otp", feature = "redis"))]
pub(crate) use self::redis::state_name;
#[cfg(feature = "redis")]
use self::shared::Shared;
use self::{
    entries::{Entries, Retention},
    file::{Journal, Record},
    keeper::{Keeper, Order},
    latest::Latest,
    target::{Key, Level},
};
pub use self::{error::RevocationError, target::RevocationTarget};
#[cfg(feature = "redis")]
use crate::store::Store;
use crate::{
    auth::{self, Principal},
    clock::Clock,
    policy::{Outage, Revocation},
    rejection::{Refusal, Rejection},
};

/// Most entries, unless configured.
pub(crate) const DEFAULT_MAX_ENTRIES: std::num::NonZeroUsize =
    const { std::num::NonZeroUsize::new(1_000_000).expect("it is not zero") };

/// Tokens that are refused although they have not expired; cheap to clone, one for a process.
///
/// A handler takes it as a parameter, other code finds it at
/// [`Security::revocations`](crate::Security::revocations):
///
/// ```
/// use actix_web::{HttpResponse, post};
/// use secure_runtime::{Principal, Rejection, RevocationList, secured};
///
/// #[secured]
/// #[post("/logout")]
/// async fn logout(
///     caller: Principal,
///     revocations: RevocationList,
/// ) -> Result<HttpResponse, Rejection> {
///     revocations.revoke(&caller).await?;
///     Ok(HttpResponse::NoContent().finish())
/// }
///
/// #[secured]
/// #[post("/logout-everywhere")]
/// async fn logout_everywhere(
///     caller: Principal,
///     revocations: RevocationList,
/// ) -> Result<HttpResponse, Rejection> {
///     revocations.revoke_subject(caller.issuer(), caller.subject()).await?;
///     Ok(HttpResponse::NoContent().finish())
/// }
/// ```
///
/// When a call returns `Ok`, no request to this process that begins afterwards is let in by what
/// was revoked, and none to another that shares its Redis once the bound of the route is over. On
/// an error that has to do with the file or the store it holds in this process all the same, and a
/// restart may forget it; the store is told as soon as it answers. Revoking what is revoked
/// already is no error.
#[derive(Clone)]
pub struct RevocationList(Arc<Parts>);

struct Parts {
    latest: Latest,
    clock: Clock,
    entries: Arc<Entries>,
    /// Before the keeper, which waits for what is ordered.
    #[cfg(feature = "redis")]
    shared: Option<Shared>,
    keeper: Keeper,
}

pub(crate) struct RevocationOptions {
    pub(crate) file: Option<PathBuf>,
    pub(crate) leeway: Duration,
    pub(crate) max_entries: usize,
    pub(crate) max_lifetime: Duration,
    /// The longest session of this service's own issuer; zero without one.
    pub(crate) max_session: Duration,
    #[cfg(feature = "redis")]
    pub(crate) store: Option<Store>,
}

/// One entry of a [`RevocationList`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationEntry {
    /// What is refused.
    pub target: RevocationTarget,
    /// What was issued later is not refused; `None` for a single token.
    pub cut_off: Option<SystemTime>,
    /// When the last token that it refuses has expired; it is forgotten some minutes later.
    pub needed_until: SystemTime,
}

/// How many entries there are, by level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationCounts {
    /// Clients.
    pub clients: usize,
    /// Whether everybody's tokens were revoked.
    pub everybody: bool,
    /// Issuers.
    pub issuers: usize,
    /// Sessions.
    pub sessions: usize,
    /// Subjects.
    pub subjects: usize,
    /// Single tokens.
    pub tokens: usize,
}

impl RevocationList {
    /// An empty list, or what the file holds.
    pub(crate) fn open(clock: Clock, options: RevocationOptions) -> Result<Self, RevocationError> {
        let RevocationOptions {
            file,
            leeway,
            max_entries,
            max_lifetime,
            max_session,
            #[cfg(feature = "redis")]
            store,
        } = options;
        let retention = Retention {
            leeway: auth::millis(leeway),
            max_lifetime: auth::millis(max_lifetime),
            max_session: auth::millis(max_session),
        };
        let (entries, mut writer) = Entries::new(retention, max_entries);
        let now = clock.unix_seconds().saturating_mul(1000);
        let journal = file
            .map(|file| Journal::open(&file, &mut writer, max_entries, now))
            .transpose()?;
        let keeper = Keeper::start(writer, journal, max_entries, clock.clone())
            .map_err(|_| RevocationError::Stopped)?;
        #[cfg(feature = "redis")]
        let shared = store
            .map(|store| {
                let entries = Arc::clone(&entries);
                Shared::start(store, clock.clone(), entries, retention, &keeper)
            })
            .transpose()?;
        Ok(Self(Arc::new(Parts {
            #[cfg(feature = "redis")]
            shared,
            latest: Latest::default(),
            clock,
            entries,
            keeper,
        })))
    }

    /// Refuses a caller whose token was revoked, unless the policy does not want to know.
    ///
    /// Where all entries are in this process only, every bound is kept. Else the shared store is
    /// asked where the knowledge is older than the bound, and `outage` says what follows where it
    /// does not answer.
    pub(crate) async fn judge(
        &self,
        caller: &Principal,
        revocation: Revocation,
        outage: Outage,
    ) -> Result<(), Rejection> {
        #[cfg(feature = "redis")]
        if let (Some(shared), Revocation::Within(bound)) = (&self.0.shared, revocation) {
            // INVARIANT: before the entries are looked at, which only become more.
            let is_fresh = shared.is_fresh(bound);
            self.check(caller, revocation)?;
            return match is_fresh {
                true => Ok(()),
                // In a box, so that the future of a request that asks nobody stays small.
                false => Box::pin(shared.ask(caller, outage)).await,
            };
        }
        // Of one process alone there is no store to be silent.
        let _ = outage;
        self.check(caller, revocation)
    }

    /// Refuses a caller of whom this process knows that the token was revoked.
    fn check(&self, caller: &Principal, revocation: Revocation) -> Result<(), Rejection> {
        match revocation {
            Revocation::Off { .. } => Ok(()),
            Revocation::Within(_) => match self.revoked(caller) {
                None => Ok(()),
                Some(level) => Err(Rejection::new(Refusal::CredentialsRevoked, level.reason())),
            },
        }
    }

    fn revoked(&self, caller: &Principal) -> Option<Level> {
        let Parts {
            latest, entries, ..
        } = &*self.0;
        // Before the entries are looked at: what changes meanwhile has a later one.
        let generation = entries.generation();
        if caller.unrevoked_at() == generation {
            return None;
        }
        latest.note(caller.issuer(), caller.issued_at_millis());
        let level = entries.revoked(caller);
        if level.is_none() {
            caller.set_unrevoked_at(generation);
        }
        level
    }

    /// Revokes the caller's token: this one logs out, on this device.
    ///
    /// # Errors
    ///
    /// There is no room, the file cannot be written, or the store does not say that it knows.
    pub async fn revoke(&self, caller: &Principal) -> Result<(), RevocationError> {
        let target = RevocationTarget::Token {
            issuer: caller.issuer().to_owned(),
            token_id: caller.token_id().to_owned(),
        };
        self.revoke_at(target, caller.expires_at_millis()).await
    }

    /// Revokes every token of a subject that was issued until now: logs out everywhere.
    ///
    /// # Errors
    ///
    /// There is no room, the file cannot be written, the store does not say that it knows, or no
    /// token can have such a name.
    pub async fn revoke_subject(&self, issuer: &str, subject: &str) -> Result<(), RevocationError> {
        self.revoke_until_now(Level::Subject, issuer, subject).await
    }

    /// Revokes every token that a client was given until now.
    ///
    /// # Errors
    ///
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_client(
        &self,
        issuer: &str,
        client_id: &str,
    ) -> Result<(), RevocationError> {
        self.revoke_until_now(Level::Client, issuer, client_id)
            .await
    }

    /// Revokes every token of a session (`sid`) that was issued until now.
    ///
    /// # Errors
    ///
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_session(
        &self,
        issuer: &str,
        session_id: &str,
    ) -> Result<(), RevocationError> {
        self.revoke_until_now(Level::Session, issuer, session_id)
            .await
    }

    /// Revokes every token that an issuer has issued until now.
    ///
    /// # Errors
    ///
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_issuer(&self, issuer: &str) -> Result<(), RevocationError> {
        self.revoke_until_now(Level::Issuer, issuer, "").await
    }

    /// Revokes every token that was issued until now.
    ///
    /// # Errors
    ///
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_all(&self) -> Result<(), RevocationError> {
        self.revoke_until_now(Level::Everybody, "", "").await
    }

    /// Takes a revocation back; whether there was one. Other entries may still refuse the same
    /// tokens.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or the store does not answer: then it was not taken back.
    pub async fn lift(&self, target: &RevocationTarget) -> Result<bool, RevocationError> {
        // There first: so it holds nowhere before it holds for good.
        #[cfg(feature = "redis")]
        let elsewhere = match &self.0.shared {
            Some(shared) => shared.lift(target).await?,
            None => false,
        };
        #[cfg(not(feature = "redis"))]
        let elsewhere = false;
        let record = Record::Lift {
            target: target.clone(),
        };
        let here = self
            .0
            .keeper
            .ask(|answer| Order::Change(record, answer))
            .await?;
        Ok(here || elsewhere)
    }

    /// Every entry, sorted: for people, not for requests. A million of them take a while, and
    /// changes wait meanwhile.
    ///
    /// # Errors
    ///
    /// The list is kept no longer.
    pub async fn list(&self) -> Result<Vec<RevocationEntry>, RevocationError> {
        self.0.keeper.ask(Order::List).await
    }

    /// How long ago every revocation that was made anywhere was known here for certain: zero where
    /// the list is of this process alone, `None` before the shared store was first read.
    pub fn age(&self) -> Option<Duration> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            return shared.age();
        }
        Some(Duration::ZERO)
    }

    /// How many entries there are.
    ///
    /// # Errors
    ///
    /// None where the list is in this process.
    pub async fn counts(&self) -> Result<RevocationCounts, RevocationError> {
        let count = |level| self.0.entries.count(level);
        Ok(RevocationCounts {
            clients: count(Level::Client),
            everybody: count(Level::Everybody) > 0,
            issuers: count(Level::Issuer),
            sessions: count(Level::Session),
            subjects: count(Level::Subject),
            tokens: count(Level::Token),
        })
    }

    async fn revoke_until_now(
        &self,
        level: Level,
        issuer: &str,
        name: &str,
    ) -> Result<(), RevocationError> {
        let needed = match level {
            Level::Everybody => [true; 2],
            Level::Issuer => [auth::is_identifier(issuer), true],
            _ => [issuer, name].map(auth::is_identifier),
        };
        if needed != [true; 2] {
            return Err(RevocationError::Identifier);
        }
        let now = self.now();
        let cut_off = self.0.latest.cut_off(issuer, now);
        let key = Key {
            level,
            issuer,
            name,
        };
        self.revoke_at(key.to_target(), cut_off).await
    }

    /// An `iat` for a token of this subject that no revocation of before refuses: now, or just
    /// after a cut-off that was made in this millisecond. What is revoked from now on refuses it.
    pub(crate) fn issue_time(&self, issuer: &str, client_id: &str, subject: &str) -> u64 {
        let now = self.now();
        let cut_off = self.0.entries.cut_off(issuer, client_id, subject);
        let issued_at = now.max(cut_off.saturating_add(1));
        self.0.latest.note(issuer, issued_at);
        issued_at
    }

    /// Milliseconds; of the shared store where there is one, so that no process' clock matters.
    pub(crate) fn now(&self) -> u64 {
        let ours = self.0.clock.unix_millis();
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            return shared.now(ours);
        }
        ours
    }

    async fn revoke_at(&self, target: RevocationTarget, time: u64) -> Result<(), RevocationError> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            let ahead = time.saturating_sub(self.now());
            let announced = shared.announce(&target, time, ahead);
            // Also where the store will not know it.
            if let Err(error) = self.revoke_here(target.clone(), time).await {
                if let Ok(announced) = announced {
                    shared.withdraw(announced);
                }
                return Err(error);
            }
            let agreed = shared.publish(announced?).await?;
            if agreed > time {
                self.revoke_here(target, agreed).await?;
            }
            return Ok(());
        }
        self.revoke_here(target, time).await
    }

    async fn revoke_here(
        &self,
        target: RevocationTarget,
        time: u64,
    ) -> Result<(), RevocationError> {
        let record = Record::Revoke { target, time };
        let change = |answer| Order::Change(record, answer);
        self.0.keeper.ask(change).await.map(drop)
    }
}

impl RevocationEntry {
    fn new(key: Key<'_>, time: u64, retention: Retention) -> Self {
        let at = |millis| {
            // Beyond what the system can tell: as late as can be told.
            let since = Duration::from_millis(millis);
            UNIX_EPOCH
                .checked_add(since)
                .unwrap_or(UNIX_EPOCH + Duration::from_secs(253_402_300_799))
        };
        Self {
            target: key.to_target(),
            cut_off: (key.level != Level::Token).then(|| at(time)),
            needed_until: at(retention.until(key.level, time)),
        }
    }
}

/// How many, not whom.
impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("entries", &self.0.entries.len())
            .finish_non_exhaustive()
    }
}
