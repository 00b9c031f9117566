//! Whole requests: what happens between the parser of the server and its writer.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
};

use actix_http::{Request, h1};
use actix_web::{
    App,
    body::MessageBody,
    dev::{HttpServiceFactory, Service, ServiceResponse},
    http::{Method, StatusCode, Uri, header},
    test::init_service,
    web,
};
use secure_runtime::{SecuredService, Security};

use crate::{
    Batch, Case, answer,
    identity::{Algorithm, Identity},
    stacks::{hand, item::BODY},
};

/// Whose requests they are.
pub(crate) const PEER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 50_000);

/// What is sent, and what is expected of the answer.
pub(crate) struct Exchange {
    path: &'static str,
    bearer: Option<String>,
    body: Option<&'static str>,
    forwarded_for: Option<&'static str>,
    expected: StatusCode,
}

impl Exchange {
    /// A GET that is answered.
    pub(crate) fn get(path: &'static str, bearer: Option<String>) -> Self {
        Self {
            path,
            bearer,
            body: None,
            forwarded_for: None,
            expected: StatusCode::OK,
        }
    }

    /// A POST of an item that is answered.
    pub(crate) fn post(path: &'static str, bearer: Option<String>) -> Self {
        Self {
            body: Some(BODY),
            ..Self::get(path, bearer)
        }
    }

    /// A GET that is refused.
    pub(crate) fn refused(
        path: &'static str,
        bearer: Option<String>,
        expected: StatusCode,
    ) -> Self {
        Self {
            expected,
            ..Self::get(path, bearer)
        }
    }

    /// The same through a proxy, which has written this.
    pub(crate) fn forwarded_for(self, clients: &'static str) -> Self {
        Self {
            forwarded_for: Some(clients),
            ..self
        }
    }

    /// As the server makes it, with the fields of a small client. A body has arrived already.
    fn request(&self) -> Request {
        let mut request = Request::new();
        let head = request.head_mut();
        head.uri = Uri::from_static(self.path);
        head.peer_addr = Some(PEER);
        let mut field = |name, value: &str| {
            let value = header::HeaderValue::from_str(value).expect("the value of a field");
            head.headers.insert(name, value);
        };
        field(header::HOST, "orders.example.com");
        field(header::ACCEPT, "application/json");
        field(header::USER_AGENT, "bench");
        if let Some(bearer) = &self.bearer {
            field(header::AUTHORIZATION, bearer);
        }
        if let Some(clients) = self.forwarded_for {
            field(header::X_FORWARDED_FOR, clients);
        }
        let Some(body) = self.body else {
            return request;
        };
        field(header::CONTENT_TYPE, "application/json");
        field(header::CONTENT_LENGTH, &body.len().to_string());
        head.method = Method::POST;
        let (_, mut payload) = h1::Payload::create(true);
        payload.unread_data(web::Bytes::from_static(body.as_bytes()));
        request.replace_payload(payload.into()).0
    }
}

/// An app of actix-web with one route.
pub(crate) fn bare(service: impl HttpServiceFactory + 'static, exchange: Exchange) -> Case {
    whole(answer(init_service(App::new().service(service))), exchange)
}

/// An app as the documentation shows it.
pub(crate) fn guarded(
    security: &Security,
    service: impl SecuredService + 'static,
    exchange: Exchange,
) -> Case {
    let app = App::new()
        .configure(security.routes(|routes| {
            routes.service(service);
        }))
        .wrap(security.shield());
    whole(answer(init_service(app)), exchange)
}

/// An app with one route and the checks by hand, and a token that is verified for each request.
pub(crate) fn by_hand(
    service: impl HttpServiceFactory + 'static,
    exchange: fn(&'static str, Option<String>) -> Exchange,
) -> Case {
    let identity = Identity::new(Algorithm::Hs256);
    let token = identity.token("customer-4711", "a6d1f3c2-9b1e-4f57-8a55-6f1d2c3b4a59");
    let checks = web::Data::new(hand::Checks::new(identity.verifier()));
    let app = hand::app(checks, |config| {
        config.service(service);
    });
    let exchange = exchange("/items", Some(format!("Bearer {token}")));
    whole(answer(init_service(app)), exchange)
}

fn whole<S, B>(service: S, exchange: Exchange) -> Case
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>
        + 'static,
    B: MessageBody,
{
    let service = Rc::new(service);
    Case(Box::new(move || {
        let service = Rc::clone(&service);
        let requests: [_; Case::BATCH] = std::array::from_fn(|_| exchange.request());
        let expected = exchange.expected;
        Batch(Box::new(move || {
            for request in requests {
                let response = answer(service.call(request)).expect("an answer");
                assert_eq!(response.status(), expected);
            }
        }))
    }))
}
