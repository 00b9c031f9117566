//! What processes that share a Redis take and give: real processes, over sockets.
//!
//! `cargo run --release -p secure-bench --features redis --bin processes -- MEASUREMENT`

mod children;
mod propagation;
mod server;
mod snapshot;

use std::{env, process::ExitCode};

const USAGE: &str = "\
processes MEASUREMENT

  propagation   from the answer to a logout in one process to the refusal in another
  republish     entries that Redis has lost are told again, while a process starts
  snapshot      a process starts with many entries in Redis";

/// Entries of `republish` and `snapshot`.
const ENTRIES: usize = 1_000_000;

fn main() -> ExitCode {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let outcome = match arguments.as_slice() {
        [server::SERVE, url, proxies] => server::serve(url, proxies),
        _ if cfg!(debug_assertions) => {
            Err("measure what users run: `cargo run --release ..`".into())
        }
        ["propagation"] => propagation::measure(),
        ["republish"] => snapshot::republish(ENTRIES),
        ["snapshot"] => snapshot::measure(ENTRIES),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
