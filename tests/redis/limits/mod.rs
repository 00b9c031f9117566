//! Limits that processes share: exact, leased, and without the store.

mod apart;
mod exact;
mod faults;
mod leased;
pub(crate) mod process;
