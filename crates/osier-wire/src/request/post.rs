//! What the fields of forms say in every dialect.

use osier_types::{Fault, PostSuccess};

use super::fields::Fields;

/// Puts the file's name, without folders, in place of `${filename}`.
pub(crate) fn with_file_name(key: &[u8], file_name: Option<&[u8]>) -> Vec<u8> {
    const MARK: &[u8] = b"${filename}";
    let base = file_name
        .and_then(|name| name.rsplit(|byte| matches!(byte, b'/' | b'\\')).next())
        .unwrap_or_default();
    let mut filled = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(MARK) {
            filled.extend_from_slice(base);
            rest = after;
        } else {
            filled.push(first);
            rest = tail;
        }
    }
    filled
}

/// What a form asks to be answered.
pub(crate) fn success(fields: Fields<'_>) -> Result<PostSuccess, Fault> {
    const REDIRECT: &str = "success_action_redirect";
    // S3 knows an older name for it.
    let url = match fields.text(REDIRECT)? {
        None => fields.text("redirect")?,
        url => url,
    };
    if let Some(url) = url {
        let is_web = ["http://", "https://"].iter().any(|scheme| {
            url.get(..scheme.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
        });
        if !is_web || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::argument(REDIRECT, url, "an http or https URL"));
        }
        return Ok(PostSuccess::Redirect(url.to_owned()));
    }
    // Anything that is not one of the three counts as absent.
    Ok(match fields.get("success_action_status") {
        Some(b"200") => PostSuccess::Status(200),
        Some(b"201") => PostSuccess::Document,
        _ => PostSuccess::Status(204),
    })
}
