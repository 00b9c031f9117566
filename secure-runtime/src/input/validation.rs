//! Which types carry the rules that make a client's data valid.

use std::{any::Any, net, num};

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::{
    errors::{MAX_ERRORS, invalid},
    pointer::Pointer,
};
use crate::rejection::{InputError, Refusal, Rejection};

/// A type whose values are checked before a handler sees them.
///
/// It holds for types with `garde::Validate`, and for plain ones that admit no rule: numbers,
/// `bool`, `char`, `String`, network addresses, and tuples of these. `M` is inferred.
///
/// Not to be implemented: derive `garde::Validate`. Where serde renames a field, give garde the
/// same `#[garde(rename = "..")]`, or the error points at the Rust name.
///
/// A context that the rules need is looked up in the app's data, as `web::Data<Context>` or as
/// `Context`.
// Two blanket implementations, told apart by a marker, are what makes the compiler report this
// trait: with one, it would go on to garde's, which says nothing about `#[unvalidated]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is taken from a client without validation",
    label = "has no rules",
    note = "derive `garde::Validate` for it, or put `#[unvalidated]` before the parameter"
)]
pub trait Validated<M> {
    #[doc(hidden)]
    fn check(&self, source: &'static str, request: &HttpRequest) -> Result<(), Rejection>;
}

/// Marks types that garde checks.
#[derive(Debug)]
pub struct ByGarde;

/// Marks types that have no invalid values.
#[derive(Debug)]
pub struct ByType;

impl<T> Validated<ByGarde> for T
where
    T: garde::Validate,
    T::Context: 'static,
{
    fn check(&self, source: &'static str, request: &HttpRequest) -> Result<(), Rejection> {
        let Some(context) = context::<T::Context>(request) else {
            return Err(Rejection::new(
                Refusal::NotConfigured,
                format!(
                    "validation needs a `web::Data<{}>` in the app's data",
                    std::any::type_name::<T::Context>()
                ),
            ));
        };
        self.validate_with(context)
            .map_err(|report| invalid(errors(source, &report)))
    }
}

fn context<C: 'static>(request: &HttpRequest) -> Option<&C> {
    let nothing: &dyn Any = &();
    nothing
        .downcast_ref::<C>()
        .or_else(|| request.app_data::<web::Data<C>>().map(web::Data::get_ref))
        .or_else(|| request.app_data::<C>())
}

/// The beginning of a report.
///
/// garde itself makes an error for each invalid element of a list, whatever its length. That costs
/// memory in proportion to the body, which the route limits; the answer does not grow with it.
fn errors(source: &'static str, report: &garde::Report) -> Vec<InputError> {
    report
        .iter()
        .take(MAX_ERRORS)
        .map(|(path, error)| InputError {
            source,
            pointer: pointer(path).finish(),
            detail: error.message().to_owned(),
        })
        .collect()
}

/// A garde path is opaque but for its serialized form: pairs of a kind and a name.
fn pointer(path: &garde::Path) -> Pointer {
    let mut pointer = Pointer::default();
    let components = serde_json::to_value(path).unwrap_or_default();
    for (kind, name) in Vec::<(String, String)>::deserialize(components).unwrap_or_default() {
        if kind != "none" {
            pointer.push(&name);
        }
    }
    pointer
}

impl<T: Plain> Validated<ByType> for T {
    fn check(&self, _: &'static str, _: &HttpRequest) -> Result<(), Rejection> {
        Ok(())
    }
}

/// A type that admits no rule.
#[doc(hidden)]
pub trait Plain {}

macro_rules! plain {
    ($($type:ty),+ $(,)?) => {
        $(impl Plain for $type {})+
    };
}

plain! {
    bool, char, String,
    f32, f64,
    i8, i16, i32, i64, i128, isize,
    u8, u16, u32, u64, u128, usize,
    net::IpAddr, net::Ipv4Addr, net::Ipv6Addr,
    net::SocketAddr, net::SocketAddrV4, net::SocketAddrV6,
    num::NonZeroI8, num::NonZeroI16, num::NonZeroI32, num::NonZeroI64, num::NonZeroI128,
    num::NonZeroU8, num::NonZeroU16, num::NonZeroU32, num::NonZeroU64, num::NonZeroU128,
}

macro_rules! plain_tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Plain, $($rest: Plain),*> Plain for ($first, $($rest,)*) {}
        plain_tuples!($($rest)*);
    };
    () => {};
}

plain_tuples!(A B C D E F G H);
