//! Headers of an origin's answer as S3 writes them, and tags of content between the two.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, ETAG, HeaderName, HeaderValue, IntoHeaderName, SERVER};
use osier_types::{Checksum, StorageClass};

use crate::reply::head::CONTENT_MD5;
use crate::s3::{class, encoded_word};

/// The headers of an answer of OSS in S3's words. What S3 has no word for is left out.
pub fn tell_headers(headers: &mut HeaderMap, request_id: &str) {
    let told = std::mem::take(headers);
    let mut origins_id = None;
    for (name, value) in &told {
        let Some(of_oss) = name.as_str().strip_prefix("x-oss-") else {
            headers.append(name.clone(), value.clone());
            continue;
        };
        if let Some(name) = of_oss.strip_prefix("meta-") {
            let name = HeaderName::try_from(format!("x-amz-meta-{name}"));
            if let Ok(name) = name {
                let word = encoded_word::encode(value.as_bytes());
                let word = word.and_then(|word| HeaderValue::try_from(word).ok());
                headers.append(name, word.unwrap_or_else(|| value.clone()));
            }
            continue;
        }
        match of_oss {
            "request-id" => origins_id = Some(value.clone()),
            "storage-class" => {
                let class = value
                    .to_str()
                    .ok()
                    .and_then(|text| StorageClass::parse(text).ok());
                // S3 says nothing of the usual one.
                if let Some(class) = class.filter(|class| *class != StorageClass::Standard) {
                    set(headers, "x-amz-storage-class", class::name(class));
                }
            }
            "server-side-encryption" => match value.as_bytes() {
                b"AES256" => set(headers, "x-amz-server-side-encryption", "AES256"),
                b"KMS" => set(headers, "x-amz-server-side-encryption", "aws:kms"),
                _ => {}
            },
            other => {
                let same = SAME.iter().find(|(of_oss, _)| *of_oss == other);
                if let Some((_, of_s3)) = same {
                    headers.insert(*of_s3, value.clone());
                }
            }
        }
    }
    headers.remove(CONTENT_MD5);
    if let Some(Ok(tag)) = headers.get(ETAG).map(HeaderValue::to_str) {
        let tag = tags_to_s3(tag);
        insert(headers, ETAG, &tag);
    }
    headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));
    insert(headers, "x-amz-request-id", request_id);
    match origins_id {
        // For those who ask the origin's people.
        Some(id) => {
            headers.insert("x-amz-id-2", id);
        }
        None => insert(headers, "x-amz-id-2", request_id),
    }
}

/// Tells the checksum that a body turned out to have.
pub fn with_checksum(headers: &mut HeaderMap, checksum: &Checksum) {
    insert(headers, checksum.algorithm().header(), &checksum.base64());
}

/// Takes out what says how the client's body travelled.
pub(super) fn framing_removed(headers: &mut HeaderMap) {
    for name in ["x-amz-decoded-content-length", "x-amz-te"] {
        headers.remove(name);
    }
    if headers.remove("x-amz-trailer").is_some() {
        // It promises a checksum that has been checked and does not follow any more.
        headers.remove("x-amz-sdk-checksum-algorithm");
    }
    let Some(Ok(coding)) = headers.get(CONTENT_ENCODING).map(HeaderValue::to_str) else {
        return;
    };
    let left: Vec<&str> = coding
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    let left = left.join(", ");
    if left.is_empty() {
        headers.remove(CONTENT_ENCODING);
    } else {
        insert(headers, CONTENT_ENCODING, &left);
    }
}

/// Tags in a header or a document of S3 as OSS writes them: hexadecimal digits in upper case.
pub(super) fn tags_to_oss(tags: &str) -> String {
    of_each_tag(tags, str::to_ascii_uppercase)
}

/// The other way round.
pub(super) fn tags_to_s3(tags: &str) -> String {
    of_each_tag(tags, str::to_ascii_lowercase)
}

/// Digests are written in either case; a tag of another form means itself.
fn of_each_tag(tags: &str, change: impl Fn(&str) -> String) -> String {
    let changed = tags.split(',').map(|tag| {
        let bare = tag.trim().trim_start_matches("W/").trim_matches('"');
        let (digest, parts) = bare.split_once('-').unwrap_or((bare, "0"));
        let is_digest = digest.len() == 32
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
            && parts.bytes().all(|byte| byte.is_ascii_digit());
        if is_digest {
            tag.replace(bare, &change(bare))
        } else {
            tag.to_owned()
        }
    });
    let changed: Vec<String> = changed.collect();
    changed.join(",")
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

fn insert(headers: &mut HeaderMap, name: impl IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Headers whose values mean the same in both.
const SAME: [(&str, &str); 7] = [
    ("copy-source-version-id", "x-amz-copy-source-version-id"),
    ("delete-marker", "x-amz-delete-marker"),
    ("expiration", "x-amz-expiration"),
    ("restore", "x-amz-restore"),
    (
        "server-side-encryption-key-id",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ),
    ("tagging-count", "x-amz-tagging-count"),
    ("version-id", "x-amz-version-id"),
];
