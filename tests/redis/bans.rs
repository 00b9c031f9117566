//! Bans that processes share, and servers that are killed, stopped and emptied.
//!
//! Of each fault the same is asked: a ban holds in its process at once, in every other within the
//! bound where the server answers, and afterwards everywhere without a restart.

mod order;

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use secure_runtime::{
    BanError, BanList, Clock, Security, Settings, StrikeKind,
    settings::{BanRuleSettings, RedisSettings},
};

use crate::{
    instance::{WrongClock, eventually, pause},
    proxy::Proxy,
    server::Redis,
};

/// What is stated.
const BOUND: Duration = Duration::from_secs(1);
/// Threads of the test's own process may be late by this much on a loaded machine.
const SLACK: Duration = Duration::from_millis(500);
const HOUR: Duration = Duration::from_secs(3600);

/// A process as far as bans go.
struct Process {
    _security: Security,
    bans: BanList,
}

impl Process {
    fn start(redis: &Redis) -> Self {
        Self::with(redis, Clock::system(), |_| {})
    }

    fn with(redis: &Redis, clock: Clock, configure: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        let mut shared = RedisSettings::new(redis.url().as_str());
        shared.prefix = "test".to_owned();
        settings.redis = Some(shared);
        configure(&mut settings);
        let security = Security::builder().clock(clock).settings(settings);
        let security = security.build().unwrap();
        Self {
            bans: security.bans().clone(),
            _security: security,
        }
    }

    async fn ready(redis: &Redis) -> Self {
        let process = Self::start(redis);
        process.follows().await;
        process
    }

    /// Until it knows what the store knows now.
    async fn follows(&self) {
        let start = Instant::now();
        eventually("the store is followed", || {
            let age = self.bans.age();
            age.is_some_and(|age| age < start.elapsed()) && self.bans.counts().untold == 0
        })
        .await;
    }

    fn ban(&self, address: &str) {
        self.bans.ban(ip(address), HOUR, "a test").unwrap();
        assert!(self.bans.is_banned(ip(address)), "not at once: {address}");
    }

    fn is_banned(&self, address: &str) -> bool {
        self.bans.is_banned(ip(address))
    }

    /// Until it is so; how long that took.
    async fn until(&self, address: &str, banned: bool) -> Duration {
        let start = Instant::now();
        eventually("the other process knows", || {
            self.is_banned(address) == banned
        })
        .await;
        start.elapsed()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The number of a test's address.
fn address(number: u32) -> String {
    IpAddr::from((0xc612_0000 + number).to_be_bytes()).to_string()
}

#[actix_web::test]
async fn g11_a_ban_and_a_lift_hold_everywhere_within_a_second() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    let there = Process::ready(&redis).await;
    for number in 0..10 {
        let address = address(number);
        here.ban(&address);
        let took = there.until(&address, true).await;
        assert!(took < BOUND + SLACK, "{took:?}");
        // By the other one.
        assert!(there.bans.lift(ip(&address)));
        let took = here.until(&address, false).await;
        assert!(took < BOUND + SLACK, "{took:?}");
        // At any moment between two questions.
        pause(70 * u64::from(number)).await;
    }
    let reason = "with : colons, and more";
    here.bans.ban(ip("2001:db8::1"), HOUR, reason).unwrap();
    there.until("2001:db8:0:99::1", true).await;
    let entry = there.bans.list().remove(0);
    assert_eq!(entry.network.to_string(), "2001:db8::/56");
    assert_eq!(&*entry.reason, reason);
    assert!(entry.remaining <= HOUR && entry.remaining > HOUR - Duration::from_secs(10));
}

#[actix_web::test]
async fn g11_a_restart_of_every_process_forgets_nothing() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    // More than are read or told at once.
    for number in 0..1234 {
        here.ban(&address(number));
    }
    here.bans.lift(ip(&address(7)));
    here.follows().await;
    drop(here);
    let late = Process::ready(&redis).await;
    assert_eq!(late.bans.counts().bans, 1233);
    for number in 0..1234 {
        assert_eq!(late.is_banned(&address(number)), number != 7, "{number}");
    }
}

#[actix_web::test]
async fn g11_while_the_server_is_gone_bans_hold_here_and_are_told_later() {
    let mut redis = Redis::durable();
    let here = Process::ready(&redis).await;
    let there = Process::ready(&redis).await;
    here.ban(&address(0));
    here.ban(&address(1));
    there.until(&address(0), true).await;
    there.until(&address(1), true).await;
    redis.kill();
    here.ban(&address(2));
    assert!(here.bans.lift(ip(&address(0))));
    pause(1200).await;
    assert_eq!(here.bans.counts().untold, 2);
    assert!(there.is_banned(&address(0)) && !there.is_banned(&address(2)));
    assert!(there.bans.age().unwrap() > BOUND);
    redis.restart();
    there.until(&address(2), true).await;
    there.until(&address(0), false).await;
    here.follows().await;
    for process in [&here, &there, &Process::ready(&redis).await] {
        let banned = [0, 1, 2].map(|number| process.is_banned(&address(number)));
        assert_eq!(banned, [false, true, true]);
    }
}

/// Who starts against the emptied store learns from those who lived on.
#[actix_web::test]
async fn g11_a_server_that_restarts_with_nothing_is_told_what_is_known() {
    let mut redis = Redis::start();
    let here = Process::ready(&redis).await;
    let there = Process::ready(&redis).await;
    for number in 0..600 {
        here.ban(&address(number));
    }
    there.until(&address(599), true).await;
    there.follows().await;
    drop(here);
    redis.kill();
    // Of what was lifted meanwhile nothing comes back.
    there.bans.lift(ip(&address(3)));
    redis.restart_empty();
    there.follows().await;
    let late = Process::ready(&redis).await;
    late.until(&address(599), true).await;
    assert_eq!(late.bans.counts().bans, 599);
    assert!(!late.is_banned(&address(3)) && !there.is_banned(&address(3)));
}

#[actix_web::test]
async fn g11_an_emptied_store_is_told_what_is_known() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    let there = Process::ready(&redis).await;
    here.ban(&address(0));
    there.until(&address(0), true).await;
    for damage in [
        &["FLUSHALL"][..],
        &["DEL", "{test}:bans:state"],
        &["DEL", "{test}:bans:entries"],
        &["DEL", "{test}:bans:changes"],
        &["DEL", "{test}:bans:expiry"],
    ] {
        redis.ask(damage);
        pause(700).await;
        here.follows().await;
        there.follows().await;
        let late = Process::ready(&redis).await;
        late.until(&address(0), true).await;
        // And what comes later is learned by those that knew much before.
        late.ban(&address(1));
        let took = there.until(&address(1), true).await;
        assert!(took < BOUND + SLACK, "{damage:?}: {took:?}");
        here.until(&address(1), true).await;
        assert!(there.bans.lift(ip(&address(1))));
        here.until(&address(1), false).await;
        late.until(&address(1), false).await;
    }
}

/// A server that hears and does not answer holds nobody up.
#[actix_web::test]
async fn g11_a_silent_server_holds_nobody_up() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    let there = Process::ready(&redis).await;
    redis.stop();
    let start = Instant::now();
    here.ban(&address(0));
    assert!(start.elapsed() < Duration::from_millis(100));
    pause(1500).await;
    assert!(!there.is_banned(&address(0)));
    redis.go_on();
    there.until(&address(0), true).await;
    here.follows().await;
}

/// Durations are told, and the server's clock is the only one that counts.
#[actix_web::test]
async fn g11_clocks_need_not_agree() {
    let redis = Redis::start();
    let fast = WrongClock::by(24 * 3600);
    let here = Process::with(&redis, fast.clock.clone(), |_| {});
    let there = Process::ready(&redis).await;
    here.follows().await;
    here.ban(&address(0));
    there.until(&address(0), true).await;
    let rest = there.bans.list()[0].remaining;
    assert!(
        rest <= HOUR + SLACK && rest > HOUR - Duration::from_secs(10),
        "{rest:?}"
    );
    there.ban(&address(1));
    here.until(&address(1), true).await;
    let rest = here.bans.list()[1].remaining;
    assert!(
        rest <= HOUR + SLACK && rest > HOUR - Duration::from_secs(10),
        "{rest:?}"
    );
}

/// Strikes are counted apart, what they led to is not.
#[actix_web::test]
async fn g11_repeat_offenders_are_known_everywhere() {
    let redis = Redis::start();
    let ruled = |settings: &mut Settings| {
        let second = Duration::from_secs(1);
        let count = std::num::NonZeroUsize::MIN;
        let rule = BanRuleSettings::new(vec![StrikeKind::Login], count, second, second);
        settings.bans.rules = vec![rule];
    };
    let here = Process::with(&redis, Clock::system(), ruled);
    let there = Process::with(&redis, Clock::system(), ruled);
    here.follows().await;
    there.follows().await;
    assert!(
        here.bans
            .strike_address(ip(&address(0)), StrikeKind::Login, 1)
    );
    eventually("the other process knows", || {
        there.bans.counts() != Default::default()
    })
    .await;
    there.until(&address(0), false).await;
    assert!(
        there
            .bans
            .strike_address(ip(&address(0)), StrikeKind::Login, 1)
    );
    assert_eq!(there.bans.list()[0].level, 2);
}

/// What is in the store does not ban a proxy that this process trusts, nor all the world.
#[actix_web::test]
async fn g11_bans_of_the_store_never_hold_for_a_trusted_proxy() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    let trusting = Process::with(&redis, Clock::system(), |settings| {
        settings.client_address.trusted_proxies = vec!["198.18.0.1/32".parse().unwrap()];
    });
    trusting.follows().await;
    let network: ipnet::IpNet = "198.18.0.0/24".parse().unwrap();
    assert_eq!(
        trusting.bans.ban(network, HOUR, "a test"),
        Err(BanError::TrustedProxy)
    );
    here.bans.ban(network, HOUR, "a test").unwrap();
    here.ban(&address(5 << 8));
    trusting.until(&address(5 << 8), true).await;
    assert!(!trusting.is_banned(&address(2)));

    // Nonsense is no ban, and does not stop the rest.
    let far = "99999999999999";
    for (key, value) in [
        ("0.0.0.0/0", format!("{far}:{far}:0:0:x")),
        ("everybody", format!("{far}:{far}:0:0:x")),
        ("198.18.9.9/32", "x".to_owned()),
    ] {
        redis.ask(&["HSET", "{test}:bans:entries", key, &value]);
        let version = redis.ask(&["HINCRBY", "{test}:bans:state", "version", "1"]);
        let version = version.trim_matches([':', '\r', '\n']);
        redis.ask(&["ZADD", "{test}:bans:changes", version, key]);
        redis.ask(&["ZADD", "{test}:bans:expiry", far, key]);
    }
    here.ban(&address(6 << 8));
    trusting.until(&address(6 << 8), true).await;
    assert!(!trusting.is_banned("192.0.2.1") && !trusting.is_banned("198.18.9.9"));
}

/// Nothing stays in the store for longer than it is needed.
#[actix_web::test]
async fn bans_that_have_ended_leave_the_store() {
    let redis = Redis::start();
    let here = Process::ready(&redis).await;
    here.bans
        .ban(ip(&address(0)), Duration::from_secs(1), "a test")
        .unwrap();
    here.follows().await;
    assert!(
        redis
            .ask(&["HLEN", "{test}:bans:entries"])
            .starts_with(":1")
    );
    eventually("it leaves the store", || {
        ["HLEN", "ZCARD", "ZCARD"]
            .into_iter()
            .zip(["entries", "changes", "expiry"])
            .all(|(command, name)| {
                redis
                    .ask(&[command, &format!("{{test}}:bans:{name}")])
                    .starts_with(":0")
            })
    })
    .await;
    eventually("the process forgets it too", || {
        here.bans.counts() == Default::default()
    })
    .await;
}
