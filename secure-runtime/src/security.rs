//! The configured parts.

use std::sync::Arc;

/// The configured parts that guarded handlers use; cheap to clone.
#[derive(Clone)]
pub struct Security(#[expect(dead_code, reason = "being built")] Arc<()>);
