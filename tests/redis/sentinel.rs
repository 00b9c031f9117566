//! A primary that dies and a replica that takes over, by three sentinels.

use std::time::{Duration, Instant};

use crate::{
    instance::{BOUND, Instance, Verdict, pause},
    server::{Redis, until},
};

#[actix_web::test]
async fn a_replica_takes_over() {
    let mut primary = Redis::start();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    let port = primary.port;
    let monitor = format!("sentinel monitor shop 127.0.0.1 {port} 2");
    let configuration = [
        "--sentinel",
        &monitor,
        "sentinel down-after-milliseconds shop 600",
        "sentinel failover-timeout shop 3000",
    ];
    let sentinels = [(); 3].map(|()| Redis::with(&configuration));
    for sentinel in &sentinels {
        until("the sentinels know each other and the replica", || {
            let facts = sentinel.ask(&["SENTINEL", "MASTER", "shop"]);
            let is = |name: &str, value: &str| {
                facts.contains(&format!("{name}\r\n${}\r\n{value}\r\n", value.len()))
            };
            is("num-other-sentinels", "2") && is("num-slaves", "1")
        });
    }
    let hosts = sentinels
        .iter()
        .map(|sentinel| format!("127.0.0.1:{}", sentinel.port));
    let url = format!(
        "redis+sentinel://{}/shop",
        hosts.collect::<Vec<_>>().join(",")
    );

    let here = Instance::ready(&url).await;
    let there = Instance::ready(&url).await;
    here.revoke("a").await.unwrap();
    there.until_refused("a").await;
    // Acknowledged and never replicated: the new primary does not have it.
    replica.stop();
    here.revoke("b").await.unwrap();
    primary.kill();
    replica.go_on();

    let start = Instant::now();
    pause(BOUND.as_millis() as u64).await;
    while !(there.is_well().await) {
        for (name, bound) in [("a", BOUND), ("b", BOUND), ("b", Duration::ZERO)] {
            assert_ne!(there.verdict(name, bound).await, Verdict::Accepted);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no failover");
        pause(10).await;
    }
    println!("failover: followed again after {:?}", start.elapsed());
    there.until_refused("b").await;
    here.wait().await;
    here.revoke("c").await.unwrap();
    there.until_refused("c").await;
    let late = Instance::ready(&url).await;
    for name in ["a", "b", "c"] {
        assert_eq!(late.verdict(name, BOUND).await, Verdict::Refused);
        assert_eq!(late.verdict(name, Duration::ZERO).await, Verdict::Refused);
    }
}
