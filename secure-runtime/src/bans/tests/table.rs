//! The table against one that looks at every network.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{super::table::*, *};

fn ban(until: u64, forget: u64) -> Ban {
    Ban {
        until,
        forget,
        level: 0,
        reason: "test".into(),
    }
}

fn key(text: &str) -> Key {
    Key::new(canonical(net(text)))
}

/// Few bits vary, so that networks and addresses meet.
fn address() -> impl Strategy<Value = IpAddr> {
    let bits = prop::sample::subsequence((0..32_u32).collect::<Vec<_>>(), 0..4);
    (any::<bool>(), bits).prop_map(|(v4, bits)| {
        let bits = bits.into_iter().fold(0_u32, |sum, bit| sum | 1 << bit);
        match v4 {
            true => IpAddr::from((0xcb00_7100 ^ bits).to_be_bytes()),
            false => {
                let spread = (0..32).fold(0_u128, |sum, bit| {
                    sum | u128::from(bits >> bit & 1) << (bit * 4)
                });
                IpAddr::from((0x2001_0db8_u128 << 96 ^ spread).to_be_bytes())
            }
        }
    })
}

fn network() -> impl Strategy<Value = IpNet> {
    (address(), 1..=128_u8).prop_map(|(address, bits)| {
        let bits = if address.is_ipv4() {
            bits % 32 + 1
        } else {
            bits
        };
        IpNet::new(address, bits).unwrap().trunc()
    })
}

#[derive(Clone, Debug)]
enum Act {
    Set(IpNet, u64, u64),
    Remove(IpNet),
    Sweep(bool),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (network(), 0..100_u64, 0..100_u64)
            .prop_map(|(network, lasts, more)| Act::Set(network, lasts, lasts + more)),
        1 => network().prop_map(Act::Remove),
        1 => any::<bool>().prop_map(Act::Sweep),
        2 => (0..30_u64).prop_map(Act::Pass),
    ]
}

proptest! {
    /// G11: an address is banned exactly if a network that holds it is, until the last one ends.
    #[test]
    fn g11_what_is_found_is_what_a_look_at_every_network_finds(
        acts in prop::collection::vec(act(), 1..60),
        addresses in prop::collection::vec(address(), 1..20),
    ) {
        let table = Table::new(1000);
        let mut naive = HashMap::<IpNet, (u64, u64)>::new();
        let mut now = 1;
        for act in acts {
            match act {
                Act::Set(network, lasts, kept) => {
                    let (until, forget) = (now + lasts, now + kept);
                    let key = Key::new(canonical(network));
                    prop_assert_eq!(key.to_net(), network);
                    table.writer().set(key, ban(until, forget), now).unwrap();
                    naive.insert(network, (until, forget));
                }
                Act::Remove(network) => {
                    let key = Key::new(canonical(network));
                    let removed = table.writer().remove(key).map(|ban| ban.until);
                    prop_assert_eq!(removed, naive.remove(&network).map(|(until, _)| until));
                }
                Act::Sweep(ended) => {
                    let what = if ended { Forget::Ended } else { Forget::Forgotten };
                    table.writer().sweep(now, what);
                    naive.retain(|_, (until, forget)| match ended {
                        true => *until > now,
                        false => *forget > now,
                    });
                }
                Act::Pass(time) => now += time,
            }
            prop_assert_eq!(table.writer().len(), naive.len());
            prop_assert_eq!(table.is_empty(), naive.is_empty());
            for address in &addresses {
                let expected = naive
                    .iter()
                    .filter(|(network, (until, _))| network.contains(address) && *until > now)
                    .map(|(_, (until, _))| *until)
                    .max();
                prop_assert_eq!(table.banned_until(*address, now), expected, "{}", address);
            }
        }
    }
}

#[test]
fn there_is_a_bound_and_bans_that_have_ended_make_room() {
    let table = Table::new(2);
    let mut writer = table.writer();
    writer.set(key("10.0.0.1/32"), ban(10, 100), 0).unwrap();
    writer.set(key("10.0.0.2/32"), ban(20, 100), 0).unwrap();
    assert_eq!(writer.set(key("10.0.0.3/32"), ban(30, 100), 9), Err(Full));
    // One that is known needs no room.
    writer.set(key("10.0.0.2/32"), ban(30, 100), 9).unwrap();
    writer.set(key("10.0.0.3/32"), ban(30, 100), 10).unwrap();
    assert_eq!(writer.find(key("10.0.0.1/32")), None);
    assert_eq!(writer.len(), 2);
}

#[test]
fn refusals_are_counted_for_each_ban() {
    let table = Table::new(10);
    let refused = |now| table.refuse(ip("10.0.0.1"), || now).map(|hit| hit.refused);
    table
        .writer()
        .set(key("10.0.0.0/24"), ban(10, 100), 0)
        .unwrap();
    assert_eq!(
        [refused(1), refused(2), refused(10)],
        [Some(1), Some(2), None]
    );
    assert_eq!(table.banned_until(ip("10.0.0.1"), 9), Some(10));
    table
        .writer()
        .set(key("10.0.0.0/24"), ban(20, 100), 10)
        .unwrap();
    assert_eq!(refused(11), Some(1));
}

/// Rather less than what the documentation says, beside the reason.
#[test]
fn an_entry_is_small() {
    const { assert!(ENTRY_BYTES <= 96) }
}
