//! Header signatures of OSS V4 and AWS V4 for prepared requests, written apart from the server's code.

use hmac::{Hmac, KeyInit as _, Mac as _};
use osier_types::{Timestamp, percent_encode};
use sha2::{Digest as _, Sha256};

/// Who signs.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// Access key id.
    pub(crate) id: String,
    /// Its secret.
    pub(crate) secret: String,
}

impl Signer {
    /// A whole request head for `bucket` and `key` in path style, signed, without body.
    pub(crate) fn head(
        &self,
        method: &str,
        bucket: &str,
        key: &str,
        query: &[(&str, &str)],
        length: Option<usize>,
        now: Timestamp,
    ) -> String {
        self.head_with(method, bucket, key, query, &[], length, now)
    }

    /// The same with further `x-oss-*` headers, whose names sort before `x-oss-content-sha256`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, each once"
    )]
    pub(crate) fn head_with(
        &self,
        method: &str,
        bucket: &str,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        length: Option<usize>,
        now: Timestamp,
    ) -> String {
        let path = if key.is_empty() && bucket.is_empty() {
            "/".to_owned()
        } else {
            format!("/{bucket}/{}", percent_encode(key.as_bytes(), true))
        };
        let query = encoded(query, "");
        let date = now.compact();
        let join = |separator: &str, end: &str| {
            headers
                .iter()
                .flat_map(|(name, value)| [*name, separator, *value, end])
                .collect::<String>()
        };
        let (signed, sent) = (join(":", "\n"), join(": ", "\r\n"));
        let canonical = format!(
            "{method}\n{path}\n{query}\n{signed}x-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:{date}\n\n\nUNSIGNED-PAYLOAD"
        );
        let (scope, signature) = self.signed(&OSS4, &date, &canonical);
        let separator = if query.is_empty() { "" } else { "?" };
        let length = content_length(length);
        format!(
            "{method} {path}{separator}{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{sent}\
             x-oss-date: {date}\r\nx-oss-content-sha256: UNSIGNED-PAYLOAD\r\n\
             Authorization: OSS4-HMAC-SHA256 Credential={}/{scope},Signature={signature}\r\n\r\n",
            self.id
        )
    }

    /// A whole request head of the S3 dialect in path style; the region is `us-east-1`.
    pub(crate) fn s3_head(
        &self,
        method: &str,
        target: (&str, &str),
        query: &[(&str, &str)],
        length: Option<usize>,
        now: Timestamp,
    ) -> String {
        const PAYLOAD: &str = "UNSIGNED-PAYLOAD";
        const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
        let (bucket, key) = target;
        let path = match key {
            "" => format!("/{bucket}"),
            key => format!("/{bucket}/{}", percent_encode(key.as_bytes(), true)),
        };
        let query = encoded(query, "=");
        let date = now.compact();
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:127.0.0.1\nx-amz-content-sha256:{PAYLOAD}\n\
             x-amz-date:{date}\n\n{SIGNED}\n{PAYLOAD}"
        );
        let (scope, signature) = self.signed(&AWS4, &date, &canonical);
        let separator = if query.is_empty() { "" } else { "?" };
        let length = content_length(length);
        format!(
            "{method} {path}{separator}{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\
             x-amz-date: {date}\r\nx-amz-content-sha256: {PAYLOAD}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, \
             Signature={signature}\r\n\r\n",
            self.id
        )
    }
}

/// What the fourth signatures of OSS and AWS differ in, besides what they sign.
struct Version4 {
    algorithm: &'static str,
    secret_prefix: &'static str,
    region: &'static str,
    service: &'static str,
    end: &'static str,
}

const OSS4: Version4 = Version4 {
    algorithm: "OSS4-HMAC-SHA256",
    secret_prefix: "aliyun_v4",
    region: "cn-hangzhou",
    service: "oss",
    end: "aliyun_v4_request",
};

const AWS4: Version4 = Version4 {
    algorithm: "AWS4-HMAC-SHA256",
    secret_prefix: "AWS4",
    region: "us-east-1",
    service: "s3",
    end: "aws4_request",
};

impl Signer {
    /// Scope and signature of a canonical request.
    fn signed(&self, version: &Version4, date: &str, canonical: &str) -> (String, String) {
        let day: String = date.chars().take(8).collect();
        let parts = [day.as_str(), version.region, version.service, version.end];
        let scope = parts.join("/");
        let digest = hex(&Sha256::digest(canonical));
        let text = format!("{}\n{date}\n{scope}\n{digest}", version.algorithm);
        let start = format!("{}{}", version.secret_prefix, self.secret).into_bytes();
        let key = parts
            .iter()
            .fold(start, |key, part| hmac(&key, part.as_bytes()));
        (scope, hex(&hmac(&key, text.as_bytes())))
    }
}

/// A query in order; `empty` follows a name without a value.
fn encoded(query: &[(&str, &str)], empty: &str) -> String {
    let mut pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| {
            let name = percent_encode(name.as_bytes(), false);
            match *value {
                "" => name + empty,
                value => name + "=" + &percent_encode(value.as_bytes(), false),
            }
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn content_length(length: Option<usize>) -> String {
    length
        .map(|length| format!("Content-Length: {length}\r\n"))
        .unwrap_or_default()
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("any key length will do"));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
