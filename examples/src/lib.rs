//! The reference service of the project, and what the programs beside it share.

pub mod shop;
pub mod tour;
