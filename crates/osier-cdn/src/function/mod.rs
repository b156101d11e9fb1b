//! Functions that can be set on a domain: their names, their arguments, and what they say.
//!
//! One table: requests are checked by it and `docs/compat.md` is written from it. A function that
//! stands in it does here what it does there; one that does not is refused, never ignored.

mod arguments;
mod feature;
mod read;
mod table;
#[cfg(test)]
mod tests;

pub use arguments::Argument;
pub(crate) use arguments::Arguments;
pub use feature::{
    AddressList, BucketKey, Feature, HeaderChange, Listed, OriginScheme, RefererList, TtlRule,
    TtlTarget, UrlKeys, UrlKind,
};
pub use table::Function;
