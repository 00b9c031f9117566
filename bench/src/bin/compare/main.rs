//! Side by side: an app without this crate, the same by hand, and ours, each in a process of its own.
//!
//! `cargo xtask bench [--quick] [FILTER]` runs it.

mod first_sight;
mod hand_redis;
mod limited;
mod measure;
mod plot;
mod report;
mod revoked;
mod rows;
mod serve;

use std::{env, process::ExitCode};

use secure_bench::rig::Result;

/// Pairs of each row: with these a run takes about 13 minutes.
const ROUNDS: usize = 16;
/// With these, and of the rows with a goal only, less than two.
const QUICK_ROUNDS: usize = 2;

fn main() -> ExitCode {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let outcome = match arguments.as_slice() {
        [serve::SERVE, stack, scheme, algorithm] => serve::serve(stack, scheme, algorithm),
        _ if cfg!(debug_assertions) => {
            Err("measure what users run: `cargo run --release ..`".into())
        }
        ["--quick"] => show("", QUICK_ROUNDS, true),
        ["--quick", filter] => show(filter, QUICK_ROUNDS, false),
        [filter] => show(filter, ROUNDS, false),
        [] => measure::run("", ROUNDS, false).and_then(|measured| {
            println!("{}", report::table(&measured));
            report::write(&measured)
        }),
        _ => Err("compare [--quick] [FILTER]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn show(filter: &str, rounds: usize, only_goals: bool) -> Result {
    let measured = measure::run(filter, rounds, only_goals)?;
    println!("{}\n\n{}", report::machine(), report::table(&measured));
    Ok(())
}
