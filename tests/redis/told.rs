//! What an operator is told of a server that is set up wrong.

use std::num::NonZeroU32;

use secure_runtime::Settings;

use crate::{
    instance::{BOUND, Instance, eventually},
    limits::process::{Client, Process, count, flood_with},
    log::Log,
    proxy::Proxy,
    server::Redis,
};

/// Whoever is refused for it has a name that is nobody's business.
const CLIENT: Client<'_> = Client {
    address: 7,
    user: Some("ann@example.com"),
    token: None,
};

/// A server that lacks room, and users that lack a right: of a flood there is one line, which says
/// what is missing and nothing of who asks.
#[actix_web::test]
async fn what_the_server_refuses_is_told_once_a_minute() {
    let redis = Redis::start();
    redis.add_user("shop", "secret", "told");
    let url = format!("redis://shop:secret@127.0.0.1:{}", redis.port);
    for (lacks, has, told) in [
        (
            "ACL SETUSER shop -evalsha",
            "ACL SETUSER shop +evalsha",
            r#"its user has no right to run `evalsha` event="sys_store_refuses" code="NOPERM""#,
        ),
        (
            "ACL SETUSER shop -set",
            "ACL SETUSER shop +set",
            "its user has no right to ",
        ),
        (
            "ACL SETUSER shop resetkeys",
            "ACL SETUSER shop ~{told}:*",
            "its user has no right to a key; `ACL LOG` names it",
        ),
        (
            "CONFIG SET maxmemory 1",
            "CONFIG SET maxmemory 0",
            r#"all of its `maxmemory` is in use event="sys_store_refuses" code="OOM""#,
        ),
    ] {
        let configure = |settings: &mut Settings| {
            settings.redis.as_mut().unwrap().prefix = "told".to_owned();
            settings.limits.instances = NonZeroU32::new(1);
        };
        let process = Process::configured(&url, configure).await;
        process.wait(1).await;
        let set = |words: &str| {
            let answer = redis.ask(&words.split(' ').collect::<Vec<_>>());
            assert!(answer.starts_with("+OK"), "{words}: {answer}");
        };
        let log = Log::capture();
        set(lacks);
        let processes = [process];
        let answers = flood_with(&processes, 4, 25, "/several", |_| CLIENT).await;
        assert_eq!(count(&answers, 503), 100, "{lacks}");
        let lines = log.lines(r#"keys="{told}:*""#);
        let [line] = lines.as_slice() else {
            panic!("{lacks}: {lines:?}");
        };
        assert!(line.contains("ERROR") && line.contains(told), "{line}");
        for hidden in ["ann", "several", "10.0.0.7", "shop", "secret@"] {
            assert!(!line.contains(hidden), "{line}");
        }
        set(has);
    }
}

/// A server that drops what it was given, or takes more than the machine has: told once, and once
/// more when it has been started again, also to a user who may not read its configuration.
#[actix_web::test]
async fn a_server_that_may_lose_what_it_holds_is_told_of_once_a_start() {
    let log = Log::capture();
    // No other test has this policy.
    let mut redis = Redis::with(&["--maxmemory-policy", "volatile-random"]);
    let proxy = Proxy::before(redis.port);
    let instance = Instance::ready(&proxy.url()).await;
    let evicts = || log.lines("`maxmemory-policy` is `volatile-random`").len();
    eventually("it is told", || evicts() == 1).await;
    assert!(!log.lines("`maxmemory` is 0").is_empty());
    // New connections to a server that was told of.
    for _ in 0..2 {
        proxy.cut(true);
        eventually("it is noticed", || !instance.is_fresh(BOUND)).await;
        proxy.cut(false);
        instance.wait().await;
    }
    assert_eq!(evicts(), 1);
    redis.kill();
    redis.restart();
    eventually("it is told again", || evicts() == 2).await;
    redis.add_user("shop", "secret", "test");
    let url = format!("redis://shop:secret@127.0.0.1:{}", redis.port);
    let _few_rights = Instance::ready(&url).await;
    eventually("it is told to him", || evicts() == 3).await;
    assert!(log.lines("does not tell how it is configured").is_empty());
    instance.wait().await;
    assert_eq!(evicts(), 3);
}
