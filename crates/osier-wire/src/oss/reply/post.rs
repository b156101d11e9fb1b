//! What a form upload is answered with: a status, a document or a redirect.

use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use osier_types::{BucketName, ETag, ObjectKey, PostSuccess, Written, percent_encode};

use super::head::{CRC64, Head, VERSION_ID};
use super::xml::Xml;
use super::{Encoded, ReplyContext};

pub(super) fn encode(
    context: &ReplyContext<'_>,
    bucket: &BucketName,
    key: &ObjectKey,
    written: &Written,
    success: &PostSuccess,
) -> Encoded {
    let mut head = Head::new(context, StatusCode::NO_CONTENT);
    head.etag(&written.etag);
    head.content_md5(&written.md5);
    head.number(CRC64, written.crc64);
    head.version(VERSION_ID, written.version);
    match success {
        PostSuccess::Status(200) => {
            head.status = StatusCode::OK;
            head.bare()
        }
        // OSS takes any other status for the default.
        PostSuccess::Status(_) => head.bare(),
        PostSuccess::Document => {
            head.status = StatusCode::CREATED;
            let location = location(context, bucket, key);
            head.text(LOCATION, &location);
            head.xml(document(bucket, key, &written.etag, &location))
        }
        PostSuccess::Redirect(url) => {
            head.status = StatusCode::SEE_OTHER;
            head.text(LOCATION, &redirect(url, bucket, key, &written.etag));
            head.bare()
        }
    }
}

/// The URL of an object as this client reaches it.
pub(super) fn location(context: &ReplyContext<'_>, bucket: &BucketName, key: &ObjectKey) -> String {
    let ReplyContext { scheme, host, .. } = context;
    let key = percent_encode(key.as_bytes(), true);
    if context.bucket_in_host {
        format!("{scheme}://{host}/{key}")
    } else {
        format!("{scheme}://{host}/{bucket}/{key}")
    }
}

fn document(bucket: &BucketName, key: &ObjectKey, etag: &ETag, location: &str) -> Bytes {
    Xml::document("PostResponse", |xml| {
        xml.text("Bucket", bucket.as_str());
        xml.etag(etag);
        xml.text("Key", key.as_str());
        xml.text("Location", location);
    })
}

/// The form's URL with `bucket`, `key` and `etag` added to its query. Bytes that no URL may have
/// are percent-encoded, so that a form can't break out of the header.
fn redirect(url: &str, bucket: &BucketName, key: &ObjectKey, etag: &ETag) -> String {
    let (url, fragment) = url
        .split_once('#')
        .map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let mut to = url_safe(url);
    match url.split_once('?') {
        None => to.push('?'),
        Some((_, "")) => {}
        Some((_, query)) if query.ends_with('&') => {}
        Some(_) => to.push('&'),
    }
    to.push_str("bucket=");
    to.push_str(bucket.as_str());
    to.push_str("&key=");
    to.push_str(&percent_encode(key.as_bytes(), false));
    to.push_str("&etag=");
    to.push_str(&percent_encode(etag.quoted().as_bytes(), false));
    if let Some(fragment) = fragment {
        to.push('#');
        to.push_str(&url_safe(fragment));
    }
    to
}

fn url_safe(url: &str) -> String {
    let mut safe = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&percent_encode(&[byte], false));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(url: &str) -> String {
        redirect(
            url,
            &BucketName::parse("bkt").unwrap(),
            &ObjectKey::parse("a b/ü&".as_bytes()).unwrap(),
            &ETag::of_md5(&[0xAB; 16]),
        )
    }

    #[test]
    fn redirects_keep_the_query_and_the_fragment() {
        let added = "bucket=bkt&key=a%20b%2F%C3%BC%26&etag=%22ABABABABABABABABABABABABABABABAB%22";
        for (url, expected) in [
            ("http://h/p", format!("http://h/p?{added}")),
            ("http://h/p?", format!("http://h/p?{added}")),
            ("http://h/p?x=1", format!("http://h/p?x=1&{added}")),
            ("http://h/p?x=1&", format!("http://h/p?x=1&{added}")),
            ("http://h/p#top", format!("http://h/p?{added}#top")),
            ("http://h/p?x#?y", format!("http://h/p?x&{added}#?y")),
            (
                "http://h/a\r\nSet-Cookie: b=ü",
                format!("http://h/a%0D%0ASet-Cookie:%20b=%C3%BC?{added}"),
            ),
        ] {
            assert_eq!(to(url), expected);
        }
    }
}
