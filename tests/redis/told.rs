//! What an operator is told of a server that is set up wrong.

use std::num::NonZeroU32;

use secure_runtime::Settings;

use crate::{
    limits::process::{Client, Process, count, flood_with},
    log::Log,
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
