//! The runtime as its users see it, one topic a file.

mod allow;
mod audit;
mod credentials;
mod fuzz;
mod input;
mod limits;
mod manifest;
mod order;
mod rejections;
mod rig;
mod rules;
mod settings;
mod shapes;
