//! Strangers whose quota is used up, or for whom there is no room.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
};

use actix_web::{HttpRequest, test::TestRequest};
use secure_runtime::{Security, Settings};

use crate::{admit, handlers, policy_of};

/// Requests that are refused by a quota, each from another address.
#[derive(Debug)]
pub struct Flood(Vec<HttpRequest>);

impl Flood {
    /// How many addresses there are.
    pub const STRANGERS: usize = 10_000;

    /// Strangers who come again, before a table with room for so many keys, or, as newcomers, once
    /// others have filled it.
    ///
    /// # Panics
    ///
    /// They are admitted.
    pub fn new(max_keys: NonZeroUsize, newcomers: bool) -> Self {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.limits.max_keys = max_keys;
        let security = Security::builder().settings(settings).build();
        let security = security.expect("the security is configured");
        let request = |number: usize| {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
            TestRequest::get()
                .app_data(security.clone())
                .peer_addr(SocketAddr::from((address, 40_000)))
                .to_http_request()
        };
        let others = if newcomers { max_keys.get() } else { 0 };
        for number in 0..others {
            assert!(admit(&request(number), policy_of(&handlers::rare)));
        }
        let flood = Self((others..others + Self::STRANGERS).map(request).collect());
        for request in &flood.0 {
            admit(request, policy_of(&handlers::rare));
        }
        flood.serve();
        flood
    }

    /// Refuses each of them once.
    ///
    /// # Panics
    ///
    /// They are admitted.
    pub fn serve(&self) {
        for request in &self.0 {
            assert!(!admit(request, policy_of(&handlers::rare)));
        }
    }
}
