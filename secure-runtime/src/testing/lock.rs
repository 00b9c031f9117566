use std::{env, fs, path::Path};

use crate::{manifest::Manifest, routes::Routes};

/// Compares what `routes` demand with the lock file at `path`, and stops the test with each
/// difference named. A relative path starts at the package of the test.
///
/// With `UPDATE_POLICY=1` in the environment the file is written anew instead.
///
/// ```no_run
/// # fn routes(routes: &mut secure_runtime::Routes) {}
/// secure_runtime::testing::assert_policy_lock("policy.lock", routes);
/// ```
#[track_caller]
pub fn assert_policy_lock(path: impl AsRef<Path>, routes: impl FnOnce(&mut Routes)) {
    let path = path.as_ref();
    let manifest = Manifest::of(routes);
    if env::var_os("UPDATE_POLICY").is_some_and(|value| value == "1") {
        fs::write(path, manifest.lock())
            .unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
        return;
    }
    let lock = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!(
            "cannot read `{}`: {error}; run the test with `UPDATE_POLICY=1` to write it",
            path.display()
        )
    });
    let differences = manifest.differences(&lock);
    if !differences.is_empty() {
        let list: Vec<String> = differences.iter().map(ToString::to_string).collect();
        panic!(
            "the routes demand something else than `{}` says:\n\n{}\n\nif this is meant, run the test with `UPDATE_POLICY=1` and have the difference reviewed",
            path.display(),
            list.join("\n")
        );
    }
}
