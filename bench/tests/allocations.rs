//! No request allocates for a check that its policy does not have.
//!
//! What is counted are the calls to the allocator while a request is served, on its own thread.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps is a test that fails"
)]

use allocation_counter::measure;
use secure_bench::{Case, Mode};

/// Allocations of one request: of a few batches the smallest, since the thread that sweeps the
/// limiter's tables may let one of them grow again at any time.
fn allocations(mode: Mode) -> u64 {
    let case = Case::new(mode);
    let whole = (0..5).map(|_| {
        let batch = case.batch();
        measure(|| batch.serve()).count_total
    });
    let least = whole.min().unwrap();
    least.div_ceil(Case::BATCH as u64)
}

/// Beyond what a request without this crate allocates.
fn added(mode: Mode) -> u64 {
    allocations(mode) - allocations(mode.baseline())
}

#[test]
fn the_counter_counts() {
    let info = measure(|| drop(std::hint::black_box(Box::new(1_u8))));
    assert_eq!(info.count_total, 1);
}

#[test]
fn admission_allocates_nothing() {
    for mode in [
        Mode::Empty,
        Mode::Quota,
        Mode::Token,
        Mode::Role,
        Mode::Full,
    ] {
        assert_eq!(added(mode), 0, "{}", mode.name());
    }
}

/// The table of the response's extensions, where the mark of a guarded response is.
#[test]
fn a_guard_adds_one_allocation_to_a_request() {
    assert!(added(Mode::WholeEmpty) <= 1);
}

/// G11: fewer than an app without this crate needs to route a request.
#[test]
fn a_banned_client_costs_one_allocation() {
    assert!(allocations(Mode::WholeBanned) <= 1);
}

/// G11
#[test]
fn bans_of_others_allocate_nothing() {
    assert!(allocations(Mode::WholeOthersBanned) <= allocations(Mode::WholeEmpty));
}

/// The text of the one field that differs from request to request.
#[test]
fn quotas_add_the_text_of_a_field_however_many_they_are() {
    let empty = allocations(Mode::WholeEmpty);
    assert!(allocations(Mode::WholeGuarded) <= empty + 1);
    assert!(allocations(Mode::WholeFull) <= empty + 1);
}

/// The mark of a guarded response, the body under its limit, the names and the containers that are open
/// in the text; without this crate there is a buffer instead. Not one for each name or value.
#[test]
fn a_guarded_body_adds_two_allocations() {
    assert!(added(Mode::WholePost) <= 2);
}

#[test]
fn a_refusal_allocates_little() {
    for (mode, most) in [
        (Mode::Refused401, 1),
        (Mode::RefusedInvalid, 2),
        (Mode::RefusedKnown, 1),
        (Mode::Refused429, 2),
    ] {
        let added = added(mode);
        assert!(added <= most, "{}: {added}", mode.name());
    }
}

/// `cargo test -p secure-bench --test allocations -- --ignored --nocapture`
#[test]
#[ignore = "prints the table of README.md"]
fn table() {
    println!("| mode | | allocations |\n|---|---|---:|");
    for &mode in Mode::ALL {
        let (name, description) = (mode.name(), mode.description());
        println!("| {name} | {description} | {} |", allocations(mode));
    }
}
