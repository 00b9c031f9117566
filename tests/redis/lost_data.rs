//! Servers that lose what they had acknowledged.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{
    instance::{BOUND, Instance, Verdict, eventually, pause},
    proxy::Proxy,
    server::{Redis, until},
};

/// Never accepts `name`, until the store is believed again; then refuses it.
async fn is_never_accepted(instance: &Instance, name: &str) {
    assert!(is_never_accepted_unless(instance, name, || false).await);
}

/// The same, but for where it `is_excused`; whether it was not.
async fn is_never_accepted_unless(
    instance: &Instance,
    name: &str,
    is_excused: impl Fn() -> bool,
) -> bool {
    loop {
        for bound in [BOUND, Duration::ZERO] {
            if instance.verdict(name, bound).await == Verdict::Accepted {
                assert!(is_excused(), "`{name}` is accepted");
                return false;
            }
        }
        if instance.is_well().await {
            break;
        }
        pause(5).await;
    }
    instance.until_refused(name).await;
    assert_eq!(
        instance.decided(name, Duration::ZERO).await,
        Verdict::Refused
    );
    true
}

/// For so long an emptied store waits for the first word of those who know what it has lost.
const SETTLE: u128 = 2_000;
/// On a machine that does much else they can be too late for that, but not each time.
const ROUNDS: usize = 4;

/// Whether the time is over and the store does not have all of `count` entries: what it was not told
/// in time nobody can know.
fn was_told_too_late(redis: &Redis, count: usize) -> bool {
    let opened = redis.ask(&["HGET", "{test}:revocation:state", "opened"]);
    let opened: u128 = opened.lines().nth(1).unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let is_late = now.as_millis() >= opened + SETTLE && entries(redis) < count;
    if is_late {
        println!("nobody has told within {SETTLE} ms: again");
    }
    is_late
}

#[actix_web::test]
async fn killed_and_restarted_with_its_data() {
    let mut redis = Redis::durable();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.surely_revoke("a").await;
    redis.kill();
    here.revoke("b").await.unwrap_err();
    pause(BOUND.as_millis() as u64 + 100).await;
    assert_eq!(there.verdict("c", BOUND).await, Verdict::Undecided);
    redis.restart();
    let late = Instance::new(&redis.url()).await;
    is_never_accepted(&late, "a").await;
    there.wait().await;
    there.until_refused("b").await;
    assert_eq!(there.decided("c", BOUND).await, Verdict::Accepted);
    assert_eq!(late.decided("c", Duration::ZERO).await, Verdict::Accepted);
}

/// Who starts against the emptied store learns from those who lived on.
#[actix_web::test]
async fn killed_and_restarted_with_nothing() {
    for _ in 0..ROUNDS {
        let mut redis = Redis::start();
        let here = Instance::ready(&redis.url()).await;
        let there = Instance::ready(&redis.url()).await;
        here.surely_revoke("a").await;
        there.until_refused("a").await;
        drop(here);
        redis.kill();
        redis.restart_empty();
        let late = Instance::new(&redis.url()).await;
        if is_never_accepted_unless(&late, "a", || was_told_too_late(&redis, 1)).await {
            is_never_accepted(&there, "a").await;
            return;
        }
    }
    panic!("nobody tells in time");
}

#[actix_web::test]
async fn emptied_under_our_hands() {
    for _ in 0..ROUNDS {
        let redis = Redis::start();
        let here = Instance::ready(&redis.url()).await;
        let there = Instance::ready(&redis.url()).await;
        for number in 0..500 {
            here.surely_revoke(&format!("t{number}")).await;
        }
        there.until_refused("t499").await;
        redis.ask(&["FLUSHALL"]);
        // Accepted at once by the emptied store, and told to everybody.
        here.surely_revoke("a").await;
        let late = Instance::new(&redis.url()).await;
        if !is_never_accepted_unless(&late, "t0", || was_told_too_late(&redis, 501)).await {
            continue;
        }
        is_never_accepted(&there, "a").await;
        for number in 0..500 {
            let name = format!("t{number}");
            for instance in [&here, &there, &late] {
                assert_eq!(instance.decided(&name, BOUND).await, Verdict::Refused);
            }
            assert_eq!(late.decided(&name, Duration::ZERO).await, Verdict::Refused);
        }
        return;
    }
    panic!("nobody tells in time");
}

/// A part is missing, in every way that somebody or the server's eviction can make it so.
#[actix_web::test]
async fn one_key_is_evicted() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.surely_revoke("a").await;
    there.until_refused("a").await;
    redis.ask(&["DEL", "{test}:revocation:state"]);
    eventually("that is noticed", || {
        !there.is_fresh(Duration::from_millis(600))
    })
    .await;
    there.wait().await;
    here.surely_revoke("b").await;
    there.until_refused("b").await;
    assert_eq!(there.decided("a", Duration::ZERO).await, Verdict::Refused);
    // The entries alone, and then everybody must read them.
    redis.ask(&["DEL", "{test}:revocation:entries"]);
    here.surely_revoke("c").await;
    // As if there had been a line.
    redis.ask(&["HINCRBY", "{test}:revocation:state", "sequence", "1"]);
    here.surely_revoke("d").await;
    there.until_refused("d").await;
    eventually("the entries are told again", || entries(&redis) == 4).await;
    let late = Instance::ready(&redis.url()).await;
    for instance in [&here, &there, &late] {
        for name in ["a", "b", "c", "d"] {
            assert_eq!(instance.decided(name, BOUND).await, Verdict::Refused);
        }
    }
}

/// It comes back as it was some time ago, with an epoch that everybody knows. Who asks is not told
/// anything until somebody has opened a new one, although the server answers.
#[actix_web::test]
async fn restarted_with_an_old_snapshot() {
    let mut redis = Redis::start();
    let proxies = [Proxy::before(redis.port), Proxy::before(redis.port)];
    let here = Instance::ready(&proxies[0].url()).await;
    let there = Instance::ready(&proxies[1].url()).await;
    here.surely_revoke("a").await;
    there.until_refused("a").await;
    redis.ask(&["SAVE"]);
    // Known to one process and to the server, which forgets it.
    proxies[1].swallow(true);
    here.surely_revoke("b").await;
    redis.kill();
    proxies[0].cut(true);
    proxies[1].cut(false);
    proxies[1].swallow(false);
    pause(BOUND.as_millis() as u64).await;
    // What opens an epoch.
    proxies[1].lose(Some("proposed epoch"));
    redis.restart();
    let state = "{test}:revocation:state";
    assert!(redis.ask(&["HGET", state, "epoch"]).len() > 32);

    let asked = || {
        let facts = redis.ask(&["INFO", "commandstats"]);
        facts.contains("cmdstat_hmget")
    };
    let start = Instant::now();
    // Its requests are answered, and by an old memory.
    while !asked() || start.elapsed() < Duration::from_secs(1) {
        assert!(start.elapsed() < Duration::from_secs(15), "it is not asked");
        for bound in [BOUND, Duration::ZERO] {
            assert_ne!(there.verdict("b", bound).await, Verdict::Accepted);
        }
        pause(5).await;
    }
    proxies[1].lose(None);
    proxies[0].cut(false);
    is_never_accepted(&there, "b").await;
    is_never_accepted(&here, "b").await;
    here.surely_revoke("c").await;
    there.until_refused("c").await;
}

/// As many entries as take a while to tell: the store holds them as `count` processes before had
/// written them.
fn fill(redis: &Redis, issuer: &str, count: usize) {
    let numbers = (0..count).collect::<Vec<_>>();
    for numbers in numbers.chunks(400) {
        let mut words = vec!["HSET".to_owned(), ENTRIES.to_owned()];
        for number in numbers {
            words.push(format!("t{}:{issuer}t{number}", issuer.len()));
            words.push("4000000000000:4000000060000".to_owned());
        }
        let words = words.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(redis.ask(&words), format!(":{}\r\n", numbers.len()));
    }
}

const ENTRIES: &str = "{test}:revocation:entries";
const MANY: usize = 100_000;

fn entries(redis: &Redis) -> usize {
    let answer = redis.ask(&["HLEN", ENTRIES]);
    answer[1..].trim().parse().unwrap()
}

/// The only one who knows is cut off in the middle of telling, for longer than a store settles.
#[actix_web::test]
async fn who_tells_much_is_waited_for() {
    let mut redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    fill(&redis, "https://issuer.test", MANY);
    let there = Instance::ready(&proxy.url()).await;
    redis.kill();
    // Some 100 batches, 3 at a time.
    proxy.delay(20);
    redis.restart_empty();
    let late = Instance::new(&redis.url()).await;
    until("it tells", || entries(&redis) > 5000);
    assert!(entries(&redis) < MANY / 2);
    proxy.cut(true);
    let start = Instant::now();
    let mut number = 0;
    let mut is_cut = true;
    while !late.is_well().await {
        for bound in [BOUND, Duration::ZERO] {
            number = (number + 7919) % MANY;
            let verdict = late.verdict(&format!("t{number}"), bound).await;
            assert_ne!(verdict, Verdict::Accepted, "after {:?}", start.elapsed());
        }
        if is_cut && start.elapsed() > Duration::from_secs(3) {
            is_cut = false;
            proxy.cut(false);
            proxy.delay(0);
        }
        pause(5).await;
    }
    println!("{MANY} entries: told after {:?}", start.elapsed());
    assert_eq!(entries(&redis), MANY);
    there.wait().await;
    for number in (0..MANY).step_by(97) {
        let name = format!("t{number}");
        for instance in [&there, &late] {
            assert_eq!(instance.decided(&name, BOUND).await, Verdict::Refused);
        }
    }
}

/// All tell at once, while one starts.
#[actix_web::test]
async fn many_tell_much() {
    let mut redis = Redis::start();
    fill(&redis, "https://issuer.test", MANY);
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    redis.kill();
    redis.restart_empty();
    let late = Instance::new(&redis.url()).await;
    is_never_accepted(&late, "t4711").await;
    assert_eq!(entries(&redis), MANY);
    here.wait().await;
    there.wait().await;
    here.surely_revoke("a").await;
    for instance in [&here, &there, &late] {
        instance.until_refused("a").await;
        for number in (0..MANY).step_by(97) {
            let name = format!("t{number}");
            assert_eq!(instance.decided(&name, BOUND).await, Verdict::Refused);
        }
    }
}
