//! The runtime as its users see it, one topic a file.

mod allow;
mod audit;
mod credentials;
mod limits;
mod order;
mod rejections;
mod revocation;
mod rig;
mod rules;
mod shapes;
