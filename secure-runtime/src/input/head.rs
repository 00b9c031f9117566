//! What needs no decoding by us: the request itself, typed header fields, application data.

use std::any::type_name;

use actix_web::{HttpRequest, http::header::Header, web};

use super::{Input, pointer::Pointer};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{InputError, Refusal, Rejection},
};

impl Input for HttpRequest {
    const KIND: InputKind = InputKind::HeadUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.request().clone())
    }
}

impl<H: Header> Input for web::Header<H> {
    const KIND: InputKind = InputKind::Head;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        H::parse(admitted.request()).map(Self).map_err(|_| {
            let mut pointer = Pointer::default();
            pointer.push(H::name().as_str());
            let detail = if admitted.request().headers().contains_key(H::name()) {
                "not of the expected form"
            } else {
                "required"
            };
            Rejection::new(Refusal::HeadMalformed, "a header field cannot be decoded").with_errors(
                vec![InputError {
                    source: "header",
                    pointer: pointer.finish(),
                    detail: detail.to_owned(),
                }],
            )
        })
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        !admitted.request().headers().contains_key(H::name())
    }
}

impl<T: ?Sized + 'static> Input for web::Data<T> {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        admitted
            .request()
            .app_data::<Self>()
            .cloned()
            .ok_or_else(|| {
                Rejection::new(
                    Refusal::NotConfigured,
                    format!("the app's data has no `web::Data<{}>`", type_name::<T>()),
                )
            })
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.request().app_data::<Self>().is_none()
    }
}

impl<T: Clone + 'static> Input for web::ReqData<T> {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        use actix_web::FromRequest;

        Self::extract(admitted.request()).await.map_err(|_| {
            Rejection::new(
                Refusal::NotConfigured,
                format!("no middleware gave the request a `{}`", type_name::<T>()),
            )
        })
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        use actix_web::HttpMessage;

        !admitted.request().extensions().contains::<T>()
    }
}
