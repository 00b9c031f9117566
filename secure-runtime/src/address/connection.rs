//! How a client is connected, for handlers that ask.

use actix_web::HttpRequest;

use super::ClientAddress;
use crate::{
    admission::{came_over_tls, client_address},
    security::Security,
};

/// How the client is connected, as far as that can be believed.
///
/// A handler takes it as a parameter; other code, such as a middleware, asks [`Security::client`].
///
/// actix's [`ConnectionInfo`](actix_web::dev::ConnectionInfo) answers the same questions with
/// whatever stands in `Forwarded`, `X-Forwarded-For` and `X-Forwarded-Proto`, which anybody can
/// write.
///
/// ```
/// use actix_web::{Responder, get};
/// use secure_runtime::{ClientConnection, secured};
///
/// #[secured(public)]
/// #[get("/me")]
/// async fn me(client: ClientConnection) -> impl Responder {
///     format!("{} over {}", client.address(), client.scheme())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConnection {
    address: ClientAddress,
    is_over_tls: bool,
}

impl ClientConnection {
    pub(crate) fn new(security: &Security, request: &HttpRequest, address: ClientAddress) -> Self {
        let is_over_tls = came_over_tls(security, request);
        Self {
            address,
            is_over_tls,
        }
    }

    /// Where the request came from.
    pub fn address(&self) -> ClientAddress {
        self.address
    }

    /// Whether the client sent the request over TLS, which ends here or at a trusted proxy that
    /// says so. In a guarded handler it did, but for `danger.plaintext`.
    pub fn is_over_tls(&self) -> bool {
        self.is_over_tls
    }

    /// `https` or `http`, for links to this service.
    pub fn scheme(&self) -> &'static str {
        match self.is_over_tls {
            true => "https",
            false => "http",
        }
    }
}

impl Security {
    /// How the client of a request is connected.
    pub fn client(&self, request: &HttpRequest) -> ClientConnection {
        let address = client_address(self, request);
        ClientConnection::new(self, request, address)
    }
}
