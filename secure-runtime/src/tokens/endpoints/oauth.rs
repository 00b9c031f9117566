//! Requests and errors as OAuth has them: forms in, JSON out (RFC 6749 section 5.2).

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    admission::Admitted,
    input::Unvalidated,
    rejection::{Refusal, Rejection},
};

/// What a client asks about. Parameters that are not known are ignored, as OAuth wants it.
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    pub(super) token: SecretString,
    pub(super) token_type_hint: Option<String>,
    client_secret: Option<SecretString>,
    client_assertion: Option<SecretString>,
    #[serde(flatten)]
    _ignored: Map<String, Value>,
}

/// Reads the body.
///
/// # Errors
///
/// An answer for a request that is wrong, or a rejection of one that could not be read.
pub(super) async fn request(
    admitted: &mut Admitted,
) -> Result<Result<TokenRequest, HttpResponse>, Rejection> {
    let read = <web::Form<TokenRequest> as Unvalidated>::take(admitted).await;
    match read {
        Ok(web::Form(request))
            if request.client_secret.is_some() || request.client_assertion.is_some() =>
        {
            Ok(Err(invalid_request(
                "the client authenticates in one way only",
            )))
        }
        Ok(web::Form(request)) => Ok(Ok(request)),
        Err(rejection) => match rejection.refusal() {
            Refusal::BodyMalformed | Refusal::ContentTypeUnsupported | Refusal::InputInvalid => {
                Ok(Err(invalid_request("a form with one `token` is needed")))
            }
            _ => Err(rejection),
        },
    }
}

fn invalid_request(description: &'static str) -> HttpResponse {
    error(StatusCode::BAD_REQUEST, "invalid_request", description).finish_json()
}

/// An answer that is not finished.
pub(super) struct ErrorAnswer {
    builder: HttpResponseBuilder,
    body: Value,
}

/// An error. The description has neither `"` nor `\` (RFC 6749 section 5.2).
pub(super) fn error(
    status: StatusCode,
    code: &'static str,
    description: &'static str,
) -> ErrorAnswer {
    ErrorAnswer {
        builder: HttpResponseBuilder::new(status),
        body: json!({ "error": code, "error_description": description }),
    }
}

impl ErrorAnswer {
    pub(super) fn field(mut self, name: header::HeaderName, value: String) -> Self {
        self.builder.insert_header((name, value));
        self
    }

    pub(super) fn finish_json(mut self) -> HttpResponse {
        self.builder
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(self.body)
    }
}

/// An answer that no cache keeps.
pub(super) fn answer(body: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}
