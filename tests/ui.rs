//! What the compiler says of each mistake, and what it accepts.
//!
//! `ui/<key>/<mistake>.rs` must fail as the `.stderr` beside it says, `ui/policy/<mistake>.toml`
//! likewise; `ui/pass/` is a part of this program and must compile without a warning.
//! `cargo xtask bless` writes the expected errors anew.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "ui/expected.rs"]
mod expected;
#[path = "ui/pass/mod.rs"]
#[deny(
    warnings,
    reason = "what the attribute writes must not bring a warning upon its user"
)]
mod pass;
#[path = "ui/policy/project.rs"]
mod policy;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One test, because each part uses what the one before it has compiled or written.
#[test]
fn mistakes_are_explained() {
    assert_pinned_compiler();
    provide_vocabulary();
    {
        let cases = trybuild::TestCases::new();
        for folder in expected::folders() {
            cases.compile_fail(format!("ui/{folder}/*.rs"));
        }
        // The cases are compiled when they are dropped.
    }
    policy::mistakes_are_explained();
    policy::a_change_rebuilds();
    expected::assert_reviewed();
}

/// Another compiler has other words, and says them elsewhere.
fn assert_pinned_compiler() {
    let toolchain = fs::read_to_string("../rust-toolchain.toml").expect("rust-toolchain.toml");
    let (_, pinned) = toolchain.split_once("channel = \"").expect("a channel");
    let (pinned, _) = pinned.split_once('"').expect("a channel");
    let version = rustc("--version");
    assert!(
        version.starts_with(&format!("rustc {pinned} ")),
        "the expected errors are those of Rust {pinned}, see rust-toolchain.toml, and this is \
         {version}: run the tests with `cargo +{pinned} test`, without `RUSTC` and `RUSTUP_TOOLCHAIN`",
    );
}

fn rustc(argument: &str) -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg(argument).output().expect("rustc");
    String::from_utf8(output.stdout).expect("text")
}

/// The folder in which trybuild makes its project, wherever the target folder is.
fn trybuild_folder() -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary
        .parent()
        .expect("a target folder")
        .join("tests/trybuild")
}

/// The attribute looks for `policy.toml` above the project, where it is only as long as the
/// target folder is in its usual place.
fn provide_vocabulary() {
    let project = trybuild_folder().join(env!("CARGO_PKG_NAME"));
    fs::create_dir_all(&project).expect("trybuild's project");
    fs::copy("../policy.toml", project.join("policy.toml")).expect("policy.toml");
}
