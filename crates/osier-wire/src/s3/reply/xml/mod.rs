//! The documents of S3, one file per family.
//!
//! Elements that say nothing are left out, as S3 does: clients tell absent
//! from empty.

pub(super) mod bucket;
pub(super) mod list;
pub(super) mod object;
pub(super) mod protection;

use bytes::Bytes;
use osier_types::{Checksum, ETag, ObjectChecksum};

use super::head::tag;
use crate::xml::write::Xml;

pub(crate) const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

/// A document in the namespace of S3, of about `bytes` bytes.
fn document(root: &str, bytes: usize, children: impl FnOnce(&mut Xml)) -> Bytes {
    Xml::attributed(root, NAMESPACE, bytes, children)
}

/// A tag in quotes.
fn etag(xml: &mut Xml, etag: &ETag) {
    xml.text("ETag", &format!("\"{}\"", tag(etag)));
}

/// `ChecksumCRC32` and its kin.
fn checksum(xml: &mut Xml, checksum: Option<&Checksum>) {
    if let Some(checksum) = checksum {
        xml.text(
            &format!("Checksum{}", checksum.algorithm().name()),
            &checksum.base64(),
        );
    }
}

/// The checksum of an object, and what it covers.
fn object_checksum(xml: &mut Xml, checksum: Option<&ObjectChecksum>) {
    if let Some(checksum) = checksum {
        xml.text(
            &format!("Checksum{}", checksum.checksum.algorithm().name()),
            &checksum.text(),
        );
        xml.text("ChecksumType", checksum.kind().name());
    }
}
