//! The two headers that forms are made of: the body's `Content-Type` with its
//! boundary, and each part's `Content-Disposition`, as browsers write them.

use osier_types::percent_decode;

/// What a part is.
#[derive(Debug)]
pub(super) struct Disposition {
    /// In lower case: field names are compared without case.
    pub(super) name: String,
    pub(super) file_name: Option<Vec<u8>>,
}

impl Disposition {
    /// `form-data; name="key"; filename="a.png"`.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let parameters = parameters(value, b"form-data")?;
        let find = |name: &str| {
            parameters
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.clone())
        };
        // Old urllib3 writes names that are not ASCII as `filename*=utf-8''%E4...`.
        let extended = || {
            let value = find("filename*")?;
            let mut parts = value.splitn(3, |&byte| byte == b'\'');
            parts.nth(2).map(percent_decode)
        };
        Some(Self {
            name: String::from_utf8_lossy(&find("name")?).to_ascii_lowercase(),
            file_name: find("filename").or_else(extended),
        })
    }
}

/// The boundary of `multipart/form-data; boundary=...`.
pub(super) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    const BOUNDARY_BYTES_MAX: usize = 200;
    parameters(content_type, b"multipart/form-data")?
        .into_iter()
        .find(|(name, _)| name == "boundary")
        .map(|(_, value)| value)
        .filter(|value| (1..=BOUNDARY_BYTES_MAX).contains(&value.len()))
        .filter(|value| !value.iter().any(|byte| matches!(byte, b'\r' | b'\n')))
}

/// The parameters of a header value that begins with `kind`, names in lower case.
fn parameters(value: &[u8], kind: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let end = value.iter().position(|&byte| byte == b';');
    let (head, mut rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
    if !head.trim_ascii().eq_ignore_ascii_case(kind) {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some((b';', tail)) = rest.split_first() {
        let tail = tail.trim_ascii_start();
        let Some(equals) = tail.iter().position(|&byte| matches!(byte, b'=' | b';')) else {
            break;
        };
        let (name, tail) = tail.split_at_checked(equals)?;
        let Some(tail) = tail.strip_prefix(b"=") else {
            rest = tail;
            continue;
        };
        let (value, after) = parameter_value(tail.trim_ascii_start());
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        parameters.push((name, value));
        let next = after.iter().position(|&byte| byte == b';');
        rest = next.and_then(|at| after.get(at..)).unwrap_or_default();
    }
    Some(parameters)
}

/// Splits off a quoted or bare value. Of backslashes only those before a quote count: browsers
/// do not escape the ones of `C:\a.png`.
fn parameter_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|&byte| byte == b';');
        let (value, rest) = text
            .split_at_checked(end.unwrap_or(text.len()))
            .unwrap_or((text, b""));
        return (value.trim_ascii().to_vec(), rest);
    };
    let mut value = Vec::new();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail.first()) {
            (b'"', _) => break,
            (b'\\', Some(b'"')) => {
                value.push(b'"');
                rest = tail.get(1..).unwrap_or_default();
            }
            _ => value.push(byte),
        }
    }
    (value, rest)
}
