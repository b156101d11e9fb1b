//! XML: bodies of requests read into small trees, documents of answers written,
//! and the documents that are the same in both dialects.

pub(crate) mod documents;
pub(crate) mod kept;
pub(crate) mod protection;
pub(crate) mod read;
pub(crate) mod write;
