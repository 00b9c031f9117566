//! Tests of the shared counts that need their insides. What only shows with several processes is
//! tested from outside.

mod agreement;
mod leases;
mod shares;
