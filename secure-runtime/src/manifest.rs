//! What a service demands, route by route: the record that `Routes` leaves.

use std::fmt;

use actix_router::ResourceDef;

use crate::{
    policy::Policy,
    routes::claims::{self, Claim, Unreachable},
};

/// Every route of a service with what it demands, sorted by path and method.
#[derive(Clone, Debug)]
pub struct Manifest {
    entries: Vec<Entry>,
    /// In the order of registration.
    claims: Vec<Claim>,
}

/// One line of the record.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Guarded {
        path: String,
        method: String,
        policy: &'static Policy,
    },
    /// Services under a prefix that no policy guards.
    Unguarded { prefix: String, reason: String },
}

/// A guarded route.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Method in upper case.
    pub method: &'a str,
    /// Full path pattern.
    pub path: &'a str,
    /// What it demands.
    pub policy: &'static Policy,
}

impl Entry {
    fn path(&self) -> &str {
        match self {
            Self::Guarded { path, .. } => path,
            Self::Unguarded { prefix, .. } => prefix,
        }
    }

    fn method(&self) -> &str {
        match self {
            Self::Guarded { method, .. } => method,
            Self::Unguarded { .. } => "",
        }
    }
}

impl Manifest {
    /// Both in the order of registration.
    pub(crate) fn new(mut entries: Vec<Entry>, claims: Vec<Claim>) -> Self {
        entries.sort_by(|a, b| (a.path(), a.method()).cmp(&(b.path(), b.method())));
        Self { entries, claims }
    }

    /// The routes that no request reaches.
    pub(crate) fn unreachable(&self) -> impl Iterator<Item = Unreachable<'_>> {
        claims::unreachable(&self.claims)
    }

    /// The guarded routes.
    pub fn routes(&self) -> impl Iterator<Item = Route<'_>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Guarded {
                path,
                method,
                policy,
            } => Some(Route {
                method,
                path,
                policy,
            }),
            Entry::Unguarded { .. } => None,
        })
    }

    /// Prefixes of paths under which nothing is guarded, each with the reason.
    pub fn unguarded(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Unguarded { prefix, reason } => Some((prefix.as_str(), reason.as_str())),
            Entry::Guarded { .. } => None,
        })
    }
}

/// The methods that each path answers to, for the `Allow` field.
pub(crate) struct MethodTable(Vec<(ResourceDef, Vec<String>)>);

impl MethodTable {
    pub(crate) fn new(manifest: &Manifest) -> Self {
        let mut table: Vec<(&str, Vec<String>)> = Vec::new();
        for route in manifest.routes() {
            match table.last_mut() {
                Some((path, methods)) if *path == route.path => {
                    methods.push(route.method.to_owned());
                }
                _ => table.push((route.path, vec![route.method.to_owned()])),
            }
        }
        Self(
            table
                .into_iter()
                .map(|(path, methods)| (ResourceDef::new(path), methods))
                .collect(),
        )
    }

    /// The methods under which something answers at `path`, sorted; none where nothing is.
    pub(crate) fn methods_at(&self, path: &str) -> Vec<&str> {
        let mut methods: Vec<&str> = self
            .0
            .iter()
            .filter(|(pattern, _)| pattern.is_match(path))
            .flat_map(|(_, methods)| methods.iter().map(String::as_str))
            .collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

impl fmt::Debug for MethodTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(
                self.0
                    .iter()
                    .map(|(path, methods)| (path.pattern(), methods)),
            )
            .finish()
    }
}
