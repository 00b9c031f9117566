//! Without a fault of the store.

use std::{collections::BTreeSet, path::Path, time::Duration};

use secure_runtime::Clock;

use crate::{
    instance::{BOUND, Instance, Verdict, WrongClock, eventually, pause},
    server::{Cluster, Redis, documented_commands, free_port},
};

#[actix_web::test]
async fn a_revoked_token_is_refused_elsewhere() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;

    let mut times = Vec::new();
    for number in 0..200 {
        let name = format!("t{number}");
        assert_eq!(there.decided(&name, BOUND).await, Verdict::Accepted);
        here.surely_revoke(&name).await;
        times.push(there.until_refused(&name).await);
        assert_eq!(here.decided(&name, BOUND).await, Verdict::Refused);
        assert_eq!(there.decided(&name, Duration::ZERO).await, Verdict::Refused);
    }
    times.sort();
    println!(
        "refused elsewhere: median {:?}, p99 {:?}",
        times[100], times[198]
    );
    assert!(times[199] < BOUND);
}

#[actix_web::test]
async fn who_starts_later_knows_all_and_answers_nothing_before() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    for number in 0..1500 {
        here.surely_revoke(&format!("t{number}")).await;
    }
    let lifted = here.security.revocations().lift(&here.target("t7")).await;
    assert!(lifted.unwrap());
    let there = Instance::new(&redis.url()).await;
    for path in ["/one", "/zero", "/local"] {
        assert_eq!(
            there.ask(path, &there.token("t0")).await,
            Verdict::Undecided
        );
    }
    there.wait().await;
    for number in 0..1500 {
        let name = format!("t{number}");
        let expected = match number {
            7 => Verdict::Accepted,
            _ => Verdict::Refused,
        };
        assert_eq!(there.decided(&name, BOUND).await, expected, "{name}");
    }
}

#[actix_web::test]
async fn a_lift_is_followed() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    let lift = async || here.security.revocations().lift(&here.target("a")).await;
    assert!(!lift().await.unwrap());
    here.surely_revoke("a").await;
    there.until_refused("a").await;
    assert!(lift().await.unwrap());
    assert!(!lift().await.unwrap());
    pause(400).await;
    for instance in [&here, &there] {
        assert_eq!(instance.decided("a", BOUND).await, Verdict::Accepted);
        assert_eq!(
            instance.decided("a", Duration::ZERO).await,
            Verdict::Accepted
        );
    }
    here.surely_revoke("a").await;
    there.until_refused("a").await;
}

/// Every level is known elsewhere, and asked for.
#[actix_web::test]
async fn every_level() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    let issuer = here.issuer();
    let token = || {
        let token = there.token("a").claim("sid", "s").claim("client_id", "c");
        token.claim("sub", "u")
    };
    let revocations = here.security.revocations();
    for level in 0..5 {
        let token = token();
        assert_eq!(
            there.ask("/one", &token).await,
            Verdict::Accepted,
            "{level}"
        );
        match level {
            0 => revocations.revoke_session(&issuer, "s").await.unwrap(),
            1 => revocations.revoke_client(&issuer, "c").await.unwrap(),
            2 => revocations.revoke_subject(&issuer, "u").await.unwrap(),
            3 => revocations.revoke_issuer(&issuer).await.unwrap(),
            _ => revocations.revoke_all().await.unwrap(),
        }
        assert_eq!(
            there.ask("/zero", &token).await,
            Verdict::Refused,
            "{level}"
        );
        pause(300).await;
        assert_eq!(there.ask("/one", &token).await, Verdict::Refused, "{level}");
        for entry in revocations.list().await.unwrap() {
            revocations.lift(&entry.target).await.unwrap();
        }
        pause(300).await;
    }
}

/// The cut-off is the store's time.
#[actix_web::test]
async fn a_clock_that_is_wrong_by_90_seconds() {
    let redis = Redis::start();
    let there = Instance::ready(&redis.url()).await;
    for wrong in [-90, 90] {
        let clock = WrongClock::by(wrong);
        let here = Instance::with(&redis.url(), clock.clock.clone(), |_| {}).await;
        eventually("the store is followed", || here.is_fresh(BOUND)).await;
        let subject = format!("user {wrong}");
        let token = || there.token("t").claim("sub", subject.as_str());
        let before = token();
        assert_eq!(there.ask("/one", &before).await, Verdict::Accepted);
        let revocations = here.security.revocations();
        revocations
            .revoke_subject(&here.issuer(), &subject)
            .await
            .unwrap();
        assert_eq!(
            there.ask("/zero", &before).await,
            Verdict::Refused,
            "{wrong}"
        );
        pause(1100).await;
        assert_eq!(
            there.ask("/one", &before).await,
            Verdict::Refused,
            "{wrong}"
        );
        // Who logs in again is let in, and not 90 seconds later.
        assert_eq!(
            there.ask("/one", &token()).await,
            Verdict::Accepted,
            "{wrong}"
        );
    }
}

/// R2: the store's clock is behind that of the issuer and of the process, as after a failover. A
/// token that this process has let in does not outlive a revocation that it was told has happened.
#[actix_web::test]
async fn r02_a_store_whose_clock_is_behind_revokes_what_was_issued_before() {
    let redis = Redis::start();
    let clock = WrongClock::by(30);
    let here = Instance::with(&redis.url(), clock.clock.clone(), |_| {}).await;
    eventually("the store is followed", || here.is_fresh(BOUND)).await;
    // Issued five seconds ago, as the issuer and this process see it.
    let issued_at = clock.clock.unix_seconds() - 5;
    let before = here
        .token("t")
        .claim("sub", "ann")
        .claim("iat", issued_at)
        .claim("exp", issued_at + 600);
    assert_eq!(here.ask("/one", &before).await, Verdict::Accepted);
    let revocations = here.security.revocations();
    revocations
        .revoke_subject(&here.issuer(), "ann")
        .await
        .unwrap();
    assert_eq!(here.ask("/one", &before).await, Verdict::Refused);
}

/// R1: a process that has no room for what others revoke does not know everything, and must not
/// say that it does: the store is asked, or the answer is 503.
#[actix_web::test]
async fn r01_what_a_full_process_has_no_room_for_is_refused_there_too() {
    let redis = Redis::start();
    let there = Instance::ready(&redis.url()).await;
    let here = Instance::with(&redis.url(), Clock::system(), |settings| {
        settings.revocation.max_entries = std::num::NonZeroUsize::MIN.saturating_add(1);
    })
    .await;
    here.wait().await;
    let names = ["a", "b", "c", "d"];
    for name in names {
        there.surely_revoke(name).await;
    }
    // Long after the bound of the route.
    pause(3000).await;
    let mut accepted = Vec::new();
    for name in names {
        if here.verdict(name, BOUND).await == Verdict::Accepted {
            accepted.push(name);
        }
    }
    let age = here.security.revocations().age();
    assert!(
        accepted.is_empty(),
        "{accepted:?} by knowledge that is said to be {age:?} old"
    );
}

/// Old by the clock of the process, however fast it goes.
#[actix_web::test]
async fn a_clock_that_jumps() {
    let redis = Redis::start();
    let (clock, hand) = Clock::manual();
    let here = Instance::with(&redis.url(), clock, |_| {}).await;
    eventually("the store is followed", || here.is_fresh(BOUND)).await;
    hand.advance(Duration::from_secs(90));
    assert!(!here.is_fresh(BOUND));
    eventually("it is fresh again", || here.is_fresh(BOUND)).await;
}

/// What scripts call, wherever they lie below a folder.
fn called_by_scripts(folder: &Path, called: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            called_by_scripts(&path, called);
        } else if path.extension().is_some_and(|end| end == "lua") {
            let text = std::fs::read_to_string(path).unwrap();
            let calls = text.split("redis.call('").skip(1);
            called.extend(calls.map(|call| call.split('\'').next().unwrap().to_lowercase()));
        }
    }
}

#[actix_web::test]
async fn a_user_with_a_password_and_few_rights() {
    let commands = documented_commands().collect::<Vec<_>>();
    let mut called = BTreeSet::new();
    called_by_scripts(Path::new("../secure-runtime/src"), &mut called);
    assert!(called.len() > 20, "{called:?}");
    for command in &called {
        assert!(commands.contains(&command.as_str()), "{command}");
    }

    let redis = Redis::start();
    redis.add_user("shop", "pass:word@", "test");
    let url = format!("redis://shop:pass%3Aword%40@127.0.0.1:{}", redis.port);
    let here = Instance::ready(&url).await;
    here.surely_revoke("a").await;
    assert_eq!(here.decided("a", Duration::ZERO).await, Verdict::Refused);
    let settings = format!("{:?}", here.security.settings());
    for secret in ["pass:word@", "pass%3Aword"] {
        assert!(!settings.contains(secret), "{settings}");
    }

    let url = format!("redis://shop:wrong@127.0.0.1:{}", redis.port);
    let stranger = Instance::new(&url).await;
    pause(500).await;
    assert_eq!(stranger.verdict("b", BOUND).await, Verdict::Undecided);
}

/// The same user at each server of a cluster, and in another database.
#[actix_web::test]
async fn a_user_with_few_rights_in_a_cluster_and_in_a_database() {
    let cluster = Cluster::start();
    for server in &cluster.0 {
        server.add_user("shop", "secret", "test");
    }
    let single = Redis::start();
    single.add_user("shop", "secret", "test");
    for url in [
        cluster.url_with("shop:secret@"),
        format!("redis://shop:secret@127.0.0.1:{}/3", single.port),
    ] {
        let here = Instance::ready(&url).await;
        here.surely_revoke("a").await;
        assert_eq!(here.decided("a", Duration::ZERO).await, Verdict::Refused);
    }
}

/// The certificate of a stranger is not taken, nor one for another name.
#[actix_web::test]
async fn with_tls() {
    let folder = std::env::temp_dir().join(format!("secure-redis-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for name in ["ours", "other"] {
        let names = vec!["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let write = |name: &str, label: &str, der: &[u8]| {
            let text = pem::encode(&pem::Pem::new(label, der));
            std::fs::write(file(name), text).unwrap();
        };
        write(name, "CERTIFICATE", made.cert.der());
        write(
            &format!("{name}.key"),
            "PRIVATE KEY",
            &made.signing_key.serialize_der(),
        );
    }
    let port = free_port();
    let redis = Redis::with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("ours"),
        "--tls-key-file",
        &file("ours.key"),
        "--tls-ca-cert-file",
        &file("ours"),
        "--tls-auth-clients",
        "no",
    ]);
    let trusting = async |host: &str, authority: &str| {
        let url = format!("rediss://{host}:{port}");
        let authority = file(authority).into();
        let configure = |settings: &mut secure_runtime::Settings| {
            settings.redis.as_mut().unwrap().ca_file = Some(authority);
        };
        Instance::with(&url, Clock::system(), configure).await
    };
    let here = trusting("localhost", "ours").await;
    here.wait().await;
    here.surely_revoke("a").await;
    assert_eq!(here.decided("a", Duration::ZERO).await, Verdict::Refused);
    for (host, authority) in [("localhost", "other"), ("127.0.0.1", "ours")] {
        let stranger = trusting(host, authority).await;
        pause(500).await;
        assert_eq!(
            stranger.verdict("b", BOUND).await,
            Verdict::Undecided,
            "{host} {authority}"
        );
    }
    drop(redis);
    std::fs::remove_dir_all(folder).unwrap();
}
