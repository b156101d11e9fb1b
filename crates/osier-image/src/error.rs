//! What can be wrong with a request for a picture, in OSS's codes.

use std::borrow::Cow;

use crate::Stopped;

/// A refused or failed request for a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImageError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The finer code, where OSS's documentation names one.
    pub ec: Option<&'static str>,
    /// The sentence for the caller.
    pub message: Cow<'static, str>,
}

/// What went wrong; each kind is one error code of OSS, but the last three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum ErrorKind {
    /// A parameter has a value that can't be. 400.
    InvalidArgument,
    /// A parameter is missing. 400.
    MissingArgument,
    /// The source is no picture, or an action does not fit it. 400.
    BadRequest,
    /// The source or the result is too large. 400.
    ImageTooLarge,
    /// A watermark can't be made. 400.
    WatermarkError,
    /// The operation is not there. 501.
    NotImplemented,
    /// The job was stopped.
    Stopped,
    /// A defect of ours.
    Internal,
}

impl ImageError {
    /// An error of `kind` with OSS's finer code.
    pub fn new(kind: ErrorKind, ec: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            ec: Some(ec),
            message: message.into(),
        }
    }

    /// An error of `kind` for which no finer code is documented.
    pub fn plain(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            ec: None,
            message: message.into(),
        }
    }

    /// The source can't be decoded.
    pub fn undecodable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::plain(ErrorKind::BadRequest, message)
    }
}

impl From<Stopped> for ImageError {
    fn from(why: Stopped) -> Self {
        Self::plain(
            ErrorKind::Stopped,
            match why {
                Stopped::Abandoned => "nobody waits for the picture any longer",
                Stopped::TimedOut => "the picture took too long to process",
            },
        )
    }
}
