//! Documents of an origin's answer as S3 writes them. The two have the same elements but for a
//! few; those that S3 does not know are left out.

use std::collections::HashSet;

use bytes::Bytes;
use osier_types::{DeletionRefused, Fault, FaultKind, ObjectAcl, Op, Owner, StorageClass};

use super::headers::tags_to_s3;
use crate::s3::acl::Acl;
use crate::s3::{NAMESPACE, bucket_location, class, list_of, words};
use crate::xml::read::{Element, parse};
use crate::xml::write::Xml;

/// The root of what answers a deletion of several objects.
pub const DELETED_ROOT: &str = "DeleteResult";

/// The root of the document that answers `op`; none where S3 expects no document.
pub fn document_root(op: &Op) -> Option<&'static str> {
    match op {
        Op::ListObjects(_) => Some("ListBucketResult"),
        Op::ListObjectVersions(_) => Some("ListVersionsResult"),
        Op::ListMultipartUploads(_) => Some("ListMultipartUploadsResult"),
        Op::ListParts(_) => Some("ListPartsResult"),
        Op::DeleteObjects(_) => Some(DELETED_ROOT),
        Op::CopyObject(_) => Some("CopyObjectResult"),
        Op::UploadPartCopy(_) => Some("CopyPartResult"),
        Op::InitiateMultipartUpload(_) => Some("InitiateMultipartUploadResult"),
        Op::CompleteMultipartUpload(_) => Some("CompleteMultipartUploadResult"),
        Op::GetBucketLocation { .. } => Some("LocationConstraint"),
        Op::GetBucketVersioning { .. } => Some("VersioningConfiguration"),
        Op::GetObjectTagging(_) => Some("Tagging"),
        Op::GetObjectAcl(_) => Some("AccessControlPolicy"),
        _ => None,
    }
}

/// The document of an answer to `op`. `location` is where this client reaches a new object;
/// `spared` is what the origin was not asked to delete.
///
/// # Errors
/// When it is not the document that was expected.
pub fn tell_document(
    op: &Op,
    document: &[u8],
    location: &str,
    spared: &[DeletionRefused],
) -> Result<Bytes, Fault> {
    let Some(root) = document_root(op) else {
        return Ok(Bytes::new());
    };
    let told = parse(document, root).map_err(not_understood)?;
    match op {
        Op::GetBucketLocation { .. } => Ok(bucket_location(told.text.trim())),
        Op::GetObjectAcl(_) => list(&told),
        Op::DeleteObjects(delete) => {
            let (mut named, mut left) = (HashSet::new(), Vec::new());
            for element in &told.children {
                let key = element.exact("Key").map_err(not_understood)?;
                named.extend(key.filter(|_| matches!(&*element.name, "Deleted" | "Error")));
                if &*element.name == "Error" || (&*element.name == "Deleted" && !delete.quiet) {
                    left.push(element);
                }
            }
            let untold = delete
                .objects
                .iter()
                .filter(|object| !named.contains(object.key.as_str()))
                .map(|object| DeletionRefused {
                    key: object.key.clone(),
                    version: object.version,
                    fault: FaultKind::Internal.into(),
                });
            let untold: Vec<DeletionRefused> = untold.collect();
            Ok(Xml::attributed(
                root,
                NAMESPACE,
                document.len() + 256,
                |xml| {
                    for element in left {
                        write(xml, element, location);
                    }
                    for refused in spared.iter().chain(&untold) {
                        refusal(xml, refused);
                    }
                },
            ))
        }
        _ => Ok(Xml::attributed(
            root,
            NAMESPACE,
            document.len() + 128,
            |xml| {
                for element in &told.children {
                    write(xml, element, location);
                }
            },
        )),
    }
}

fn write(xml: &mut Xml, element: &Element, location: &str) {
    let name = &*element.name;
    match name {
        // OSS alone tells these.
        "Type" | "HashCrc64ecma" | "RestoreInfo" | "TransitionTime" | "SealedTime"
        | "ResponseVary" => {}
        "ETag" => xml.text(name, &tags_to_s3(&element.text)),
        "Location" => xml.text(name, location),
        "StorageClass" => {
            let class = StorageClass::parse(element.text.trim()).ok();
            let class = class.map(class::name);
            xml.text(name, class.unwrap_or(&element.text));
        }
        _ if element.children.is_empty() => xml.text(name, &element.text),
        _ => xml.within(name, |xml| {
            for child in &element.children {
                write(xml, child, location);
            }
        }),
    }
}

fn refusal(xml: &mut Xml, refused: &DeletionRefused) {
    let words = words(&refused.fault.kind);
    xml.within("Error", |xml| {
        xml.text("Key", refused.key.as_str());
        if let Some(version) = refused.version {
            xml.text("VersionId", &version.to_string());
        }
        xml.text("Code", words.code);
        xml.text("Message", &words.message);
    });
}

/// OSS names a list by a word, S3 tells what it grants.
fn list(told: &Element) -> Result<Bytes, Fault> {
    let text = |element: Option<&Element>, name: &str| {
        let text = element.map(|element| element.exact(name)).transpose();
        let text = text.map_err(not_understood)?.flatten();
        Ok::<_, Fault>(text.unwrap_or_default().to_owned())
    };
    let owner = told.one("Owner").map_err(not_understood)?;
    let owner = Owner {
        id: text(owner, "ID")?,
        display_name: text(owner, "DisplayName")?,
    };
    let grants = told.one("AccessControlList").map_err(not_understood)?;
    let word = text(grants, "Grant")?;
    let acl = ObjectAcl::parse(word.trim()).map_err(|_| Fault::new(FaultKind::Internal))?;
    Ok(list_of(&owner, Acl::of_object(acl)))
}

/// It is the origin's mistake, not the client's.
fn not_understood(fault: Fault) -> Fault {
    Fault::new(FaultKind::Internal).because(fault)
}
