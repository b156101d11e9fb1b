//! The documents of OSS, one file per family.
//!
//! Old clients fail on a missing element even where it would be empty, so
//! every element of a list is always written; none of the documents has a
//! namespace, since clients look elements up without one.

pub(super) mod access;
pub(super) mod bucket;
pub(super) mod config;
pub(super) mod list;
pub(super) mod object;
pub(super) mod process;
pub(super) mod protection;
pub(super) mod service;

use crate::xml::write::{Names, Xml};
