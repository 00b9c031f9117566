//! From credentials to a principal.

use std::sync::Arc;

/// Who the caller is, after verification.
#[derive(Clone)]
pub struct Principal(#[expect(dead_code, reason = "being built")] Arc<()>);
