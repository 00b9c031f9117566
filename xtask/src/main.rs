//! The commands of this repository; `cargo xtask` lists them.

mod bench;
mod duplicates;
mod run;

use std::{
    env,
    process::{ExitCode, Stdio},
};

use self::run::{Result, Steps, cargo, output, succeeds};

const USAGE: &str = "\
cargo xtask COMMAND

  check         formatting and lints
  test          all that the continuous integration demands
  bless         rewrite expected outputs, policy.lock and counts of instructions; look at the diff
                afterwards; `bless instructions` only counts
  expand NAME   show what the attributes of the example NAME become
  bench         measure side by side with peers, and write bench/README.md; about 14 minutes
                `bench --quick`, `bench [--quick] FILTER` print instead
                `bench checks [FILTER]`         times of each check
                `bench instructions [MODE..]`   instructions of each check";

fn main() -> ExitCode {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let result = match arguments.as_slice() {
        ["bench", "checks", filter @ ..] => bench::checks(filter),
        ["bench", "instructions", modes @ ..] => bench::instructions(modes),
        ["bench", filter @ ..] => bench::side_by_side(filter),
        ["bless"] => bless(),
        ["bless", "instructions"] => bench::instructions(&["--record"]),
        ["check"] => check(),
        ["expand", name] => expand(name),
        ["test"] => test(),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Every step names the same packages and features, so that nothing is compiled twice.
const EVERYTHING: [&str; 3] = ["--workspace", "--all-features", "--locked"];

fn check() -> Result {
    let mut steps = Steps::default();
    format_and_lint(&mut steps)?;
    steps.finish();
    Ok(())
}

fn test() -> Result {
    let mut steps = Steps::default();
    format_and_lint(&mut steps)?;
    steps.check("servers that the tests start", || {
        ensure_debian_package("redis-server", "redis-server")
    })?;
    steps.run(
        "unit, integration, compile-error and doc tests",
        cargo(&["test"]).args(EVERYTHING),
    )?;
    steps.run(
        "documentation",
        cargo(&["doc", "--no-deps"])
            .args(EVERYTHING)
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    steps.run(
        "the quickstart, from first to last step",
        cargo(&["run", "--all-features", "--locked", "--bin", "quickstart"]).args(["--", "--tour"]),
    )?;
    steps.run(
        "two shops and a Redis, which is killed",
        &mut cargo(&["run", "--all-features", "--locked", "--bin", "cluster"]),
    )?;
    bench::count(&mut steps, &["--check"])?;
    steps.check("duplicates among the dependencies", duplicates::check)?;
    steps.run("packages, as they would be published", &mut package())?;
    steps.finish();
    Ok(())
}

/// Whether there is such a program; what it says of the argument does not matter.
fn can_run(program: &str) -> bool {
    let mut version = run::command(program);
    version.arg("--version").stdin(Stdio::null());
    version.output().is_ok()
}

/// Installs the package that has a program, where that is missing and Debian can be asked.
pub(crate) fn ensure_debian_package(program: &str, package: &str) -> Result {
    if can_run(program) {
        return Ok(());
    }
    let missing = || format!("`{program}` is missing: install Debian's package `{package}`");
    let is_root = output(run::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || !succeeds(run::command("apt-get").arg("--version")) {
        return Err(missing().into());
    }
    for arguments in [
        ["update", "--quiet"].as_slice(),
        &[
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            package,
        ],
    ] {
        println!("$ apt-get {}", arguments.join(" "));
        let mut apt = run::command("apt-get");
        // The tests start their own; a server of the system's would only hold a port.
        apt.args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1");
        if !apt.status()?.success() {
            return Err(missing().into());
        }
    }
    Ok(())
}

/// Runs the tests with every tool told to write down what it sees.
fn bless() -> Result {
    let mut steps = Steps::default();
    steps.run(
        "tests, rewriting what they expect",
        cargo(&["test"])
            .args(EVERYTHING)
            .env("TRYBUILD", "overwrite")
            .env("UPDATE_EXPECT", "1")
            .env("UPDATE_POLICY", "1"),
    )?;
    bench::count(&mut steps, &["--record"])?;
    steps.finish();
    println!("now read `git diff`: what was blessed is what the tests demand from here on");
    Ok(())
}

fn expand(name: &str) -> Result {
    if !succeeds(&mut cargo(&["expand", "--version"])) {
        return Err("`cargo install cargo-expand` first".into());
    }
    Steps::default().run(
        "expansion",
        &mut cargo(&["expand", "--package", "secure-examples", "--example", name]),
    )
}

fn format_and_lint(steps: &mut Steps) -> Result {
    steps.check("tools", install_components)?;
    steps.run("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
    steps.run(
        "lints",
        cargo(&["clippy", "--all-targets"])
            .args(EVERYTHING)
            .args(["--", "-D", "warnings"]),
    )
}

/// Gets what `rust-toolchain.toml` lists; some versions of rustup leave that to us. A C compiler
/// must be there already, or this program would not have been linked.
fn install_components() -> Result {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if succeeds(&mut cargo(&[subcommand, "--version"])) {
            continue;
        }
        let mut rustup = run::command("rustup");
        rustup.args(["component", "add", component]);
        if !succeeds(&mut rustup) {
            return Err(format!("`{component}` is missing and rustup cannot add it").into());
        }
    }
    Ok(())
}

/// Packages and compiles the published crates; the second finds the first in a registry that
/// cargo makes up for the occasion.
fn package() -> std::process::Command {
    let mut command = cargo(&["package", "--locked", "--allow-dirty"]);
    command.args(["--package", "secure-macros", "--package", "secure-runtime"]);
    // A package leaves the workspace and its profiles behind. With the same profiles, the
    // dependencies that the tests compiled are used again.
    for profile in [
        "profile.dev.debug=\"line-tables-only\"",
        "profile.dev.package.\"*\".opt-level=1",
        "profile.dev.package.\"*\".debug=false",
    ] {
        command.args(["--config", profile]);
    }
    command
}
