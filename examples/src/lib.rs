//! The reference service of the project, and what the programs beside it share.

pub mod keys;
pub mod shop;
pub mod tour;
