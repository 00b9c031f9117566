//! Measurements.

use crate::{
    ensure_debian_package,
    run::{Result, Steps, cargo},
};

/// Requests a second, of servers side by side.
pub(crate) fn side_by_side(filter: &[&str]) -> Result {
    let mut steps = Steps::default();
    steps.check("programs that are needed", || {
        ensure_debian_package("redis-server", "redis-server")?;
        // Without it threads of the measurement make the requests, and take more of the processor.
        ensure_debian_package("wrk", "wrk").or_else(|error| {
            println!("{error}");
            Ok(())
        })
    })?;
    // Whatever compiles must have ended before.
    steps.run(
        "build",
        cargo(&[
            "build",
            "--release",
            "--locked",
            "--package",
            "secure-bench",
        ])
        .args(["--features", "redis", "--bin", "compare"]),
    )?;
    steps.run(
        "measurements",
        cargo(&["run", "--release", "--locked", "--package", "secure-bench"])
            .args(["--features", "redis", "--bin", "compare", "--"])
            .args(filter),
    )
}

/// Times of each check, by Criterion.
pub(crate) fn checks(filter: &[&str]) -> Result {
    Steps::default().run(
        "measurements",
        cargo(&["bench", "--package", "secure-bench", "--locked", "--"]).args(filter),
    )
}

/// Instructions of a request, by callgrind.
pub(crate) fn instructions(arguments: &[&str]) -> Result {
    count(&mut Steps::default(), arguments)
}

/// Builds what users run, and no optional features but for modes that need one: what the tests have
/// built is not optimised.
pub(crate) fn count(steps: &mut Steps, arguments: &[&str]) -> Result {
    steps.check("a counter of instructions", || {
        ensure_debian_package("valgrind", "valgrind")
    })?;
    let features = if arguments.contains(&"whole-redis") {
        ensure_debian_package("redis-server", "redis-server")?;
        "redis"
    } else {
        ""
    };
    let package = [
        "--release",
        "--locked",
        "--package",
        "secure-bench",
        "--features",
        features,
    ];
    steps.run(
        "what is counted",
        cargo(&["build", "--bin", "count", "--bin", "callgrind"]).args(package),
    )?;
    steps.run(
        "instructions of a request",
        cargo(&["run", "--bin", "callgrind"])
            .args(package)
            .arg("--")
            .args(arguments),
    )
}
