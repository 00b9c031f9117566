//! The body as it came: `web::Bytes`, `String`, `web::Payload`.
//!
//! The route's limit and deadline hold for all of them; nothing else is checked, and the lock file
//! says so. `web::Bytes` and `web::Payload` take any content type, `String` takes `text/*`.

use actix_web::{FromRequest, web};

use super::{
    Input,
    content_type::{Media, require},
};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{Refusal, Rejection},
};

impl Input for web::Bytes {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        admitted.body.read().await
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl Input for String {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        require(Media::Text, admitted.request().headers())?;
        let bytes = admitted.body.read().await?;
        // One copy at most: a body of several chunks is given over as it is.
        Self::from_utf8(bytes.into())
            .map_err(|_| Rejection::new(Refusal::BodyMalformed, "the body is not UTF-8"))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl Input for web::Payload {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let mut stream = admitted.body.take_stream()?;
        Self::from_request(admitted.request(), &mut stream)
            .await
            .map_err(|_| Rejection::new(Refusal::NotConfigured, "the payload cannot be taken"))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}
