//! `count MODE BATCHES` serves that many batches of requests, for a counter of instructions to
//! watch; `bin/callgrind.rs` does. The building of the requests is outside of `measured`.

use std::process::ExitCode;

use secure_bench::{Batch, Case, Mode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mode, batches) = match arguments.as_slice() {
        [mode, batches] => (Mode::named(mode), batches.parse::<u32>()),
        _ => (None, Ok(0)),
    };
    let (Some(mode), Ok(batches)) = (mode, batches) else {
        eprintln!("count MODE BATCHES, with one of these modes:");
        for mode in Mode::ALL {
            eprintln!("  {:26} {}", mode.name(), mode.description());
        }
        return ExitCode::FAILURE;
    };
    let case = Case::new(mode);
    for _ in 0..batches {
        measured(case.batch());
    }
    ExitCode::SUCCESS
}

/// Callgrind counts what happens in here.
#[inline(never)]
fn measured(batch: Batch) {
    batch.serve();
}
