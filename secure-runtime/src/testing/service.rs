use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use actix_http::Request;
use actix_web::{
    App, HttpResponse,
    body::{self, MessageBody},
    dev::{Payload, Service, ServiceFactory, ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    test::{TestRequest, init_service},
};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::tokens::{Token, Tokens};
use crate::{
    clock::{Clock, ClockHand},
    manifest::Manifest,
    rejection::Refusal,
    routes::Routes,
    security::{Security, SecurityBuilder},
    settings::Settings,
};

/// A service in this process, called without a network, under a clock that stands still.
///
/// It accepts the tokens of [`TestService::tokens`] and takes requests without TLS.
pub struct TestService {
    app: Box<dyn InProcess>,
    clock: ClockHand,
    security: Security,
    tokens: Tokens,
}

/// An app whose type need not be written.
trait InProcess {
    fn call(&self, request: Request) -> LocalBoxFuture<'_, HttpResponse>;
}

impl<S, B> InProcess for S
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    fn call(&self, request: Request) -> LocalBoxFuture<'_, HttpResponse> {
        let answer = Service::call(self, request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                // As a server does with what no layer of the app has answered.
                Err(error) => error.error_response(),
            }
        })
    }
}

impl TestService {
    /// Starts a service that consists of `routes`.
    pub async fn new(routes: impl Fn(&mut Routes) + 'static) -> Self {
        Self::with(routes, |security| security).await
    }

    /// As [`new`](Self::new), with the security configured further.
    pub async fn with(
        routes: impl Fn(&mut Routes) + 'static,
        configure: impl FnOnce(SecurityBuilder) -> SecurityBuilder,
    ) -> Self {
        Self::of_app(configure, |security| {
            security
                .check(&Manifest::of(&routes))
                .unwrap_or_else(|error| panic!("the routes cannot be served: {error}"));
            App::new()
                .configure(security.routes(routes))
                .wrap(security.shield())
        })
        .await
    }

    /// As [`with`](Self::with), around an app that is put together by hand, with middleware of
    /// your own for example.
    pub async fn of_app<T, B>(
        configure: impl FnOnce(SecurityBuilder) -> SecurityBuilder,
        build: impl FnOnce(&Security) -> App<T>,
    ) -> Self
    where
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = actix_web::Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let (clock, hand) = Clock::manual();
        let tokens = Tokens::new(&clock);
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        let security = configure(
            Security::builder()
                .clock(clock)
                .issuer(tokens.issuer())
                .settings(settings),
        )
        .build()
        .unwrap_or_else(|error| panic!("the security cannot be configured: {error}"));
        let app = build(&security);
        Self {
            app: Box::new(init_service(app).await),
            clock: hand,
            security,
            tokens,
        }
    }

    /// The issuer whose tokens are accepted.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The configured parts.
    pub fn security(&self) -> &Security {
        &self.security
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// How long, in all, answers were held back on purpose: those of logins are. Nobody has waited
    /// for it.
    pub fn slept(&self) -> Duration {
        self.clock.slept()
    }

    /// Prepares a request.
    pub fn call(&self, method: Method, path: &str) -> TestCall<'_> {
        TestCall {
            bearer: None,
            payload: None,
            request: TestRequest::with_uri(path)
                .method(method)
                .peer_addr(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000)),
            service: self,
            token: None,
        }
    }

    /// Prepares a GET request.
    pub fn get(&self, path: &str) -> TestCall<'_> {
        self.call(Method::GET, path)
    }

    /// Prepares a POST request.
    pub fn post(&self, path: &str) -> TestCall<'_> {
        self.call(Method::POST, path)
    }

    /// Prepares a PUT request.
    pub fn put(&self, path: &str) -> TestCall<'_> {
        self.call(Method::PUT, path)
    }

    /// Prepares a DELETE request.
    pub fn delete(&self, path: &str) -> TestCall<'_> {
        self.call(Method::DELETE, path)
    }
}

/// A request that has not been sent yet. Without a token it has no credentials; the first
/// mention of a role, scope or subject gives it a valid token.
#[must_use = "a request does nothing until it is sent"]
pub struct TestCall<'a> {
    bearer: Option<String>,
    payload: Option<Payload>,
    request: TestRequest,
    service: &'a TestService,
    token: Option<Token>,
}

impl TestCall<'_> {
    /// Gives the caller a name; `somebody` unless given.
    pub fn subject(self, subject: &str) -> Self {
        let subject = subject.to_owned();
        self.edit_token(|token| token.claim("sub", subject))
    }

    /// Gives the caller a role.
    pub fn role(self, role: &str) -> Self {
        self.edit_token(|token| token.role(role))
    }

    /// Gives the caller's token a scope.
    pub fn scope(self, scope: &str) -> Self {
        self.edit_token(|token| token.scope(scope))
    }

    /// Lets the caller have authenticated with a factor, as in `otp`.
    pub fn factor(self, factor: &str) -> Self {
        self.edit_token(|token| token.factor(factor))
    }

    /// Sets any claim of the caller's token.
    pub fn claim(self, name: &str, value: impl Into<Value>) -> Self {
        self.edit_token(|token| token.claim(name, value))
    }

    /// Changes the caller's token in any way.
    pub fn edit_token(mut self, edit: impl FnOnce(Token) -> Token) -> Self {
        let token = self
            .token
            .take()
            .unwrap_or_else(|| self.service.tokens.token("somebody"));
        self.token = Some(edit(token));
        self
    }

    /// Sends this text as the bearer token.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.bearer = Some(token.into());
        self
    }

    /// Adds a header field.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.as_ref().parse().expect("a name of a header field");
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a value of a header field");
        self.request = self.request.append_header((name, value));
        self
    }

    /// Sets the address that the request comes from.
    pub fn peer(mut self, address: IpAddr) -> Self {
        self.request = self.request.peer_addr(SocketAddr::new(address, 50_000));
        self
    }

    /// Sends a value as JSON.
    pub fn json(self, value: impl Serialize) -> Self {
        let body = serde_json::to_vec(&value).expect("the value is JSON");
        self.body("application/json", body)
    }

    /// Sends a body, its length declared.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.request = self
            .request
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::CONTENT_LENGTH, body.len()))
            .set_payload(body);
        self
    }

    /// Sends a body as it comes, its length not declared.
    pub fn stream(mut self, content_type: &str, payload: impl Into<Payload>) -> Self {
        self.request = self
            .request
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::TRANSFER_ENCODING, "chunked"));
        self.payload = Some(payload.into());
        self
    }

    /// Sends the request and waits for the whole answer.
    pub async fn send(self) -> TestResponse {
        let mut request = self.request;
        if let Some(token) = self.bearer.or_else(|| self.token.map(|token| token.sign())) {
            request = request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
        }
        let mut request = request.to_request();
        if let Some(payload) = self.payload {
            request = request.replace_payload(payload).0;
        }
        let response = self.service.app.call(request).await;
        TestResponse {
            status: response.status(),
            headers: response.headers().clone(),
            body: body::to_bytes(response.into_body())
                .await
                .expect("the body is sent whole"),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestResponse {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The value of a header field, if it is there once at least and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Stops the test unless the answer is this refusal, as problem details.
    #[track_caller]
    pub fn assert_refused(&self, refusal: Refusal) -> &Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(
            self.status,
            refusal.status(),
            "expected {refusal:?}, received: {text}"
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "expected {refusal:?}, received: {text}"
        );
        let detail = self.json::<Value>();
        assert_eq!(
            detail.get("detail").and_then(Value::as_str),
            Some(refusal.row().detail),
            "expected {refusal:?}"
        );
        self
    }
}

impl std::fmt::Debug for TestService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestService").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TestCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestCall").finish_non_exhaustive()
    }
}
