//! Addresses that are refused for a time, whatever they ask for.
//!
//! A ban is made by a call, or by a rule of the settings (`[[bans.rules]]`): so many refusals of
//! some kinds in some time. It ends by itself. While it lasts, the client gets nothing at all, and
//! for little: the outermost layer answers before the request is routed, and closes the
//! connection. An app without the shield refuses in each guarded handler.
//!
//! # Who is banned
//!
//! A network of any length. An address stands for itself, one of IPv6 for its network of 56 bits,
//! as quotas count it. A client whose address is not known is never banned: that would be
//! everybody behind a proxy that does not tell.
//!
//! **A trusted proxy is never banned**, by no call and no rule: a network of
//! `client_address.trusted_proxies`, or one that holds such an address, is an error, and a request
//! whose address is that of a trusted proxy is never refused for it. With `client_address.hops` the
//! addresses of proxies are not known beforehand; there the peer that asks for itself is spared.
//!
//! There are no rules by default. Behind a proxy that nobody has configured every request comes
//! from one address, and a rule would shut everybody out. For the same reason no rule bans an
//! address of this machine. What handlers with `login(..)` do by default with addresses that fail too
//! often is theirs, and holds at logins only: see [`settings::LoginSettings`](crate::settings::LoginSettings).
//!
//! # The answer
//!
//! 429 with `Retry-After`, when the ban ends, and the problem type `abnormal-usage-detected` of
//! draft-ietf-httpapi-ratelimit-headers. Not 403: that says that asking again is of no use, and a
//! client that went wrong, or one behind the same address, should come back when it is over.
//!
//! A [`Server`](crate::Server) that speaks TLS itself gives that answer on connections that were open
//! when the ban was made. New ones it closes before TLS, without an answer: a handshake costs more
//! than all that a ban refuses. Behind a proxy that ends TLS there is always an answer.
//!
//! # The log
//!
//! Each ban and each lift is an audit event with its network. Of the requests that a ban refuses
//! the 1st, 10th, 100th and so on are events, so a flood does not become one of the log.
//! Connections that are closed before TLS are counted among them.
//!
//! # One process, and several
//!
//! Bans are in the memory of a process, and a restart forgets them. With `[redis]` they are shared:
//! a ban or lift holds at once in its process, and in all others within a second; it survives
//! restarts of processes. While Redis does not answer, bans go on in each process, and are told to it
//! when it does. Strikes are counted by each process for itself: `n` processes behind a load
//! balancer let up to `n` times the count of a rule pass before one of them bans.
//!
//! # Memory
//!
//! At most `bans.max_entries` networks, those whose bans have ended and are remembered included;
//! beyond that a ban fails, and none is dropped. As many clients are counted for rules. Each
//! costs less than 150 bytes.

mod answer;
mod entry;
mod error;
mod network;
#[cfg(feature = "redis")]
mod redis;
mod rules;
mod strikes;
mod sweep;
mod table;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use actix_web::HttpRequest;
use ipnet::IpNet;

pub(crate) use self::answer::Banned;
#[cfg(feature = "redis")]
use self::redis::{Change, Shared};
pub use self::{
    entry::{BanCounts, BanEntry},
    error::BanError,
    network::BanTarget,
    rules::StrikeKind,
};
use self::{
    network::Key,
    rules::{Rule, Rules},
    sweep::Sweeper,
    table::{Ban, Hit, Table, Writer},
};
#[cfg(feature = "redis")]
use crate::store::Store;
use crate::{
    address::{ClientAddress, ClientAddresses, Ipv6Prefix, Network},
    admission::peer,
    clock::Clock,
    rejection::Refusal,
    settings::BanSettings,
};

/// Most networks, unless configured.
pub(crate) const DEFAULT_MAX_ENTRIES: std::num::NonZeroUsize =
    const { std::num::NonZeroUsize::new(100_000).expect("it is not zero") };

const SHORTEST: Duration = Duration::from_secs(1);
/// What must be refused for longer belongs into a packet filter.
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Bytes of a reason.
const MAX_REASON: usize = 200;
/// Between two warnings that a rule could not ban.
const QUIET: u64 = 60_000_000_000;

/// Networks that are refused for a time; cheap to clone, one for a process.
///
/// A handler takes it as a parameter, other code finds it at
/// [`Security::bans`](crate::Security::bans):
///
/// ```
/// use std::{net::IpAddr, time::Duration};
/// use actix_web::{HttpResponse, post, web};
/// use secure_runtime::{BanList, Rejection, secured};
///
/// #[secured(public, rate = "60/min")]
/// #[post("/ban/{address}")]
/// async fn ban(address: web::Path<IpAddr>, bans: BanList) -> Result<HttpResponse, Rejection> {
///     bans.ban(*address, Duration::from_secs(3600), "sends spam")?;
///     Ok(HttpResponse::NoContent().finish())
/// }
/// ```
#[derive(Clone)]
pub struct BanList(Arc<Parts>);

struct Parts {
    addresses: Arc<ClientAddresses>,
    clock: Clock,
    ipv6_prefix: Ipv6Prefix,
    rules: Option<Rules>,
    table: Arc<Table>,
    max_entries: usize,
    /// Started with the first ban.
    sweeper: OnceLock<Option<Sweeper>>,
    /// When it was last said that a rule could not ban; 0 for never.
    warned: AtomicU64,
    #[cfg(feature = "redis")]
    shared: Option<Shared>,
}

impl BanList {
    pub(crate) fn new(
        clock: Clock,
        addresses: Arc<ClientAddresses>,
        ipv6_prefix: Ipv6Prefix,
        settings: &BanSettings,
        #[cfg(feature = "redis")] store: Option<Store>,
    ) -> Self {
        let max_entries = settings.max_entries.get();
        let table = Arc::new(Table::new(max_entries));
        #[cfg(feature = "redis")]
        let shared = store.map(|store| {
            let (table, addresses) = (Arc::clone(&table), Arc::clone(&addresses));
            Shared::start(store, clock.clone(), table, addresses, max_entries)
        });
        Self(Arc::new(Parts {
            addresses,
            clock,
            ipv6_prefix,
            rules: Rules::new(&settings.rules, max_entries),
            table,
            max_entries,
            sweeper: OnceLock::new(),
            warned: AtomicU64::new(0),
            #[cfg(feature = "redis")]
            shared,
        }))
    }

    /// Bans an address or a network, from now on for so long. Of a network that is banned already
    /// the ban that ends later counts; [`lift`](Self::lift) it first to make it shorter.
    ///
    /// The reason is for the log and for [`list`](Self::list): no secret, and nothing that a
    /// client sent. It holds here when the call returns, and within a second in every process that
    /// shares the store.
    ///
    /// # Errors
    ///
    /// See [`BanError`]. Nothing is banned then.
    pub fn ban(
        &self,
        target: impl Into<BanTarget>,
        duration: Duration,
        reason: &str,
    ) -> Result<(), BanError> {
        let target = target.into().network(self.0.ipv6_prefix);
        if !(SHORTEST..=LONGEST).contains(&duration) {
            return Err(BanError::Duration);
        }
        if reason.is_empty() || reason.len() > MAX_REASON || reason.chars().any(char::is_control) {
            return Err(BanError::Reason);
        }
        self.check(target)?;
        let key = Key::new(target);
        let mut writer = self.0.table.writer();
        let now = self.now();
        let level = writer.find(key).map_or(0, |known| known.level);
        let until = now.saturating_add(nanos(duration));
        let ban = Ban {
            until,
            forget: until,
            level,
            reason: reason.into(),
        };
        let ban = self.hold(&mut writer, key, ban, now)?;
        drop(writer);
        log_ban(target, &ban, now);
        Ok(())
    }

    /// Ends the ban of exactly this address or network, and forgets that it was; whether there was
    /// one. A wider or narrower network that is banned stays so.
    ///
    /// With a shared store it is lifted in every process that shares it, also where this one did
    /// not know of the ban.
    pub fn lift(&self, target: impl Into<BanTarget>) -> bool {
        let target = target.into().network(self.0.ipv6_prefix);
        let key = Key::new(target);
        let mut writer = self.0.table.writer();
        let now = self.now();
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            // Where there is no room, the lift holds here, and elsewhere the ban ends in its time.
            let forget = writer.find(key).map_or(now, |known| known.forget);
            shared.tell(key, Change::Lift { forget }).ok();
        }
        let lifted = writer.remove(key);
        drop(writer);
        if let Some(rules) = &self.0.rules {
            rules.forget(self.client(target.addr()));
        }
        let was_banned = lifted.is_some_and(|ban| ban.until > now);
        if was_banned {
            tracing::warn!(
                target: "secure_runtime::audit",
                event = "client_ban_lifted",
                network = %target,
            );
        }
        was_banned
    }

    /// Every ban that has not ended, sorted: for people, not for requests.
    pub fn list(&self) -> Vec<BanEntry> {
        let now = self.now();
        let wall = Duration::from_millis(self.0.clock.unix_millis());
        let mut bans = Vec::new();
        self.0.table.each(|key, ban| {
            let remaining = Duration::from_nanos(ban.until.saturating_sub(now));
            if !remaining.is_zero() {
                bans.push(BanEntry {
                    network: key.to_net(),
                    remaining,
                    until: UNIX_EPOCH + wall + remaining,
                    level: ban.level,
                    reason: Arc::clone(&ban.reason),
                });
            }
        });
        bans.sort_by_key(|ban| ban.network);
        bans
    }

    /// Whether requests from this address are refused: it is in a network that is banned, and is
    /// no trusted proxy.
    pub fn is_banned(&self, address: IpAddr) -> bool {
        let address = ClientAddress::from(address);
        let bannable = self.0.addresses.bannable(None, address);
        bannable.is_some_and(|address| {
            let table = &self.0.table;
            // The clock costs more than the rest.
            !table.is_empty() && table.banned_until(address, self.now()).is_some()
        })
    }

    /// How many there are. Looks at each of them.
    pub fn counts(&self) -> BanCounts {
        let now = self.now();
        let mut counts = BanCounts::default();
        self.0.table.each(|_, ban| match ban.until > now {
            true => counts.bans += 1,
            false => counts.remembered += 1,
        });
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            counts.untold = shared.untold();
        }
        counts
    }

    /// How long ago every ban that was made anywhere was known here: zero where the list is of this
    /// process alone, `None` before the shared store was first read.
    pub fn age(&self) -> Option<Duration> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared {
            return shared.age(self.now());
        }
        Some(Duration::ZERO)
    }

    /// Counts something bad that the sender of a request did, for the rules that count it; whether
    /// that banned it. Refusals are counted without this: it is for what only a handler knows.
    ///
    /// A weight of 2 counts as two of them.
    pub fn strike(&self, request: &HttpRequest, kind: StrikeKind, weight: u16) -> bool {
        if self.0.rules.is_none() {
            return false;
        }
        let peer = peer(request);
        let address = self.0.addresses.client_address(peer, request.headers());
        let bannable = self.0.addresses.bannable(peer, address);
        bannable.is_some_and(|address| self.strike_bannable(address, kind, weight))
    }

    /// As [`strike`](Self::strike), where the client's address is known.
    pub fn strike_address(&self, address: IpAddr, kind: StrikeKind, weight: u16) -> bool {
        let address = ClientAddress::from(address);
        let bannable = self.0.addresses.bannable(None, address);
        bannable.is_some_and(|address| self.strike_bannable(address, kind, weight))
    }

    /// Counts a request from this address that was refused.
    pub(crate) fn note(&self, peer: Option<IpAddr>, address: ClientAddress, refusal: Refusal) {
        if self.0.rules.is_some()
            && let Some(kind) = StrikeKind::of(refusal)
            && let Some(address) = self.0.addresses.bannable(peer, address)
        {
            self.strike_bannable(address, kind, 1);
        }
    }

    /// The same, where the address was not asked for yet.
    pub(crate) fn note_request(&self, request: &HttpRequest, refusal: Refusal) {
        if self.0.rules.is_some()
            && let Some(kind) = StrikeKind::of(refusal)
        {
            self.strike(request, kind, 1);
        }
    }

    /// Refuses a client that is banned. The address is asked for where there is any ban at all.
    pub(crate) fn judge(
        &self,
        peer: Option<IpAddr>,
        address: impl FnOnce() -> ClientAddress,
    ) -> Result<(), Banned> {
        match self.hit(peer, address) {
            None => Ok(()),
            Some(hit) => Err(Banned::new(&hit)),
        }
    }

    /// Whether a connection is to be closed, unanswered: its peer is banned.
    pub(crate) fn refuses_connection(&self, peer: IpAddr) -> bool {
        let hit = self.hit(Some(peer), || ClientAddress::from(peer));
        if let Some(hit) = &hit {
            answer::log_closed(hit);
        }
        hit.is_some()
    }

    /// Counts what a ban refuses.
    fn hit(&self, peer: Option<IpAddr>, address: impl FnOnce() -> ClientAddress) -> Option<Hit> {
        let Parts {
            addresses, table, ..
        } = &*self.0;
        if table.is_empty() {
            return None;
        }
        let address = addresses.bannable(peer, address())?;
        table.refuse(address, || self.now())
    }

    /// Whether nobody is banned.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.table.is_empty()
    }

    fn strike_bannable(&self, address: IpAddr, kind: StrikeKind, weight: u16) -> bool {
        let Some(rules) = &self.0.rules else {
            return false;
        };
        // A proxy that nobody has configured, or the operator.
        if address.is_loopback() || weight == 0 {
            return false;
        }
        let client = self.client(address);
        let Some(rule) = rules.strike(client, kind, weight, self.now()) else {
            return false;
        };
        let target = BanTarget::from(address).network(self.0.ipv6_prefix);
        match self.ban_by(rule, target) {
            Ok(()) => {
                rules.forget(client);
                true
            }
            Err(error) => {
                self.warn(target, error);
                false
            }
        }
    }

    fn ban_by(&self, rule: &Rule, target: IpNet) -> Result<(), BanError> {
        self.check(target)?;
        let key = Key::new(target);
        let mut writer = self.0.table.writer();
        let now = self.now();
        let known = writer.find(key);
        // Requests that were under way when the ban was made are not another offence.
        if known.as_ref().is_some_and(|ban| ban.until > now) {
            return Ok(());
        }
        let remembered = known.filter(|ban| ban.forget > now);
        let level = remembered.map_or(0, |ban| ban.level).saturating_add(1);
        let until = now.saturating_add(nanos(rule.duration(level)));
        let ban = Ban {
            until,
            forget: until.saturating_add(nanos(rule.memory())),
            level,
            reason: Arc::clone(&rule.reason),
        };
        let ban = self.hold(&mut writer, key, ban, now)?;
        drop(writer);
        log_ban(target, &ban, now);
        Ok(())
    }

    fn check(&self, target: IpNet) -> Result<(), BanError> {
        if network::is_too_wide(&target) {
            return Err(BanError::Wide);
        }
        if self.0.addresses.has_proxy_in(&target) {
            return Err(BanError::TrustedProxy);
        }
        Ok(())
    }

    /// Has a ban hold here, and the store told of it; what holds now.
    fn hold(&self, writer: &mut Writer<'_>, key: Key, ban: Ban, now: u64) -> Result<Ban, BanError> {
        let full = |_| BanError::Full {
            max_entries: self.0.max_entries,
        };
        let known = writer.find(key);
        let ban = match &known {
            Some(known) => known.clone().or_later(ban),
            None => ban,
        };
        writer.set(key, ban.clone(), now).map_err(full)?;
        // Under the lock of the writer, so that what was read from the store meanwhile does not
        // undo it.
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.0.shared
            && let Err(error) = shared.tell(key, Change::Ban(ban.clone()))
        {
            // As it was: there is room for that.
            match known {
                Some(known) => writer.set(key, known, now).map_err(full)?,
                None => drop(writer.remove(key)),
            }
            return Err(full(error));
        }
        self.0.sweeper.get_or_init(|| {
            let table = Arc::downgrade(&self.0.table);
            let started = Sweeper::start(table, self.0.clock.clone());
            started
                .inspect_err(|error| tracing::warn!("bans are not swept: {error}"))
                .ok()
        });
        Ok(ban)
    }

    /// Says that a rule could not ban; a flood says it once a minute.
    fn warn(&self, target: IpNet, error: BanError) {
        let now = self.now().saturating_add(1);
        let last = self.0.warned.load(Ordering::Relaxed);
        if last == 0 || now.saturating_sub(last) > QUIET {
            self.0.warned.store(now, Ordering::Relaxed);
            tracing::warn!(
                target: "secure_runtime::audit",
                event = "client_not_banned",
                network = %target,
                reason = %error,
            );
        }
    }

    /// The address as strikes are counted by it.
    fn client(&self, address: IpAddr) -> Network {
        ClientAddress::from(address).network(self.0.ipv6_prefix)
    }

    fn now(&self) -> u64 {
        self.0.clock.monotonic_nanos()
    }
}

impl Ban {
    /// Of two bans of one network the one that ends later, and what is known of both.
    fn or_later(self, other: Self) -> Self {
        let forget = self.forget.max(other.forget);
        let level = self.level.max(other.level);
        let later = if other.until > self.until {
            other
        } else {
            self
        };
        Self {
            forget,
            level,
            ..later
        }
    }
}

fn log_ban(target: IpNet, ban: &Ban, now: u64) {
    tracing::warn!(
        target: "secure_runtime::audit",
        event = "client_banned",
        network = %target,
        seconds = answer::seconds(ban.until.saturating_sub(now)),
        level = ban.level,
        reason = &*ban.reason,
    );
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many, not whom.
impl fmt::Debug for BanList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanList")
            .field("entries", &self.0.table.writer().len())
            .finish_non_exhaustive()
    }
}
