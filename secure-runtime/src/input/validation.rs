//! Which types carry the rules that make a client's data valid.

use std::{any::Any, net, num};

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::Value;

use super::{
    errors::{MAX_ERRORS, invalid},
    locate::{Step, locate},
};
use crate::rejection::{InputError, Refusal, Rejection};

/// A type whose values are checked before a handler sees them.
///
/// It holds for types with `garde::Validate`, and for plain ones that admit no rule: numbers,
/// `bool`, `char`, `String`, network addresses, and tuples of these. `M` is inferred.
///
/// Not to be implemented: derive `garde::Validate`.
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
    fn check(&self, request: &HttpRequest) -> Result<(), Failure>;
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
    fn check(&self, request: &HttpRequest) -> Result<(), Failure> {
        let context = context::<T::Context>(request)
            .ok_or(Failure::NoContext(std::any::type_name::<T::Context>()))?;
        self.validate_with(context).map_err(Failure::Report)
    }
}

fn context<C: 'static>(request: &HttpRequest) -> Option<&C> {
    let nothing: &dyn Any = &();
    nothing
        .downcast_ref::<C>()
        .or_else(|| request.app_data::<web::Data<C>>().map(web::Data::get_ref))
        .or_else(|| request.app_data::<C>())
}

/// Why a value is not known to be valid.
#[derive(Debug)]
pub enum Failure {
    /// The app's data lacks a context of this type.
    NoContext(&'static str),
    /// It breaks these rules.
    Report(garde::Report),
}

impl Failure {
    /// The refusal. The document is what was sent, for pointers into it.
    ///
    /// garde itself makes an error for each invalid element of a list, and cannot be told to stop:
    /// about 100 bytes for an element of two, given back at once. So `max_body` bounds it, and
    /// the answer does not grow with it.
    pub(super) fn reject(
        self,
        source: &'static str,
        document: impl FnOnce() -> Value,
    ) -> Rejection {
        let report = match self {
            Self::Report(report) => report,
            Self::NoContext(name) => {
                return Rejection::new(
                    Refusal::NotConfigured,
                    format!("validation needs a `web::Data<{name}>` in the app's data"),
                );
            }
        };
        let document = document();
        let errors = report
            .iter()
            .take(MAX_ERRORS)
            .map(|(path, error)| InputError {
                source,
                pointer: locate(&document, &steps(path)).finish(),
                detail: error.message().to_owned(),
            });
        invalid(errors.collect())
    }
}

/// A garde path is opaque but for its serialized form: pairs of a kind and a name.
fn steps(path: &garde::Path) -> Vec<Step> {
    let components = serde_json::to_value(path).unwrap_or_default();
    Vec::<(String, String)>::deserialize(components)
        .unwrap_or_default()
        .into_iter()
        .filter(|(kind, _)| kind != "none")
        .map(|(kind, name)| match name.parse() {
            Ok(index) if kind == "index" => Step::Index(index),
            _ => Step::Name(name),
        })
        .collect()
}

impl<T: Plain> Validated<ByType> for T {
    fn check(&self, _: &HttpRequest) -> Result<(), Failure> {
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
