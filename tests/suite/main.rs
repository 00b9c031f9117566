//! The runtime as its users see it, one topic a file.
