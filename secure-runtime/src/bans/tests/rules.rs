//! When rules ban.

use proptest::prelude::*;

use super::{
    super::{rules::Rules, strikes::Strikes},
    *,
};

const LOGIN: StrikeKind = StrikeKind::Login;

fn by_login(count: usize, within: Duration, ban: Duration) -> Fixture {
    let rules = vec![rule(&[LOGIN], count, within, ban)];
    list(ClientAddresses::direct(), 1000, rules)
}

#[test]
fn g11_the_strike_of_the_count_bans_and_no_other() {
    let Fixture { bans, hand } = by_login(3, MINUTE, HOUR);
    let (client, other) = (ip("203.0.113.7"), ip("203.0.113.8"));
    let strike = |address| bans.strike_address(address, LOGIN, 1);
    assert!(!strike(client));
    assert!(!strike(other));
    hand.advance(seconds(30));
    assert!(!strike(client));
    assert!(!bans.strike_address(client, StrikeKind::Quota, 100));
    hand.advance(seconds(25));
    assert!(strike(client));
    assert!(bans.is_banned(client) && !bans.is_banned(other));
    let entry = bans.list().remove(0);
    assert_eq!((entry.remaining, entry.level), (HOUR, 1));
    assert_eq!(&*entry.reason, "3 strikes (login) in 60 s");
}

#[test]
fn a_weight_counts_as_so_many_and_kinds_count_together() {
    let rules = vec![rule(&[LOGIN, StrikeKind::Input], 5, MINUTE, HOUR)];
    let Fixture { bans, .. } = list(ClientAddresses::direct(), 10, rules);
    let client = ip("203.0.113.7");
    assert!(!bans.strike_address(client, LOGIN, 0));
    assert!(!bans.strike_address(client, LOGIN, 2));
    assert!(!bans.strike_address(client, StrikeKind::Input, 2));
    assert!(bans.strike_address(client, LOGIN, 1));
}

#[test]
fn strikes_of_an_ipv6_network_count_together() {
    let Fixture { bans, .. } = by_login(2, MINUTE, HOUR);
    assert!(!bans.strike_address(ip("2001:db8:0:1::1"), LOGIN, 1));
    assert!(!bans.strike_address(ip("2001:db8:0:100::1"), LOGIN, 1));
    assert!(bans.strike_address(ip("2001:db8:0:2::2"), LOGIN, 1));
    assert_eq!(bans.list()[0].network, net("2001:db8::/56"));
}

/// The default proposal: 1 h, doubled each time, up to a day.
#[test]
fn g11_bans_grow_up_to_a_bound_and_that_is_remembered_for_so_long() {
    let Fixture { bans, hand } = by_login(1, MINUTE, HOUR);
    let client = ip("203.0.113.7");
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        assert!(bans.strike_address(client, LOGIN, 1));
        let remaining = bans.list()[0].remaining;
        assert_eq!(remaining, HOUR * hours);
        hand.advance(remaining);
        assert!(!bans.is_banned(client));
        // Just before it is forgotten.
        hand.advance(HOUR * 24 - Duration::from_nanos(1));
        assert_eq!(bans.counts().remembered, 1);
    }
    hand.advance(Duration::from_nanos(1));
    assert!(bans.strike_address(client, LOGIN, 1));
    assert_eq!(bans.list()[0].remaining, HOUR);
}

#[test]
fn growth_of_one_is_none_and_no_growth_overflows() {
    let mut settings = rule(&[LOGIN], 1, MINUTE, HOUR);
    settings.growth = NonZeroUsize::MIN;
    let rules = Rules::new(&[settings.clone()], 1).unwrap();
    let first = |rules: &Rules, level| {
        let rule = rules.strike(client(ip("203.0.113.7")), LOGIN, 1, 0);
        rule.unwrap().duration(level)
    };
    assert_eq!(first(&rules, 1), first(&rules, u32::MAX));
    settings.growth = NonZeroUsize::MAX;
    let rules = Rules::new(&[settings], 1).unwrap();
    assert_eq!(first(&rules, 1), HOUR);
    assert_eq!(first(&rules, 2), HOUR * 24);
    assert_eq!(first(&rules, u32::MAX), HOUR * 24);
}

#[test]
fn a_lift_forgives() {
    let Fixture { bans, hand } = by_login(2, MINUTE, HOUR);
    let client = ip("203.0.113.7");
    bans.strike_address(client, LOGIN, 2);
    assert!(bans.lift(client));
    assert!(
        !bans.strike_address(client, LOGIN, 1),
        "counted from before"
    );
    assert!(bans.strike_address(client, LOGIN, 1));
    assert_eq!(bans.list()[0].level, 1);
    // Nor are strikes counted twice that a ban was made for.
    hand.advance(HOUR);
    assert!(!bans.strike_address(client, LOGIN, 1));
}

#[test]
fn of_several_rules_the_longest_ban_counts() {
    let rules = vec![
        rule(&[LOGIN], 2, MINUTE, HOUR),
        rule(&[LOGIN], 2, HOUR, HOUR * 5),
        rule(&[LOGIN], 2, HOUR, HOUR * 3),
    ];
    let Fixture { bans, .. } = list(ClientAddresses::direct(), 10, rules);
    bans.strike_address(ip("203.0.113.7"), LOGIN, 2);
    assert_eq!(bans.list()[0].remaining, HOUR * 5);
}

#[test]
fn g11_no_rule_bans_a_trusted_proxy_or_this_machine() {
    let rules = vec![rule(&[LOGIN], 1, MINUTE, HOUR)];
    let proxies = behind(&["10.1.0.0/16", "2001:db8::5/128"]);
    let Fixture { bans, .. } = list(proxies, 10, rules);
    for address in [
        "10.1.2.3",
        "127.0.0.1",
        "::1",
        "2001:db8::5",
        "2001:db8::6",
        "::ffff:10.1.0.1",
    ] {
        assert!(!bans.strike_address(ip(address), LOGIN, 1), "{address}");
    }
    assert_eq!(bans.counts(), BanCounts::default());
    assert!(bans.strike_address(ip("10.2.0.1"), LOGIN, 1));
}

/// G11, L2: a flood from a million addresses.
#[test]
fn g11_a_million_addresses_that_strike_once_are_not_banned_and_take_a_bounded_memory() {
    const BOUND: usize = 10_000;
    let rules = vec![rule(&[LOGIN], 20, MINUTE, HOUR)];
    let Fixture { bans, .. } = list(ClientAddresses::direct(), BOUND, rules);
    let attacker = ip("203.0.113.7");
    let mut banned_at = None;
    for number in 0..1_000_000_u32 {
        let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
        assert!(!bans.strike_address(address, LOGIN, 1));
        // Who strikes again and again among them is not lost sight of.
        if number % 1000 == 0 && banned_at.is_none() && bans.strike_address(attacker, LOGIN, 1) {
            banned_at = Some(number / 1000 + 1);
        }
    }
    assert_eq!(banned_at, Some(20));
    assert!(bans.is_banned(attacker));
    assert_eq!(bans.counts().bans, 1);
    let counted = bans.0.rules.as_ref().unwrap().counted();
    assert!(counted <= BOUND, "{counted}");
}

proptest! {
    /// No strike is counted that is older than the time of the rule; every one is that is younger
    /// than fifteen sixteenths of it.
    #[test]
    fn strikes_count_for_a_window_and_no_longer(
        steps in prop::collection::vec((0..40_u64, 1..4_u16), 1..80),
    ) {
        let within = Duration::from_nanos(160);
        let strikes = Strikes::new(10);
        let subject = client(ip("203.0.113.7"));
        let mut past = Vec::new();
        let mut now = 1000;
        for (passes, weight) in steps {
            now += passes;
            past.push((now, u32::from(weight)));
            let since = |age: u64| {
                let young = past.iter().filter(|(at, _)| now - at < age);
                young.map(|(_, weight)| weight).sum::<u32>()
            };
            let counted = strikes.add(0, subject, weight, (within, now));
            prop_assert!(counted <= since(160), "{} > {}", counted, since(160));
            prop_assert!(counted >= since(150), "{} < {}", counted, since(150));
        }
    }
}
