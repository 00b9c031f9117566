#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps is a test that fails"
)]

mod calls;
mod rules;
mod table;

use std::{net::IpAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use ipnet::IpNet;

use super::{network::canonical, *};
use crate::{
    address::ForwardingHeader,
    clock::ClockHand,
    settings::{BanRuleSettings, BanSettings},
};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// As strikes are counted by it.
fn client(address: IpAddr) -> Network {
    ClientAddress::from(address).network(Ipv6Prefix::default())
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rule(on: &[StrikeKind], count: usize, within: Duration, ban: Duration) -> BanRuleSettings {
    BanRuleSettings::new(on.to_vec(), NonZeroUsize::new(count).unwrap(), within, ban)
}

struct Fixture {
    bans: BanList,
    hand: ClockHand,
}

fn list(addresses: ClientAddresses, max_entries: usize, rules: Vec<BanRuleSettings>) -> Fixture {
    let (clock, hand) = Clock::manual();
    // The first moment is no special one.
    hand.advance(HOUR);
    let settings = BanSettings {
        max_entries: NonZeroUsize::new(max_entries).unwrap(),
        rules,
    };
    let bans = BanList::new(
        clock,
        Arc::new(addresses),
        Ipv6Prefix::default(),
        &settings,
        #[cfg(feature = "redis")]
        None,
    );
    Fixture { bans, hand }
}

fn direct(max_entries: usize) -> Fixture {
    list(ClientAddresses::direct(), max_entries, Vec::new())
}

fn behind(proxies: &[&str]) -> ClientAddresses {
    let proxies = proxies.iter().map(|proxy| net(proxy)).collect();
    ClientAddresses::behind(proxies, ForwardingHeader::XForwardedFor).unwrap()
}
