//! Changes that are told late, in another order, or that there is no room for.

use super::*;

/// Two processes that know of one ban, which the first has made.
async fn two_with_a_ban(redis: &Redis) -> [Process; 2] {
    let here = Process::ready(redis).await;
    let there = Process::ready(redis).await;
    here.ban(&address(0));
    there.until(&address(0), true).await;
    here.follows().await;
    [here, there]
}

/// A process that is cut off has lifted a ban, and what it tells when it is back is old: who was
/// banned since by another process stays banned.
#[actix_web::test]
async fn g11_a_lift_that_is_told_late_ends_no_later_ban() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let there = Process::ready(&redis).await;
    let here = Process::with(&redis, Clock::system(), |settings| {
        let mut shared = RedisSettings::new(proxy.url().as_str());
        shared.prefix = "test".to_owned();
        settings.redis = Some(shared);
    });
    here.follows().await;
    here.ban(&address(0));
    there.until(&address(0), true).await;
    proxy.cut(true);
    pause(300).await;
    assert!(here.bans.lift(ip(&address(0))));
    // Both know of it, each in its own way; then he is at it again.
    assert!(there.bans.lift(ip(&address(0))));
    pause(1500).await;
    there.ban(&address(0));
    there.follows().await;
    proxy.cut(false);
    here.follows().await;
    there.follows().await;
    pause(1500).await;
    let banned = [&here, &there].map(|process| process.is_banned(&address(0)));
    assert_eq!(banned, [true, true]);
}

/// As its documentation says: it is lifted first to be made shorter.
#[actix_web::test]
async fn g11_a_ban_is_made_shorter_everywhere() {
    let redis = Redis::start();
    let [here, there] = two_with_a_ban(&redis).await;
    assert!(here.bans.lift(ip(&address(0))));
    let shorter = Duration::from_secs(60);
    here.bans.ban(ip(&address(0)), shorter, "a test").unwrap();
    pause(1500).await;
    here.follows().await;
    there.follows().await;
    let remaining = [&here, &there].map(|process| process.bans.list()[0].remaining);
    assert!(
        remaining.iter().all(|rest| *rest <= shorter),
        "{remaining:?}"
    );
}

/// The store has the bound of its processes.
#[actix_web::test]
async fn g11_the_store_has_a_bound() {
    let redis = Redis::start();
    let small = |settings: &mut Settings| {
        settings.bans.max_entries = std::num::NonZeroUsize::MIN.saturating_add(1);
    };
    let here = Process::with(&redis, Clock::system(), small);
    let there = Process::with(&redis, Clock::system(), small);
    here.follows().await;
    there.follows().await;
    here.ban(&address(0));
    here.ban(&address(1));
    let full = here.bans.ban(ip(&address(2)), HOUR, "a test");
    assert_eq!(full, Err(BanError::Full { max_entries: 2 }));
    there.until(&address(1), true).await;
    let full = there.bans.ban(ip(&address(3)), HOUR, "a test");
    assert_eq!(full, Err(BanError::Full { max_entries: 2 }));
    assert!(
        redis
            .ask(&["HLEN", "{test}:bans:entries"])
            .starts_with(":2")
    );
}

/// A process that had no room for a ban learns of it when it has.
#[actix_web::test]
async fn g11_a_ban_without_room_holds_when_there_is_some() {
    let redis = Redis::start();
    let here = Process::with(&redis, Clock::system(), |settings| {
        settings.bans.max_entries = std::num::NonZeroUsize::MIN.saturating_add(1);
    });
    let there = Process::ready(&redis).await;
    here.follows().await;
    for number in 0..3 {
        there.ban(&address(number));
        there.follows().await;
    }
    here.until(&address(1), true).await;
    assert!(there.bans.lift(ip(&address(0))));
    here.until(&address(0), false).await;
    pause(1500).await;
    here.follows().await;
    let age = here.bans.age();
    assert!(
        here.is_banned(&address(2)),
        "every ban is said to be known {age:?} ago"
    );
}

/// The clock of the store may have been put back since the ban: then it was made in the future.
#[actix_web::test]
async fn g11_a_ban_of_before_the_clock_was_put_back_can_be_lifted() {
    let redis = Redis::start();
    let [here, there] = two_with_a_ban(&redis).await;
    let network = format!("{}/32", address(0));
    let value = redis.ask(&["HGET", "{test}:bans:entries", &network]);
    let value = value.split("\r\n").nth(1).unwrap();
    let mut parts = value.splitn(5, ':').collect::<Vec<_>>();
    parts[3] = "99999999999999";
    redis.ask(&["HSET", "{test}:bans:entries", &network, &parts.join(":")]);
    assert!(here.bans.lift(ip(&address(0))));
    there.until(&address(0), false).await;
    pause(1200).await;
    assert!(!here.is_banned(&address(0)) && !there.is_banned(&address(0)));
}
