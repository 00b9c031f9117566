//! Dependencies of which two versions are compiled: more to trust, more to build.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{Result, cargo, output};

/// What we put up with, and why. An entry that is no longer needed must go.
const TOLERATED: &[(&str, &str)] = &[
    ("hashbrown", "governor is one version behind the others"),
    ("syn", "derive macros move from 2 to 3"),
    ("untrusted", "aws-lc-rs is behind rustls-webpki"),
];

/// Fails if users of the library compile two versions of anything else.
pub(crate) fn check() -> Result {
    let tree = output(
        cargo(&["tree", "--package", "secure-runtime", "--locked"])
            .args(["--all-features", "--edges", "normal,build"])
            .args(["--duplicates", "--depth", "0", "--prefix", "none"]),
    )?;
    let found = several_versions(&tree);
    for (name, versions) in &found {
        println!("{name} {}", versions.join(", "));
    }
    let problems = found
        .keys()
        .filter(|name| !tolerated(name))
        .map(|name| format!("two versions of `{name}`: `cargo tree --invert {name}@VERSION`"))
        .chain(
            TOLERATED
                .iter()
                .filter(|(name, _)| !found.contains_key(name))
                .map(|(name, _)| {
                    format!("one version of `{name}`: strike it in xtask/src/duplicates.rs")
                }),
        )
        .collect::<Vec<_>>();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n").into())
    }
}

fn tolerated(name: &str) -> bool {
    TOLERATED.iter().any(|(tolerated, _)| *tolerated == name)
}

/// Name -> versions, where there is more than one. Cargo also lists a version that is compiled
/// twice for different features.
fn several_versions(tree: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            found.entry(name).or_default().insert(version);
        }
    }
    found
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| (name, versions.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_versions_count() {
        let tree = "serde v1.0.0\n\nserde v1.0.0\n\nsyn v2.0.0\n\nsyn v3.0.0 (proc-macro)\n";
        assert_eq!(
            several_versions(tree),
            BTreeMap::from([("syn", vec!["v2.0.0", "v3.0.0"])])
        );
    }
}
