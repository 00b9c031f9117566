//! What charges the caller after the fact.

use super::Input;
use crate::{
    admission::Admitted,
    limit::Meter,
    policy::InputKind,
    rejection::{Refusal, Rejection},
};

impl Input for Meter {
    const KIND: InputKind = InputKind::Meter;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        admitted.meter().ok_or_else(|| {
            Rejection::new(
                Refusal::NotConfigured,
                "the handler takes a meter and its policy has no quota",
            )
        })
    }
}
