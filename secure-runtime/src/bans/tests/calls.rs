//! What calls can ban, and what they cannot.

use super::*;

#[test]
fn g11_a_ban_ends_by_itself() {
    let Fixture { bans, hand } = direct(10);
    bans.ban(ip("203.0.113.7"), HOUR, "spam").unwrap();
    assert!(bans.is_banned(ip("203.0.113.7")));
    assert!(!bans.is_banned(ip("203.0.113.8")));
    hand.advance(HOUR - Duration::from_nanos(1));
    assert!(bans.is_banned(ip("203.0.113.7")));
    hand.advance(Duration::from_nanos(1));
    assert!(!bans.is_banned(ip("203.0.113.7")));
    assert_eq!(bans.list(), []);
}

#[test]
fn g11_networks_and_ipv6_addresses_by_56_bits() {
    let Fixture { bans, .. } = direct(10);
    bans.ban(net("198.51.100.0/24"), HOUR, "spam").unwrap();
    bans.ban(ip("2001:db8:0:42::1"), HOUR, "spam").unwrap();
    bans.ban(net("2001:db8:1::7/128"), HOUR, "spam").unwrap();
    for (address, banned) in [
        ("198.51.100.255", true),
        ("198.51.101.0", false),
        // As IPv6 it is the same address.
        ("::ffff:198.51.100.1", true),
        ("2001:db8:0:ff::9", true),
        ("2001:db8:0:100::", false),
        ("2001:db8:1::7", true),
        ("2001:db8:1::8", false),
    ] {
        assert_eq!(bans.is_banned(ip(address)), banned, "{address}");
    }
    bans.ban(net("::ffff:192.0.2.0/120"), HOUR, "spam").unwrap();
    assert!(bans.is_banned(ip("192.0.2.77")));
    let networks = bans.list().into_iter().map(|ban| ban.network.to_string());
    assert_eq!(
        networks.collect::<Vec<_>>(),
        [
            "192.0.2.0/24",
            "198.51.100.0/24",
            "2001:db8::/56",
            "2001:db8:1::7/128"
        ]
    );
}

#[test]
fn g11_a_trusted_proxy_is_never_banned() {
    let proxies = behind(&["10.1.0.0/16", "192.0.2.9/32", "2001:db8:7::5/128"]);
    let Fixture { bans, .. } = list(proxies, 10, Vec::new());
    for target in [
        "10.1.2.3/32",
        "10.1.0.0/16",
        "10.0.0.0/8",
        "192.0.2.0/24",
        "192.0.2.9/32",
        "::ffff:192.0.2.9/128",
        "2001:db8:7::/56",
        "2001:db8::/32",
    ] {
        let banned = bans.ban(net(target), HOUR, "spam");
        assert_eq!(banned, Err(BanError::TrustedProxy), "{target}");
    }
    // Its 56 bits hold the proxy.
    let neighbour = bans.ban(ip("2001:db8:7::6"), HOUR, "spam");
    assert_eq!(neighbour, Err(BanError::TrustedProxy));
    bans.ban(net("2001:db8:7::6/128"), HOUR, "spam").unwrap();
    bans.ban(ip("192.0.2.8"), HOUR, "spam").unwrap();
    assert_eq!(bans.counts().bans, 2);
}

/// Wherever an entry came from: from a process that trusts other proxies, for example.
#[test]
fn g11_a_proxy_that_asks_for_itself_is_not_refused() {
    let hops = ClientAddresses::behind_hops(1, ForwardingHeader::XForwardedFor);
    for (addresses, spared) in [
        (behind(&["203.0.113.9/32"]), true),
        (hops, true),
        (ClientAddresses::direct(), false),
    ] {
        let Fixture { bans, .. } = list(addresses, 10, Vec::new());
        let key = Key::new(canonical(net("203.0.113.0/24")));
        let ban = Ban {
            until: u64::MAX,
            forget: u64::MAX,
            level: 0,
            reason: "test".into(),
        };
        bans.0.table.writer().set(key, ban, 0).unwrap();
        let peer = ip("203.0.113.9");
        let judged = bans.judge(Some(peer), || peer.into());
        assert_eq!(judged.is_ok(), spared);
        let client = ip("203.0.113.10");
        assert!(bans.judge(Some(peer), || client.into()).is_err());
        assert!(bans.judge(Some(peer), || ClientAddress::Unknown).is_ok());
    }
}

#[test]
fn what_must_be_a_mistake_is_an_error() {
    let Fixture { bans, .. } = direct(10);
    for target in ["0.0.0.0/0", "128.0.0.0/7", "::/0", "2000::/15"] {
        assert_eq!(
            bans.ban(net(target), HOUR, "spam"),
            Err(BanError::Wide),
            "{target}"
        );
    }
    let address = ip("203.0.113.7");
    for duration in [Duration::ZERO, Duration::from_millis(999), LONGEST + MINUTE] {
        assert_eq!(bans.ban(address, duration, "spam"), Err(BanError::Duration));
    }
    for reason in ["", "a\nb", &"x".repeat(201)] {
        assert_eq!(bans.ban(address, HOUR, reason), Err(BanError::Reason));
    }
    assert_eq!(bans.counts(), BanCounts::default());
    bans.ban(net("10.0.0.0/8"), LONGEST, &"x".repeat(200))
        .unwrap();
    bans.ban(net("2001::/16"), seconds(1), "spam").unwrap();
}

#[test]
fn of_two_bans_the_later_end_counts_and_a_lift_ends_it() {
    let Fixture { bans, .. } = direct(10);
    let address = ip("203.0.113.7");
    bans.ban(address, HOUR, "long").unwrap();
    bans.ban(address, MINUTE, "short").unwrap();
    let entry = bans.list().remove(0);
    assert_eq!((entry.remaining, &*entry.reason), (HOUR, "long"));
    bans.ban(address, HOUR * 2, "longer").unwrap();
    assert_eq!(&*bans.list()[0].reason, "longer");

    assert!(!bans.lift(net("203.0.113.0/24")));
    assert!(bans.is_banned(address));
    assert!(bans.lift(address));
    assert!(!bans.lift(address));
    assert!(!bans.is_banned(address));
    assert!(bans.is_empty());
}

#[test]
fn without_room_a_ban_is_an_error() {
    let Fixture { bans, hand } = direct(1);
    bans.ban(ip("203.0.113.7"), HOUR, "spam").unwrap();
    let full = Err(BanError::Full { max_entries: 1 });
    assert_eq!(bans.ban(ip("203.0.113.8"), HOUR, "spam"), full);
    assert!(bans.is_banned(ip("203.0.113.7")));
    hand.advance(HOUR);
    bans.ban(ip("203.0.113.8"), HOUR, "spam").unwrap();
}

/// Where the store cannot be told of a ban, nothing is banned here either, as the error says.
#[cfg(feature = "redis")]
#[test]
fn g11_a_ban_that_fails_bans_nobody() {
    let target = crate::store::Target::parse("redis://127.0.0.1:1").unwrap();
    let (clock, _hand) = Clock::manual();
    let settings = BanSettings {
        max_entries: NonZeroUsize::MIN,
        rules: Vec::new(),
    };
    let bans = BanList::new(
        clock,
        Arc::new(ClientAddresses::direct()),
        Ipv6Prefix::default(),
        &settings,
        Some(Store::start(target, "test").unwrap()),
    );
    bans.ban(ip("203.0.113.7"), HOUR, "spam").unwrap();
    assert!(bans.lift(ip("203.0.113.7")));
    // The list has room, and what waits for the store has none.
    let full = BanError::Full { max_entries: 1 };
    assert_eq!(bans.ban(ip("203.0.113.8"), HOUR, "spam"), Err(full));
    assert!(!bans.is_banned(ip("203.0.113.8")));
    // What was to be told before is not forgotten, and may be told again.
    bans.ban(ip("203.0.113.7"), HOUR, "spam").unwrap();
    assert!(bans.is_banned(ip("203.0.113.7")));
}
