//! Security for actix-web services: each handler states who may call it, how often and with what,
//! and nothing of a request's body is read before the caller is admitted.
//!
//! ```no_run
//! use actix_web::{Responder, get, web};
//! use secure_runtime::{Principal, Routes, Security, Server, Settings, secured};
//!
//! #[secured(role = "customer", rate = "60/min", allow = *id < 1000, hide)]
//! #[get("/orders/{id}")]
//! async fn order(customer: Principal, id: web::Path<u64>) -> impl Responder {
//!     format!("order {id} of {}", customer.subject())
//! }
//!
//! fn routes(routes: &mut Routes) {
//!     routes.service(order);
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), secure_runtime::Error> {
//!     let security = Security::from_settings(Settings::load()?).await?;
//!     Server::new(security, routes).run().await
//! }
//! ```
//!
//! In the order in which you will meet them:
//!
//! - [`secured`]: the attribute, with every key.
//! - [`Routes`]: registration. A handler without `#[secured]` does not compile there.
//! - [`settings`]: what an operator decides, from `secure.toml` and the environment.
//! - [`Security`]: the configured parts, for a [`Server`] or for an app of your own.
//! - [`Principal`] and [`Claims`]: the caller, as a parameter of a handler. [`Meter`]: charges him
//!   for what a request turned out to cost.
//! - [`Input`], [`Validated`], [`Unvalidated`]: what else a handler can take.
//! - [`RevocationList`], [`BanList`]: tokens and addresses that are refused.
//! - [`Logins`]: failed logins, and who is locked out for them.
//! - [`Refusal`]: every way to be refused, with its status.
//! - [`testing`]: tokens, a service in process, a clock moved by hand, the lock file.
//!
//! # The order of checks
//!
//! Client address, ban, transport, whether there is room (`concurrency` and the process's own bound),
//! quotas `per ip`, declared size and coding of the body, token, age of the authentication, its
//! factors, roles, scopes, quotas `per user` and `per route`. Quotas that Redis counts are charged
//! together in the end, those `per ip` too, and a caller who was refused before pays these all the
//! same. Only then the parameters are taken, in their order, which reads the body; then `allow` is
//! asked; then failed logins are counted; then the handler runs.
//! A request is refused at the first check that fails. What cannot be decided is refused.
//!
//! # Cargo features
//!
//! Each is off by default, and changes nothing else.
//!
//! - `multipart`: `actix_multipart::form::MultipartForm` as a parameter.
//! - `otp`: one-time codes of authenticator apps, and recovery codes.
//! - `passwords`: [`data::password`], Argon2id in a bounded queue and a policy for new passwords.
//! - `redis`: what processes share.

mod address;
mod admission;
mod audit;
mod auth;
mod authorization;
mod backwards;
mod bans;
mod clock;
mod concurrency;
mod connection;
pub mod data;
mod error;
mod input;
mod limit;
mod lock;
mod login;
mod manifest;
#[cfg(feature = "otp")]
pub mod otp;
mod policy;
#[doc(hidden)]
pub mod private;
mod rejection;
mod response;
mod revocation;
mod routes;
mod security;
mod server;
pub mod settings;
mod shield;
#[cfg(feature = "redis")]
mod store;
pub mod testing;
pub mod tls;
pub mod tokens;

pub use address::{
    AddressCounts, ClientAddress, ClientAddresses, ClientConnection, ForwardingHeader,
    TrustsEveryone,
};
pub use admission::Admitted;
pub use auth::{
    AuthError, Authenticator, AuthenticatorOptions, ClaimPath, Claims, Credentials, EcdsaAlgorithm,
    HmacAlgorithm, Issuer, KeyError, MAX_TOKEN_BYTES, Principal, RsaAlgorithm, VerifyingKey,
};
pub use authorization::{Decision, IntoDecision};
pub use bans::{BanCounts, BanEntry, BanError, BanList, BanTarget, StrikeKind};
pub use clock::{Clock, ClockHand};
pub use error::{Error, Mistake, Mistakes};
pub use input::{Extracted, Input, Unvalidated, Validated};
pub use limit::{Balance, Limits, Meter};
pub use lock::{Change, Difference};
pub use login::{LoginCounts, LoginError, LoginState, Logins};
pub use manifest::{Manifest, Route};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, LoginRule, Outage, Per, Policy, Priority, Quota,
    Revocation, RoutePattern, Rule, Sharing,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use response::Secured;
pub use revocation::{
    RevocationCounts, RevocationEntry, RevocationError, RevocationList, RevocationTarget,
};
pub use routes::{Routes, SecuredHandler, SecuredService};
/// What reads a secret, such as the URL that an authenticator app scans.
pub use secrecy::ExposeSecret;
/// Secret bytes, of which nothing is ever printed.
pub use secrecy::SecretSlice;
pub use security::{Security, SecurityBuilder};
pub use server::{Running, Server};
pub use settings::Settings;
pub use shield::Shield;
pub use tokens::TokenIssuer;

/// Guards a handler.
///
/// ```
/// use actix_web::{Responder, delete, get, web};
/// use secure_runtime::{Routes, secured};
///
/// #[secured(public, rate = "60/min")]
/// #[get("/items")]
/// async fn items() -> impl Responder {
///     "tea, coffee"
/// }
///
/// #[secured(role = "admin", max_age = "15min")]
/// #[delete("/orders/{id}")]
/// async fn cancel(id: web::Path<u64>) -> impl Responder {
///     format!("order {id} is cancelled")
/// }
///
/// fn routes(routes: &mut Routes) {
///     routes.service(items).service(cancel);
/// }
/// # assert_eq!(secure_runtime::Manifest::of(routes).routes().count(), 2);
/// ```
///
/// A bare `#[secured]` asks for a valid token, of any caller. Every mistake in an attribute, a
/// signature or `policy.toml` is a compile error with a way out, and all are told in one build.
///
/// # Where it stands
///
/// Above the route macro (`#[get]`, `#[post]`, `#[route]`, `#[routes]`, ..), or on a function
/// without one, for [`Routes::route`]. The handler is an `async fn` with a return type that is a
/// `Responder`, without generics and `self`. Early `return` and `?` work as they would without it.
///
/// Below the route macro, or with actix's own `App::service`, it guards just as well, but the
/// proof is lost: there nothing notices a handler that somebody forgot. [`Shield`] then withholds
/// the answer of such a handler at run time; [`Routes`] does not compile with one.
///
/// # Names
///
/// Roles, scopes and named rates are declared in `policy.toml`, in the package's folder or the
/// nearest folder above. A name that is not declared is a compile error.
///
/// ```toml
/// [roles]                      # role = the roles it includes
/// customer = []
/// support = ["customer"]
/// admin = ["support"]
///
/// [scopes]                     # scope = what it allows
/// "orders:write" = "place and change orders"
///
/// [rates]
/// login = "5/15min per ip"
///
/// [defaults]                   # these five are built in
/// rate = "100/min"
/// max_body = "64KB"
/// body_timeout = "10s"
/// revocation = "2s"
/// outage = "deny"
/// concurrency = 200            # of each handler; not built in
/// ```
///
/// # `public`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::{Principal, secured};
/// #[secured(public = "load balancers ask without credentials")]
/// #[get("/health")]
/// async fn health() -> impl Responder {
///     "open"
/// }
///
/// #[secured(public)]
/// #[get("/")]
/// async fn welcome(caller: Option<Principal>) -> impl Responder {
///     if caller.is_some() { "welcome back" } else { "welcome" }
/// }
/// ```
///
/// No credentials are asked for. `Option<Principal>` as a parameter is the caller if one sent
/// some; credentials that are sent to such a handler and are wrong are refused. On a handler
/// without that parameter they are not looked at. `public = "reason"` puts the reason into the
/// lock file.
///
/// Refused: `role`, `scope`, `max_age`, `factor` or `revocation` beside it, a quota `per user`, [`Principal`] or [`Claims`]
/// as a parameter, an empty reason.
///
/// # `role`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::{secured};
/// #[secured(role = "support")]
/// #[get("/tickets")]
/// async fn tickets() -> impl Responder {
///     "none today"
/// }
/// ```
///
/// `role = "support"`: the caller holds this role, or one that includes it. `any("a", "b")` asks
/// for one of several, `all("a", "b")` for each, and they nest. Without it any role will do, or
/// none. The answer is 403.
///
/// Refused: an undeclared name, a list that does not say `any` or `all`, `any` or `all` around a
/// single name, a name twice, a role beside one that includes it.
///
/// # `scope`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::{secured};
/// #[secured(scope = any("orders:read", "orders:write"))]
/// #[get("/orders")]
/// async fn orders() -> impl Responder {
///     "none yet"
/// }
/// ```
///
/// The same for the OAuth scopes of the token; scopes do not include each other. The answer is
/// 403 with `insufficient_scope` and the scopes that are wanted.
///
/// # `allow`, `hide`
///
/// ```
/// # use actix_web::{Responder, get, web};
/// # use secure_runtime::{Principal, secured};
/// async fn owns(customer: &Principal, id: u64) -> bool {
///     customer.subject() == "ann" && id == 1
/// }
///
/// #[secured(role = "customer", allow = owns(&customer, *id).await, hide)]
/// #[get("/orders/{id}")]
/// async fn order(customer: Principal, id: web::Path<u64>) -> impl Responder {
///     format!("order {id} of {}", customer.subject())
/// }
/// ```
///
/// `allow` is an expression over the parameters, after all of them were decoded and validated and
/// before the handler runs. It may `.await`. `false` is 403; with `hide` it is 404 with the body
/// of a path that does not exist, so that a caller cannot find out what does. An `Err` decides
/// nothing: 503, and its text goes to the log ([`IntoDecision`]).
///
/// Parameters that it uses have plain names: `id: web::Path<u64>`, not
/// `web::Path(id): web::Path<u64>`. It sees the same values as the handler; what it must not
/// consume, it borrows.
///
/// `hide` makes the answers equal, not the time that the rule takes. A path parameter that does not
/// decode is 422 before `allow` is asked, and so is a wrong body.
///
/// Refused: an expression without a parameter in it, a part of a pattern, `hide` without `allow`.
///
/// # `max_age`
///
/// ```
/// # use actix_web::{Responder, delete};
/// # use secure_runtime::{secured};
/// #[secured(max_age = "15min")]
/// #[delete("/account")]
/// async fn close_account() -> impl Responder {
///     "closed"
/// }
/// ```
///
/// `max_age = "15min"`: the caller authenticated at most this long ago, by the token's
/// `auth_time`, to which no leeway is added. A token without `auth_time` is too old. The answer is
/// 401 with `insufficient_user_authentication` (RFC 9470). At most 366 days.
///
/// # `factor`
///
/// ```
/// # use actix_web::{Responder, post};
/// # use secure_runtime::{secured};
/// #[secured(factor = "otp")]
/// #[post("/transfers")]
/// async fn transfer() -> impl Responder {
///     "done"
/// }
/// ```
///
/// `factor = "otp"`: the caller authenticated in this way too, by the token's `amr`. The names are
/// those of RFC 8176: `otp` for a code that is good once, `hwk` for a key in hardware, `pwd` for a
/// password. `any(..)` and `all(..)` as for `role`. The answer is 401 with
/// `insufficient_user_authentication`, and `acr_values` names the factors: the client asks the
/// issuer for a token with one of them (RFC 9470).
///
/// # `revocation`
///
/// ```
/// # use actix_web::{HttpResponse, delete, get, post, Responder};
/// # use secure_runtime::{Principal, Rejection, RevocationList, secured};
/// #[secured(role = "admin", revocation = "0s")]
/// #[delete("/shop")]
/// async fn close_shop() -> impl Responder {
///     "closed"
/// }
///
/// #[secured(revocation(off = "shows what everybody may see"))]
/// #[get("/weather")]
/// async fn weather() -> impl Responder {
///     "fair"
/// }
///
/// #[secured]
/// #[post("/logout")]
/// async fn logout(
///     caller: Principal,
///     revocations: RevocationList,
/// ) -> Result<HttpResponse, Rejection> {
///     revocations.revoke(&caller).await?;
///     Ok(HttpResponse::NoContent().finish())
/// }
/// ```
///
/// `revocation = "2s"`: a token that was revoked in the [`RevocationList`] is refused at most this
/// long afterwards, in every process of the service; in the one that revoked it, at once. Without
/// `[redis]` in the settings the list is that of this process alone, and processes of one
/// service do not share it. With it each process knows all revocations and answers from its own
/// memory, as long as that is known to be younger than the bound; else, and always for `"0s"`, it
/// asks Redis. `revocation(off = "reason")` lets revoked tokens pass until they expire, and puts the
/// reason into the lock file. Without it the bound is two seconds, or what `policy.toml` says. The
/// answer is 401 with `invalid_token`.
///
/// On a public handler, a revoked token of an `Option<Principal>` is refused at once.
///
/// Refused: more than one hour, `off` without a reason or as a default, a public handler.
///
/// # `login`
///
/// ```
/// # use actix_web::{HttpResponse, post, web};
/// # use secure_runtime::secured;
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct SignIn {
///     #[garde(length(max = 254))]
///     name: String,
///     #[garde(length(max = 256))]
///     password: String,
/// }
/// # async fn is_right(form: &SignIn) -> bool { true }
///
/// #[secured(public, login(account = form.name, attempts = "5/15min", lock = "30min"))]
/// #[post("/sign-in")]
/// async fn sign_in(form: web::Json<SignIn>) -> HttpResponse {
///     match is_right(&form).await {
///         true => HttpResponse::NoContent().finish(), // with a token, or a cookie
///         false => HttpResponse::Unauthorized().finish(),
///     }
/// }
/// ```
///
/// This handler checks passwords, codes or the like, and says with **401** that one was wrong,
/// with 2xx that it was right. Whatever else it answers counts as neither: a handler that redirects
/// after a wrong password is not protected. An attempt counts as a failure from before the handler
/// runs, so that many at a time are no way around the number; one that panics stays a failure.
///
/// `account` is an expression over the parameters that is a text; it is borrowed from. Spaces around
/// a name and letter case do not matter. Where the service takes more spellings for one account
/// (dots in an address, Unicode normalization), the expression must bring them to one, or each has
/// its own count. `password = form.password` lets it be noticed that one password is tried at many
/// accounts; 32 bits of a keyed code are kept for an hour.
///
/// After `attempts` failures of an account in the window nothing is checked until `lock` has passed
/// since the last of them (30 minutes, unless given). The same holds for an account from one
/// network, whose failures only a success from there clears. From the fifth failure in a row each
/// next attempt has to wait, one second, then two, up to an hour; after a hundred in a row nothing
/// is checked until [`Logins::enable`]. A network that fails twenty times a minute, or at fifty
/// accounts an hour, is answered 429: for a minute after the first, and twice as long each time up to
/// an hour. These numbers are in [`settings::LoginSettings`].
///
/// All failures look and take alike: the 401 of the handler is replaced by one that is the same for
/// a wrong password, no such account, a lock, a delay, and an account that is disabled. That the
/// handler itself takes as long for accounts that do not exist (by hashing all the same) is its
/// own affair.
///
/// A success sets a cookie, `__Host-secure-device-..`. It lets nobody in; a device that shows it is
/// judged by its own failures, so that who guesses at an account, or shares an address, does not
/// lock its owner out.
///
/// Each handler counts for itself: a password that two handlers check can be guessed at twice as
/// often. Failures, locks and known devices go by the path of the handler, as in `shop::log_in`: a
/// version of the service in which it has another one knows nothing of them. With `[redis]`
/// processes count together, and `outage` says what happens when it is silent; on a public handler
/// that is 503.
///
/// Refused: no `account`, no `attempts`, more than 100 of them, none; a window or a lock above a day;
/// no quota `per ip` beside it; expressions as with `allow`.
///
/// # `outage`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::secured;
/// #[secured(outage = "local")]
/// #[get("/news")]
/// async fn news() -> impl Responder {
///     "none"
/// }
/// ```
///
/// What happens where Redis has to be asked about revocations, quotas or failed logins and does not answer within
/// 50 ms, or has just lost its memory: `"deny"` refuses with 503 and `Retry-After`, `"local"` goes on
/// with what this process knows. A token which was revoked elsewhere meanwhile then passes until
/// Redis is back; and each process enforces its share of the route's quotas, divided by
/// `limits.instances` of the settings or by the number of processes that there were, but at least
/// one request. A process that has not read the revocations since it started, or knows no number,
/// refuses in either case. Without it the answer is `deny`, or what `policy.toml` says.
///
/// Refused: a handler that asks Redis for nothing, because its quotas are all `local` and it is
/// public or says `revocation(off = ..)`.
///
/// # `rate`
///
/// ```
/// # use actix_web::{Responder, post};
/// # use secure_runtime::{secured};
/// #[secured(rate = ["5/s", "100/hour", "1000/min per route burst 100"])]
/// #[post("/orders")]
/// async fn place_order() -> impl Responder {
///     "placed"
/// }
///
/// #[secured(public, rate = "login")]
/// #[post("/login")]
/// async fn login() -> impl Responder {
///     "not today"
/// }
/// ```
///
/// `rate = "10/min"`, or a list that holds as a whole: `rate = ["5/s", "100/hour"]`. A quota is
/// `N/unit` or `N/5min`, in `s`, `min`, `h` (or `hour`) and `day`, at most 31 days. After it stand
/// `per user` (the default where there is a caller), `per ip` (the default where there is none) or
/// `per route` (all callers together), `burst M`, and `leased` or `local`. Or it is a name of
/// `policy.toml`. Without `rate` the default is `100/min`.
///
/// `N/unit` allows N at once, and then one each time the N-th part of the unit has passed: `10/min`
/// lets 19 through in the first minute of a client that never pauses, and 10 in each further one.
/// `burst 1` spreads them evenly. Counts are those of one handler, under whatever paths it is
/// registered. The answer is 429 with `Retry-After`, and waiting that long is enough unless others
/// share the quota.
///
/// With `[redis]` in the settings all processes count together, and Redis is asked about each
/// request. There a count goes by the path of the handler, as in `shop::place_order`, and the text
/// and the amount of the quota: of two versions of a service that run side by side, those count
/// together that are the same, and what is renamed or changed begins anew. A quota that is `leased`
/// is taken from it in small batches and is exceeded by what comes back in one second at most: see
/// [`Sharing::Leased`]. One that is `local` is counted by each
/// process for itself, as all are without `[redis]`.
///
/// Refused: zero, an unknown unit, overflow, a quota that a stricter one makes idle, `per user` on
/// a public handler.
///
/// # `cost`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::secured;
/// #[secured(rate = ["60/min", "500/hour per ip"], cost = 5)]
/// #[get("/search")]
/// async fn search() -> impl Responder {
///     "nothing found"
/// }
/// ```
///
/// Beside `rate`: a request takes so many units of each of its quotas, so this one passes twelve
/// times at once, and then every five seconds. The RateLimit fields tell units: what is left,
/// divided by the cost, is how many requests that is. Without it a request takes one.
///
/// What a request costs may be known only when it was served: a handler that takes a [`Meter`]
/// charges it then.
///
/// Refused: zero, no `rate` beside it, more than the burst of a quota.
///
/// # `concurrency`, `priority`
///
/// ```
/// # use actix_web::{Responder, get};
/// # use secure_runtime::secured;
/// #[secured(concurrency = 20)]
/// #[get("/report")]
/// async fn report() -> impl Responder {
///     "all is well"
/// }
///
/// #[secured(public = "the load balancer asks", priority = "critical")]
/// #[get("/health")]
/// async fn health() -> impl Responder {
///     "open"
/// }
/// ```
///
/// Most requests of the handler that are in progress at a time, in this process. One is in progress
/// from its admission until its answer was sent, and no longer than its connection or stream: who
/// is slow to send his body or to read a stream (or an answer of more than 64 KiB) holds his place.
/// Work that the handler leaves to a task of its own is not counted. Above it the answer is 503 with
/// `Retry-After`, at once and before any quota is charged or a token looked at. Without it there is
/// no such bound, unless `policy.toml` has one.
///
/// All guarded handlers together have the places that `limits.max_in_flight` says. The last of
/// them, `limits.reserved_for_critical`, are for `priority = "critical"`: health checks, payments,
/// what must work when the rest is too much. The other word is `"normal"`, which is the default.
///
/// Refused: zero, another word.
///
/// # `max_body`, `body_timeout`
///
/// ```
/// # use actix_web::{Responder, put, web};
/// # use secure_runtime::{secured};
/// #[secured(max_body = "1MB", body_timeout = "1min")]
/// #[put("/picture")]
/// async fn picture(bytes: web::Bytes) -> impl Responder {
///     format!("{} bytes", bytes.len())
/// }
/// ```
///
/// Most bytes of body that are read (413), and the time after admission in which all of it has
/// arrived (408). `max_body = "1MB"`: `B`, `KB`, `MB` and `GB` are 1000-based, `KiB`, `MiB` and
/// `GiB` are 1024-based. Defaults: `64KB`, `10s`. The limits of actix's own `JsonConfig` and the
/// like do not apply.
///
/// Refused: zero, no unit, more than an hour, a handler that takes no body.
///
/// # `crate`
///
/// The path of this crate, where it is not `::secure_runtime`:
///
/// ```
/// # use actix_web::{Responder, get};
/// use secure_runtime as security;
///
/// #[security::secured(public, crate = security)]
/// #[get("/items")]
/// async fn items() -> impl Responder {
///     "tea, coffee"
/// }
/// ```
///
/// # Parameters
///
/// `web::Json`, `web::Form`, `web::Query`, `web::Path`, `MultipartForm` (decoded strictly and
/// validated), `web::Header`, `web::Bytes`, `String`, `web::Payload`, `web::Data`, `web::ReqData`,
/// `HttpRequest`, [`ClientConnection`], [`Principal`], [`Claims`], [`Meter`], an `Option` of these, and
/// types of your own that implement [`Input`]. At most one reads the body.
///
/// A type that is decoded derives `garde::Validate`. `#[unvalidated]` before a parameter takes it
/// without, and the lock file says so:
///
/// ```
/// # use actix_web::{Responder, post, web};
/// # use secure_runtime::secured;
/// #[derive(serde::Deserialize)]
/// struct Hook {
///     event: String,
/// }
///
/// #[secured(public, max_body = "4KB")]
/// #[post("/hook")]
/// async fn hook(#[unvalidated] hook: web::Json<Hook>) -> impl Responder {
///     hook.into_inner().event
/// }
/// ```
///
/// Any other extractor of actix-web is taken as `#[unvalidated] name:` [`Extracted<T>`]; it sees no
/// body.
///
/// # Limits
///
/// - Unknown fields are not seen inside a struct with `#[serde(flatten)]` and in enums that are
///   untagged, internally or adjacently tagged: serde buffers those. Put
///   `#[serde(deny_unknown_fields)]` on them where serde takes it.
/// - A change of `policy.toml` rebuilds what depends on it. That there is one now where there was
///   none, or a nearer one, is noticed at the next build of the package: `touch` a source file.
/// - Route macros are recognised by their name: a handler below one that was imported under
///   another name (`use actix_web::get as fetch`) does not compile.
/// - actix turns a handler with a route macro into a unit struct, so its name cannot be a local
///   variable in another function of the module. Parameters of guarded handlers may have such
///   names.
pub use secure_macros::secured;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
