//! A primary that dies and a replica that takes over, by three sentinels.

use std::time::{Duration, Instant};

use crate::{
    instance::{BOUND, Instance, Verdict, pause},
    proxy::Proxy,
    server::{Redis, until},
};

struct Rig {
    primary: Redis,
    replica: Redis,
    sentinels: [Redis; 3],
}

impl Rig {
    fn start() -> Self {
        let primary = Redis::start();
        let port = primary.port;
        let replica = Redis::with(&["--replicaof", "127.0.0.1", &port.to_string()]);
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
        Self {
            primary,
            replica,
            sentinels,
        }
    }

    /// What is written from now on dies with the primary. To stop the replica is not enough: what
    /// it is sent would wait for it.
    fn stop_replication(&self) {
        self.replica.stop();
        let answer = self.primary.ask(&["CLIENT", "KILL", "TYPE", "replica"]);
        assert!(answer.starts_with(":1"), "{answer}");
    }

    fn url(&self) -> String {
        let ports = self.sentinels.iter().map(|sentinel| sentinel.port);
        url(ports)
    }
}

fn url(ports: impl Iterator<Item = u16>) -> String {
    let hosts = ports.map(|port| format!("127.0.0.1:{port}"));
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("redis+sentinel://{hosts}/shop")
}

#[actix_web::test]
async fn a_replica_takes_over() {
    let mut rig = Rig::start();
    let url = rig.url();
    let here = Instance::ready(&url).await;
    let there = Instance::ready(&url).await;
    here.surely_revoke("a").await;
    there.until_refused("a").await;
    // Acknowledged and never replicated: the new primary does not have it.
    rig.stop_replication();
    here.surely_revoke("b").await;
    rig.primary.kill();
    rig.replica.go_on();

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
    here.surely_revoke("c").await;
    there.until_refused("c").await;
    let late = Instance::ready(&url).await;
    for name in ["a", "b", "c"] {
        assert_eq!(late.decided(name, BOUND).await, Verdict::Refused);
        assert_eq!(late.decided(name, Duration::ZERO).await, Verdict::Refused);
    }
}

/// The new primary has lost a revocation. Who knows it finds its way there later than a process
/// that has just started, which would accept the token if it did not wait.
#[actix_web::test]
async fn who_knows_more_comes_later() {
    let mut rig = Rig::start();
    let proxies = [0, 1, 2].map(|number: usize| Proxy::before(rig.sentinels[number].port));
    let knowing = Instance::ready(&url(proxies.iter().map(|proxy| proxy.port))).await;
    knowing.surely_revoke("a").await;
    let epoch = || {
        rig.replica
            .ask(&["HGET", "{test}:revocation:state", "epoch"])
    };
    let mut before = epoch();
    until("the replica has the first revocation", || {
        before = epoch();
        let entries = rig.replica.ask(&["HLEN", "{test}:revocation:entries"]);
        entries.starts_with(":1")
    });
    rig.stop_replication();
    knowing.surely_revoke("b").await;
    rig.primary.kill();
    for proxy in &proxies {
        proxy.cut(true);
    }
    rig.replica.go_on();

    let late = Instance::new(&rig.url()).await;
    let start = Instant::now();
    while epoch() == before {
        assert_ne!(late.verdict("b", BOUND).await, Verdict::Accepted);
        assert!(start.elapsed() < Duration::from_secs(20), "no failover");
        pause(10).await;
    }
    let opened = Instant::now();
    let mut are_cut = true;
    while !late.is_well().await {
        for bound in [BOUND, Duration::ZERO] {
            assert_ne!(late.verdict("b", bound).await, Verdict::Accepted);
        }
        if are_cut && opened.elapsed() > Duration::from_millis(700) {
            are_cut = false;
            for proxy in &proxies {
                proxy.cut(false);
            }
        }
        pause(10).await;
    }
    for name in ["a", "b"] {
        assert_eq!(late.decided(name, BOUND).await, Verdict::Refused);
        assert_eq!(late.decided(name, Duration::ZERO).await, Verdict::Refused);
    }
}
