//! Limits that processes share: exact, leased, and without the store.

mod exact;
mod faults;
mod leased;
mod process;
