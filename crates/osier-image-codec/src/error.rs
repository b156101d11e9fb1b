//! What can go wrong with a picture, named by what the caller can do about it.

use thiserror::Error;

#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes are no picture that is known here.
    #[error("not a known picture format")]
    Unknown,
    /// A picture of a known format with a part that is not read here.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
    /// The picture breaks its format's rules or ends too early.
    #[error("damaged picture: {0}")]
    Damaged(&'static str),
    /// More than the budget allows of the thing named.
    #[error("more {0} than allowed")]
    TooLarge(&'static str),
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
    /// An encoder refused pixels or settings.
    #[error("cannot encode: {0}")]
    Encode(&'static str),
}
