//! Registration of guarded handlers, and the record of what was registered.

pub(crate) mod claims;

use std::{collections::HashMap, ptr, time::Duration};

use actix_web::{
    Handler, HttpMessage, Resource,
    body::MessageBody,
    dev::{HttpServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    http::Method,
    middleware::{self, Next},
    web::{self, ServiceConfig},
};
use futures_util::FutureExt;

use self::claims::Claim;
use crate::{
    error::{Error, Mistake, Mistakes},
    input::body::Body,
    manifest::{Entry, Manifest, MethodTable, Route},
    policy::{Access, InputKind, Policy, Revocation, RoutePattern},
    private::Call,
    response::{self, Secured},
    security::Security,
    shield, tokens,
};

/// A handler with a route macro below its `#[secured]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a route without a policy",
    label = "not secured",
    note = "put `#[secured]` (any authenticated caller), `#[secured(role = \"..\")]` or `#[secured(public)]` above its route macro",
    note = "a guarded function without a route macro is registered with `Routes::route`"
)]
pub trait SecuredService: HttpServiceFactory {
    /// The methods and paths of the route macros.
    const ROUTES: &'static [RoutePattern];

    /// What the handler demands.
    fn policy() -> &'static Policy;
}

/// A handler function under `#[secured]`, without a route macro.
///
/// `M` is inferred and of no interest.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a route without a policy",
    label = "not secured",
    note = "put `#[secured]` (any authenticated caller), `#[secured(role = \"..\")]` or `#[secured(public)]` above the function",
    note = "a guarded handler with a route macro is registered with `Routes::service`"
)]
pub trait SecuredHandler<M> {
    /// Asks the handler for its policy.
    fn policy(&self) -> Option<&'static Policy>;

    /// Registers the handler as the only one of a resource.
    fn mount(self, resource: Resource, config: &mut ServiceConfig);
}

/// Marks the one way to be a [`SecuredHandler`].
#[derive(Debug)]
pub struct ByAttribute;

impl<F> SecuredHandler<ByAttribute> for F
where
    F: Handler<(Call,), Output = Secured>,
{
    fn policy(&self) -> Option<&'static Policy> {
        let (call, policy) = Call::describe();
        // The handler's first act is to ask for admission, which a description refuses at once.
        self.call((call,)).now_or_never();
        policy.get()
    }

    fn mount(self, resource: Resource, config: &mut ServiceConfig) {
        config.service(resource.to(self));
    }
}

/// With a second candidate, however impossible, the compiler names [`SecuredHandler`] and its
/// advice where a function is not guarded; with a single one it would name actix's `Handler`.
impl<F: Impossible> SecuredHandler<()> for F {
    fn policy(&self) -> Option<&'static Policy> {
        None
    }

    fn mount(self, _: Resource, _: &mut ServiceConfig) {}
}

/// Implemented by nothing.
#[doc(hidden)]
pub trait Impossible {}

/// Collects the guarded handlers of a service.
///
/// As in actix, the first that fits gets a request, and a scope keeps whatever is below its prefix.
/// A route that no request reaches for that reason does not start: see [`Security::check`].
///
/// ```
/// use actix_web::{get, http::Method, web, Responder};
/// use secure_runtime::{Routes, secured};
///
/// #[secured(public, rate = "60/min")]
/// #[get("/items")]
/// async fn items() -> impl Responder {
///     "[]"
/// }
///
/// #[secured]
/// async fn version() -> impl Responder {
///     "1"
/// }
///
/// fn routes(routes: &mut Routes) {
///     routes.service(items);
///     routes.scope("/internal", |internal| {
///         internal.route("/version", Method::GET, version);
///     });
/// }
///
/// let manifest = secure_runtime::Manifest::of(routes);
/// assert_eq!(manifest.routes().count(), 2);
/// ```
#[derive(Default)]
pub struct Routes {
    prefix: String,
    entries: Vec<Entry>,
    claims: Vec<Claim>,
    mounts: Vec<Mount>,
}

type Mount = Box<dyn FnOnce(&mut ServiceConfig)>;

impl Routes {
    /// Runs `describe` and takes what it registered.
    pub(crate) fn collect(describe: impl FnOnce(&mut Self)) -> Self {
        let mut routes = Self::default();
        describe(&mut routes);
        routes
    }

    /// Adds a handler that has a route macro.
    pub fn service<S>(&mut self, service: S) -> &mut Self
    where
        S: SecuredService + 'static,
    {
        for RoutePattern {
            path,
            method,
            has_guard,
        } in S::ROUTES
        {
            self.record(path, method, *has_guard, S::policy());
        }
        self.mounts.push(Box::new(|config| {
            config.service(service);
        }));
        self
    }

    /// Adds a handler function under a path pattern, for one method.
    pub fn route<H, M>(&mut self, path: &str, method: Method, handler: H) -> &mut Self
    where
        H: SecuredHandler<M> + 'static,
    {
        // INVARIANT: `#[secured]` is the only maker of functions that return `Secured`, and what it
        // makes asks for admission first; a function that does not is recorded as such and refused.
        match handler.policy() {
            Some(policy) => self.record(path, method.as_str(), false, policy),
            None => self.entries.push(Entry::Unguarded {
                prefix: join(&self.prefix, path),
                reason: "a handler that never asks for admission".to_owned(),
            }),
        }
        let resource = web::resource(path.to_owned()).guard(guard::Method(method));
        self.mounts
            .push(Box::new(move |config| handler.mount(resource, config)));
        self
    }

    /// Makes a value known to the handlers of this scope, as actix's `app_data` does: a
    /// `web::Data` that they take, or the context of a garde validation.
    pub fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        self.mounts.push(Box::new(|config| {
            config.app_data(data);
        }));
        self
    }

    /// Groups handlers under a common prefix of their paths.
    pub fn scope(&mut self, prefix: &str, describe: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self {
            prefix: join(&self.prefix, prefix),
            ..Self::default()
        };
        describe(&mut inner);
        self.entries.append(&mut inner.entries);
        self.claims.append(&mut inner.claims);
        self.claims.push(Claim::scope(inner.prefix));
        let (prefix, mounts) = (prefix.to_owned(), inner.mounts);
        self.mounts.push(Box::new(move |config| {
            config.service(web::scope(&prefix).configure(|config| mount(mounts, config)));
        }));
        self
    }

    /// Mounts services that no policy guards, static files for example, under a prefix of their
    /// own. The lock file lists the prefix with the reason.
    pub fn unguarded(
        &mut self,
        prefix: &str,
        reason: &str,
        configure: impl FnOnce(&mut ServiceConfig) + 'static,
    ) -> &mut Self {
        let full = join(&self.prefix, prefix);
        self.claims.push(Claim::scope(full.clone()));
        self.entries.push(Entry::Unguarded {
            prefix: full,
            reason: reason.to_owned(),
        });
        let prefix = prefix.to_owned();
        self.mounts.push(Box::new(move |config| {
            let scope = web::scope(&prefix)
                .wrap(middleware::from_fn(let_pass))
                .configure(configure);
            config.service(scope);
        }));
        self
    }

    /// The record of everything, and what registers it with actix.
    pub(crate) fn into_parts(self) -> (Manifest, impl FnOnce(&mut ServiceConfig)) {
        let mounts = self.mounts;
        let manifest = Manifest::new(self.entries, self.claims);
        (manifest, |config: &mut ServiceConfig| mount(mounts, config))
    }

    fn record(&mut self, path: &str, method: &str, has_guard: bool, policy: &'static Policy) {
        let path = join(&self.prefix, path);
        self.claims
            .push(Claim::route(path.clone(), method, has_guard, policy));
        self.entries.push(Entry::Guarded {
            path,
            method: method.to_owned(),
            policy,
        });
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes")
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

fn mount(mounts: Vec<Mount>, config: &mut ServiceConfig) {
    for mount in mounts {
        mount(config);
    }
}

/// Joins as actix does: a slash is put before a path that lacks one, and nothing is taken away.
fn join(prefix: &str, path: &str) -> String {
    let slash = if path.is_empty() || path.starts_with('/') {
        ""
    } else {
        "/"
    };
    format!("{prefix}{slash}{path}")
}

/// Marks the responses of services that were mounted without a policy on purpose, and ends an
/// upload that they do not read.
async fn let_pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let mut body = Body::new(request.take_payload(), u64::MAX, Duration::MAX);
    request.set_payload(body.take_stream()?);
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, response) = response.into_parts();
    let response = response::let_pass(response, &mut body).await;
    Ok(ServiceResponse::new(request, response))
}

impl Manifest {
    /// The record of what `routes` registers. Nothing is served.
    pub fn of(routes: impl FnOnce(&mut Routes)) -> Self {
        Routes::collect(routes).into_parts().0
    }
}

impl Security {
    /// The routes of a service, for [`App::configure`](actix_web::App::configure) at the root of
    /// an app. Its default service becomes one that answers 404 and 405 as problem details.
    pub fn routes(&self, routes: impl FnOnce(&mut Routes)) -> impl FnOnce(&mut ServiceConfig) {
        let security = self.clone();
        move |config| {
            let routes = Routes::collect(routes);
            let (manifest, mount) = routes.into_parts();
            config
                .app_data(security)
                .app_data(MethodTable::new(&manifest))
                .default_service(web::to(shield::no_route));
            mount(config);
        }
    }

    /// Says what the routes need that is not configured, which of them no request reaches, and
    /// which handlers would count together; each with its handler's file and line.
    ///
    /// No request reaches a route behind another one that has no guard and takes its method and
    /// each of its paths, nor one behind a scope (or [`Routes::unguarded`]) that takes its prefix.
    /// Handlers count together if they have quotas or `login` and the same name in the same
    /// module, as only those in the bodies of functions can.
    ///
    /// [`Server`](crate::Server) asks this before it starts; a hand-made app should too. A route
    /// that is served all the same refuses every request.
    ///
    /// # Errors
    ///
    /// [`Error::Routes`] lists every route that cannot work.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        self.warn_of_short_memory(manifest);
        self.warn_of_forgotten_devices(manifest);
        for unreachable in manifest.unreachable() {
            let problem = unreachable.problem();
            mistakes.add(mistake(unreachable.route, problem, unreachable.policy));
        }
        refuse_shared_names(manifest, &mut mistakes);
        for Route {
            method,
            path,
            policy,
        } in manifest.routes()
        {
            let asks = matches!(policy.access, Access::Authenticated { .. });
            let takes = |kind| policy.inputs.iter().any(|input| input.kind == kind);
            let wrong = if takes(InputKind::TokenIssuer) && self.token_issuer().is_err() {
                Some(
                    "takes a `TokenIssuer`, and none is configured: add `[token_issuer]` to the settings"
                        .to_owned(),
                )
            } else if tokens::asks_clients(policy) && self.clients().is_empty() {
                Some(
                    "answers to clients, and none is configured: add `[[clients]]` to the settings"
                        .to_owned(),
                )
            } else if asks && self.authenticator().is_err() {
                Some("asks for credentials, and no issuer is configured: add `[[issuers]]` to the settings".to_owned())
            } else if policy.quotas.is_empty() && takes(InputKind::Meter) {
                Some(
                    "takes a `Meter`, and has no quota that it could charge: add `rate`".to_owned(),
                )
            } else {
                let prepared = self.limiter().prepare(policy);
                prepared
                    .and_then(|()| self.logins().prepare(policy))
                    .err()
                    .map(|rejection| rejection.reason().to_owned())
            };
            if let Some(problem) = wrong {
                mistakes.add(mistake(format!("{method} {path}"), problem, policy));
            }
        }
        mistakes.into_result(Error::Routes)
    }

    /// Without a secret of its own, the next process believes no cookie of this one.
    fn warn_of_forgotten_devices(&self, manifest: &Manifest) {
        let checks = |route: Route<'_>| route.policy.login.is_some();
        if self.logins().is_temporary() && manifest.routes().any(checks) {
            tracing::warn!("a restart forgets known devices: set `login.secret_file`");
        }
    }

    /// Without a file, who has logged out is logged in again after a restart.
    fn warn_of_short_memory(&self, manifest: &Manifest) {
        let checks = |route: Route<'_>| {
            matches!(
                route.policy.access,
                Access::Authenticated {
                    revocation: Revocation::Within(_),
                    ..
                }
            )
        };
        if self.settings().revocation.file.is_none()
            && self.settings().redis.is_none()
            && manifest.routes().any(checks)
        {
            tracing::warn!(
                "a restart forgets which tokens were revoked: set `revocation.file` to keep them"
            );
        }
    }
}

/// Something wrong with a route, at its handler.
fn mistake(route: String, problem: String, policy: &Policy) -> Mistake {
    let mut mistake = Mistake::new(route, problem);
    mistake.found_in(format!("{}:{}", policy.file, policy.line));
    mistake
}

/// What processes count together goes by the name of the handler, and so do failed logins. Handlers
/// in the bodies of functions may have the same one: the compiler does not tell it.
fn refuse_shared_names(manifest: &Manifest, mistakes: &mut Mistakes) {
    let mut known: HashMap<&str, &Policy> = HashMap::new();
    for route in manifest.routes() {
        let policy = route.policy;
        if policy.quotas.is_empty() && policy.login.is_none() {
            continue;
        }
        let first = *known.entry(policy.handler).or_insert(policy);
        if !ptr::eq(first, policy) {
            let problem = format!(
                "another handler is called `{}` ({}:{}), and they would count together; give one \
                 of them another name",
                first.handler, first.file, first.line,
            );
            let route = format!("{} {}", route.method, route.path);
            mistakes.add(mistake(route, problem, policy));
        }
    }
}
