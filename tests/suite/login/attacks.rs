//! How many guesses reach the check.

use super::{Visitor, cookie, minutes, service, service_with, take_checks};

/// G1, G5: ten thousand guesses at one account, from as many places as it takes.
#[actix_web::test]
async fn g5_ten_thousand_guesses_at_one_account() {
    let service = service().await;
    for number in 0..10_000 {
        let visitor = Visitor::at(&service, number % 700);
        let status = visitor.status("ann", &format!("guess {number}")).await;
        assert!(matches!(status, 401 | 429), "{status}");
    }
    assert_eq!(take_checks(), 5);
}

/// G5: the counter is on the account, not only on the address.
#[actix_web::test]
async fn g5_five_thousand_addresses_with_one_guess_each() {
    let service = service().await;
    for number in 0..5_000 {
        let visitor = Visitor::at(&service, number);
        assert_eq!(visitor.status("ann", "guess").await, 401);
    }
    assert_eq!(take_checks(), 5);
}

/// G5: one password at five thousand accounts, from one place: twenty a minute, and fifty accounts
/// an hour.
#[actix_web::test]
async fn g5_one_password_at_five_thousand_accounts_from_one_network() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    let mut last = None;
    for number in 0..5_000 {
        last = Some(visitor.tries(&format!("user{number}"), "Winter2026").await);
        if number % 100 == 99 {
            service.advance(minutes(1));
        }
    }
    assert_eq!(take_checks(), 50);
    let last = last.unwrap();
    last.assert_refused(secure_runtime::Refusal::QuotaExceeded);
    let wait: u64 = last.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    // Who waits for as long as he is told may go on.
    service.advance(std::time::Duration::from_secs(wait));
    assert_eq!(visitor.status("user4999", "right").await, 204);
}

/// G5: and from five thousand places.
#[actix_web::test]
async fn g5_one_password_at_five_thousand_accounts_from_everywhere() {
    let service = service().await;
    for number in 0..5_000 {
        let visitor = Visitor::at(&service, number).path("/spray");
        let status = visitor.status(&format!("user{number}"), "Winter2026").await;
        assert_eq!(status, 401);
    }
    assert_eq!(take_checks(), 20);
    // Other passwords are not concerned, and an hour later this one is not either.
    let visitor = Visitor::at(&service, 1).path("/spray");
    assert_eq!(visitor.status("user1", "right").await, 204);
    service.advance(minutes(60));
    take_checks();
    visitor.tries("user2", "Winter2026").await;
    assert_eq!(take_checks(), 1);
}

/// G5: a network has twenty failures a minute, whatever the accounts, and is told when to come
/// back. A success at an account of one's own makes no room for more.
#[actix_web::test]
async fn g5_a_success_of_ones_own_gives_no_further_guesses() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for number in 0..200 {
        visitor
            .tries(&format!("user{}", number % 20), "guess")
            .await;
        visitor.tries("attacker", "right").await;
    }
    // The twentieth failure ends it for everybody there, and for nobody elsewhere.
    assert_eq!(take_checks(), 20 + 19);
    let refused = visitor.tries("user1", "right").await;
    refused.assert_refused(secure_runtime::Refusal::QuotaExceeded);
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(Visitor::at(&service, 2).status("user1", "right").await, 204);
    service.advance(minutes(1));
    assert_eq!(visitor.status("user1", "right").await, 204);
}

/// G5: a success of the owner clears the account, and not what somebody did to it from elsewhere.
#[actix_web::test]
async fn g5_a_success_of_the_owner_gives_others_no_further_guesses() {
    let service = service().await;
    let (guesser, owner) = (Visitor::at(&service, 1), Visitor::at(&service, 2));
    for _ in 0..20 {
        for _ in 0..4 {
            guesser.tries("ann", "guess").await;
        }
        assert_eq!(owner.status("ann", "right").await, 204);
        service.advance(minutes(1) / 4);
    }
    assert_eq!(take_checks(), 5 + 20);
    // A success from there does.
    service.advance(minutes(30));
    assert_eq!(guesser.status("ann", "right").await, 204);
    for _ in 0..4 {
        assert_eq!(guesser.status("ann", "wrong").await, 401);
    }
    assert_eq!(guesser.status("ann", "right").await, 204);
}

/// While too many fail everywhere, a network without an earlier success has one failure a minute.
#[actix_web::test]
async fn a_flood_of_failures_makes_strangers_wait() {
    let service = service_with(|settings| settings.login.global_failures = 100).await;
    let old = Visitor::at(&service, 9_000);
    assert_eq!(old.status("ann", "right").await, 204);
    for number in 0..100 {
        Visitor::at(&service, number)
            .tries(&format!("user{number}"), "guess")
            .await;
    }
    take_checks();
    let new = Visitor::at(&service, 9_001);
    for number in 0..5 {
        new.tries(&format!("other{number}"), "guess").await;
    }
    assert_eq!(take_checks(), 1);
    for number in 0..5 {
        old.tries(&format!("other{number}"), "guess").await;
    }
    assert_eq!(take_checks(), 5);
    service.advance(minutes(1));
    for number in 5..10 {
        new.tries(&format!("other{number}"), "guess").await;
    }
    assert_eq!(take_checks(), 5);
}

/// An IPv6 network of one subscriber is one place.
#[actix_web::test]
async fn an_ipv6_network_has_one_count() {
    let service = service().await;
    for number in 0..100 {
        let mut visitor = Visitor::at(&service, 0);
        visitor.address = format!("2001:db8:0:{number:x}::{number:x}")
            .parse()
            .unwrap();
        visitor.tries(&format!("user{number}"), "guess").await;
    }
    assert_eq!(take_checks(), 20);
}

/// G11: an address that goes on after its ban is banned from logging in for twice as long each
/// time. Only there: whoever shares the address uses the rest of the service, and logs in where he
/// has logged in before.
#[actix_web::test]
async fn g11_an_address_that_fails_again_is_banned_for_longer() {
    let service = service().await;
    let welcome = Visitor::at(&service, 9).tries("owner", "right").await;
    let guesser = Visitor::at(&service, 9);
    let mut number = 0;
    let mut guesses_until_refused = async || {
        loop {
            number += 1;
            let answer = guesser
                .tries(&format!("user{}", number % 45), "guess")
                .await;
            if answer.status() != 401 {
                answer.assert_refused(secure_runtime::Refusal::QuotaExceeded);
                let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                return wait;
            }
        }
    };
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let wait = guesses_until_refused().await;
        assert_eq!(wait, expected * 60);
        take_checks();
        service.advance(minutes(expected) - std::time::Duration::from_secs(1));
        assert_eq!(guesser.status("user1", "right").await, 429);
        assert_eq!(take_checks(), 0);
        let mut owner = Visitor::at(&service, 9);
        owner.cookie = cookie(&welcome);
        assert_eq!(owner.status("owner", "right").await, 204);
        let elsewhere = Visitor::at(&service, 10);
        assert_eq!(elsewhere.status("somebody", "right").await, 204);
        service.advance(std::time::Duration::from_secs(1));
    }
    // A day without one, and it begins anew.
    service.advance(minutes(24 * 60));
    assert_eq!(guesses_until_refused().await, 60);
}

/// G11: a proxy that nobody has configured as one on this machine, and one that tells no client: all
/// clients have its address, and wait a minute each time and no longer.
#[actix_web::test]
async fn g11_the_address_of_everybody_is_not_banned_for_longer() {
    let proxy: std::net::IpAddr = "10.9.9.9".parse().unwrap();
    let here: std::net::IpAddr = "127.0.0.1".parse().unwrap();
    for address in [proxy, here] {
        let service = service_with(|settings| {
            settings.client_address.trusted_proxies = vec!["10.9.9.9".parse().unwrap()];
        })
        .await;
        let mut everybody = Visitor::at(&service, 0);
        everybody.address = address;
        for round in 0..5 {
            for number in 0..20 {
                let name = format!("user{}", (round * 20 + number) % 45);
                assert_eq!(everybody.status(&name, "guess").await, 401, "{round}");
            }
            let refused = everybody.tries("user1", "right").await;
            refused.assert_refused(secure_runtime::Refusal::QuotaExceeded);
            assert_eq!(refused.header("retry-after"), Some("60"));
            service.advance(minutes(1));
        }
    }
}
