//! Where a new object is: its URL, and the one a form asks to be sent to.

use osier_types::{BucketName, ObjectKey, percent_encode};

use super::ReplyContext;

/// The URL of an object as this client reaches it.
pub(crate) fn location(context: &ReplyContext<'_>, bucket: &BucketName, key: &ObjectKey) -> String {
    let ReplyContext { scheme, host, .. } = context;
    let key = percent_encode(key.as_bytes(), true);
    if context.bucket_in_host {
        format!("{scheme}://{host}/{key}")
    } else {
        format!("{scheme}://{host}/{bucket}/{key}")
    }
}

/// The form's URL with `bucket`, `key` and `etag` added to its query. Bytes that no URL may have
/// are percent-encoded, so that a form can't break out of the header.
pub(crate) fn redirect(url: &str, bucket: &BucketName, key: &ObjectKey, etag: &str) -> String {
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
    to.push_str(&percent_encode(format!("\"{etag}\"").as_bytes(), false));
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
            "ABABABABABABABABABABABABABABABAB",
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
