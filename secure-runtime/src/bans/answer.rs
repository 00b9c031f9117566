//! What a banned client is answered, for as little as possible.

use std::sync::LazyLock;

use actix_web::{
    HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::{self, HeaderValue},
};
use bytes::Bytes;

use super::table::Hit;
use crate::{
    audit::is_power_of_ten,
    input::until_sent::UntilSent,
    rejection::{ProtectionSpace, Refusal, Rejection, retry_after},
};

const REASON: &str = "the address is banned";

/// The refusal of a client that is banned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Banned {
    /// Whole seconds until the ban ends.
    retry_after: u64,
}

impl Banned {
    pub(super) fn new(hit: &Hit) -> Self {
        let retry_after = seconds(hit.until.saturating_sub(hit.now));
        if is_logged(hit) {
            let row = Refusal::Banned.row();
            tracing::warn!(
                target: "secure_runtime::audit",
                event = row.event,
                status = Refusal::Banned.status().as_u16(),
                refused = hit.refused,
                retry_after,
                reason = REASON,
            );
        }
        Self { retry_after }
    }

    /// The answer of the outermost layer. The connection is closed after it, whatever the client
    /// still sends.
    pub(crate) fn answer(self, mut request: ServiceRequest) -> ServiceResponse {
        // As `Rejection` writes it, once for all.
        static BODY: LazyLock<Bytes> = LazyLock::new(|| {
            let answer = Rejection::new(Refusal::Banned, REASON).respond(ProtectionSpace::UNNAMED);
            answer.into_body().try_into_bytes().unwrap_or_default()
        });
        let mut response = HttpResponse::build(Refusal::Banned.status())
            .insert_header((
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            ))
            .insert_header((header::RETRY_AFTER, retry_after::value(self.retry_after)))
            .force_close()
            .body(Bytes::clone(&BODY));
        match request.take_payload() {
            Payload::None => {}
            payload => {
                response = response.map_body(|_, body| BoxBody::new(UntilSent::new(body, payload)));
            }
        }
        request.into_response(response)
    }
}

/// Logs that a connection was closed without an answer.
pub(super) fn log_closed(hit: &Hit) {
    if is_logged(hit) {
        tracing::warn!(
            target: "secure_runtime::audit",
            event = Refusal::Banned.row().event,
            refused = hit.refused,
            retry_after = seconds(hit.until.saturating_sub(hit.now)),
            reason = "the address is banned; its connection was closed before TLS",
        );
    }
}

/// Of so many refusals few are logged: a flood must not become one of the log.
fn is_logged(hit: &Hit) -> bool {
    is_power_of_ten(hit.refused)
}

/// In an app without the shield.
impl From<Banned> for Rejection {
    fn from(banned: Banned) -> Self {
        Self::new(Refusal::Banned, REASON).with_retry_after(banned.retry_after)
    }
}

/// Who waits as long as he is told is not a moment early.
pub(super) fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000).max(1)
}
