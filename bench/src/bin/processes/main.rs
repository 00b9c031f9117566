//! What processes that share a Redis take and give: real processes, over sockets.
//!
//! `cargo run --release -p secure-bench --features redis --bin processes -- MEASUREMENT`

mod children;
mod client;
mod limited;
mod propagation;
mod server;
mod snapshot;
mod throughput;

use std::{env, error::Error, process::ExitCode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
processes MEASUREMENT

  limits        requests a second with quotas, without them, and with scripts in Redis by hand
  propagation   from the answer to a logout in one process to the refusal in another
  republish     entries that Redis has lost are told again, while a process starts
  snapshot      a process starts with many entries in Redis
  throughput    requests a second with revocation, without it, and with a question to Redis by hand";

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
        ["limits"] => throughput::limits(),
        ["propagation"] => propagation::measure(),
        ["republish"] => snapshot::republish(ENTRIES),
        ["snapshot"] => snapshot::measure(ENTRIES),
        ["throughput"] => throughput::revocation(),
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

/// The value below which a share of them lies; sorts them.
fn quantile<T: Copy + PartialOrd>(values: &mut [T], share: f64) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied()
}
