//! The runtime as its users see it, one topic a file.

mod order;
mod rejections;
mod rig;
mod shapes;
