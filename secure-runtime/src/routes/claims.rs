//! Which requests each route takes, in the order of registration: routes that no request reaches.
//!
//! actix gives a request to the first service that fits, and a scope keeps whatever is below its
//! prefix, even where nothing in it answers. What comes later is then a handler that never runs,
//! and the policy that a reviewer reads beside it guards nothing.
//!
//! Only what is sure is told: of two patterns that overlap in part, or that an expression of the
//! developer's own tells apart, nothing is said.

use actix_router::ResourceDef;

use crate::policy::Policy;

/// A part of all requests that something registered takes for itself.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Full path pattern.
    path: String,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    /// Whatever is below the path.
    Scope,
    Route {
        method: String,
        /// A guard of its own may leave requests to others.
        has_guard: bool,
        policy: &'static Policy,
    },
}

/// A route that no request reaches.
pub(crate) struct Unreachable<'a> {
    /// Method and path.
    pub(crate) route: String,
    pub(crate) policy: &'static Policy,
    earlier: &'a Claim,
}

impl Claim {
    pub(super) fn scope(path: String) -> Self {
        let by = By::Scope;
        Self { path, by }
    }

    pub(super) fn route(
        path: String,
        method: &str,
        has_guard: bool,
        policy: &'static Policy,
    ) -> Self {
        let by = By::Route {
            method: method.to_owned(),
            has_guard,
            policy,
        };
        Self { path, by }
    }

    /// Whether every request for `method` and `path` ends here.
    fn takes_all(&self, method: &str, path: &str) -> bool {
        match &self.by {
            By::Scope => starts_with(path, &self.path),
            By::Route {
                method: own,
                has_guard,
                ..
            } => !has_guard && own == method && covers(&self.path, path),
        }
    }
}

impl Unreachable<'_> {
    /// What is wrong, and with which other handler.
    pub(crate) fn problem(&self) -> String {
        let (name, path) = (self.policy.handler, &self.earlier.path);
        match &self.earlier.by {
            By::Scope => format!(
                "`{name}` never runs: the scope `{path}`, which was registered before, takes \
                 everything below it; move the route into that scope, or before it"
            ),
            By::Route { method, policy, .. } => format!(
                "`{name}` never runs: `{method} {path}`, which was registered before, takes its \
                 requests for `{}` ({}:{}); remove one of them, or register the narrower first",
                policy.handler, policy.file, policy.line,
            ),
        }
    }
}

/// The routes that no request reaches, each with the first claim that takes its requests.
pub(crate) fn unreachable(claims: &[Claim]) -> impl Iterator<Item = Unreachable<'_>> {
    claims.iter().enumerate().filter_map(|(place, claim)| {
        let By::Route { method, policy, .. } = &claim.by else {
            return None;
        };
        let mut before = claims.iter().take(place);
        let earlier = before.find(|earlier| earlier.takes_all(method, &claim.path))?;
        Some(Unreachable {
            route: format!("{method} {}", claim.path),
            policy,
            earlier,
        })
    })
}

/// Whether `pattern` matches every path that `path` matches.
fn covers(pattern: &str, path: &str) -> bool {
    // A pattern without parameters matches itself alone.
    if !path.contains(['{', '*']) {
        return ResourceDef::new(pattern).is_match(path);
    }
    let (pattern, path) = (nameless(pattern), nameless(path));
    let is_as_long = pattern.split('/').count() == path.split('/').count();
    (is_as_long || takes_the_rest(&pattern).is_some()) && leads(&pattern, &path)
}

/// Whether every path that `path` matches is below the prefix that `pattern` describes.
fn starts_with(path: &str, pattern: &str) -> bool {
    leads(&nameless(pattern), &nameless(path))
}

/// Whether each segment of `pattern` matches all that the segment of `path` at its place matches.
/// Both are nameless.
fn leads(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let before = takes_the_rest(pattern);
    let begins = before.unwrap_or(pattern).split('/').all(|wide| {
        segments.next().is_some_and(|narrow| {
            // A segment with an expression of its own, or a tail, may match nothing, or a slash.
            let is_plain = !narrow.is_empty() && !narrow.contains([':', '*']);
            wide == narrow || (wide == "{}" && is_plain)
        })
    });
    // Its last slash is not of what it takes.
    begins && (before.is_none() || segments.next().is_some())
}

/// What stands before a last segment that takes everything, slashes too; nameless.
fn takes_the_rest(pattern: &str) -> Option<&str> {
    match pattern.rsplit_once('/')? {
        (before, "{}*" | "{:.*}") => Some(before),
        _ => None,
    }
}

/// The pattern without the names of its parameters, which match nothing: `/{id}/{n:\d{2}}` becomes
/// `/{}/{:\d{2}}`.
fn nameless(pattern: &str) -> String {
    let mut depth = 0_u32;
    let mut in_name = false;
    let keep = |letter: &char| {
        match letter {
            '{' => {
                depth += 1;
                in_name = depth == 1;
                return true;
            }
            '}' => {
                depth = depth.saturating_sub(1);
                in_name = false;
            }
            ':' => in_name = false,
            _ => {}
        }
        !in_name
    };
    pattern.chars().filter(keep).collect()
}
