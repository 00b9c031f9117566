//! A cluster of three primaries.

use std::time::Duration;

use crate::{
    instance::{BOUND, Instance, Verdict},
    server::Cluster,
};

#[actix_web::test]
async fn a_slot_that_moves() {
    let cluster = Cluster::start();
    let (servers, url) = (&cluster.0, cluster.url());

    let here = Instance::ready(&url).await;
    let there = Instance::ready(&url).await;
    for number in 0..20 {
        let name = format!("t{number}");
        here.surely_revoke(&name).await;
        assert!(there.until_refused(&name).await < BOUND);
        assert_eq!(there.decided(&name, Duration::ZERO).await, Verdict::Refused);
    }

    // The slot is given to another server, without what was in it.
    let slot = servers[0].ask(&["CLUSTER", "KEYSLOT", "{test}"]);
    let slot = slot.trim().trim_start_matches(':').to_owned();
    let number: usize = slot.parse().unwrap();
    let owner = number.min(16383) / 5461;
    let heir = &servers[(owner + 1) % 3];
    let id = heir.ask(&["CLUSTER", "MYID"]);
    let id = id.lines().nth(1).unwrap().trim().to_owned();
    servers[owner.min(2)].ask(&["FLUSHALL"]);
    for server in [heir, &servers[0], &servers[1], &servers[2]] {
        server.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
    }
    heir.ask(&["CLUSTER", "BUMPEPOCH"]);
    here.revoke("a").await.ok();
    here.wait().await;
    there.wait().await;
    there.until_refused("a").await;
    let late = Instance::ready(&url).await;
    for name in ["t0", "t19", "a"] {
        assert_eq!(late.decided(name, BOUND).await, Verdict::Refused, "{name}");
    }
    assert!(
        heir.ask(&["EXISTS", "{test}:revocation:entries"])
            .starts_with(":1")
    );
}
