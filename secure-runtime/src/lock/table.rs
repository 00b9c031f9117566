//! The manifest as a table for people: one line a route.

use std::fmt::Write;

use super::demands;
use crate::manifest::Manifest;

impl Manifest {
    /// Who may do what, one line a route: method, path, what the caller must show, how often and
    /// how much.
    pub fn table(&self) -> String {
        let rows: Vec<[String; 3]> = self
            .routes()
            .map(|route| {
                let demands = demands(route.policy);
                let pick = |keys: &[&str]| {
                    let parts: Vec<String> = demands
                        .iter()
                        .filter(|(key, value)| {
                            // A bound is a matter of seconds; that there is none is news.
                            keys.contains(key) && (*key != "revocation" || value.starts_with("off"))
                        })
                        .map(|(key, value)| match *key {
                            "access" => value.clone(),
                            key => format!("{key} {value}"),
                        })
                        .collect();
                    parts.join(", ")
                };
                [
                    format!("{} {}", route.method, route.path),
                    pick(&[
                        "access",
                        "role",
                        "scope",
                        "max_age",
                        "factor",
                        "revocation",
                        "outage",
                        "allow",
                    ]),
                    pick(&[
                        "rate",
                        "cost",
                        "concurrency",
                        "priority",
                        "max_body",
                        "login",
                        "unvalidated",
                    ]),
                ]
            })
            .chain(self.unguarded().map(|(prefix, reason)| {
                [
                    format!("* {prefix}"),
                    format!("UNGUARDED {reason:?}"),
                    String::new(),
                ]
            }))
            .collect();
        let [first, second] = [0, 1].map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        });
        let mut table = String::new();
        for [route, who, how_much] in &rows {
            let line = format!("{route:first$}  {who:second$}  {how_much}");
            // INVARIANT: writing to a `String` does not fail.
            let _ = writeln!(table, "{}", line.trim_end());
        }
        table
    }
}
