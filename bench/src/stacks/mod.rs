//! The stacks that are measured side by side, with the same handlers: without checks, with checks by
//! hand, and with those of this crate.
//!
//! `bin/compare` serves them in processes of their own, and instructions are counted of each with one
//! route. What needs a Redis is in `bin/compare`, but for what needs nothing of it to be written.

pub mod bare;
pub mod hand;
pub mod item;
pub mod ours;
