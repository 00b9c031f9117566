//! Shapes that must compile.
