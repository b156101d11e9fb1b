//! What writing answers has in common in all dialects.

pub(crate) mod cors;
pub(crate) mod head;
pub(crate) mod location;
pub(crate) mod read;

use bytes::Bytes;
use http::response::Parts;
use osier_types::{BucketName, ConfigKind, Op, Timestamp};

/// What an answer needs to know of its request and of the server.
#[derive(Clone, Copy, Debug)]
pub struct ReplyContext<'a> {
    /// 24 upper-case hex digits.
    pub request_id: &'a str,
    /// `Host` as the client sent it, port included: `HostId` of errors, and where locations
    /// of new objects point to.
    pub host: &'a str,
    /// Whether that host names the bucket (virtual-host style).
    pub bucket_in_host: bool,
    /// Host and port under which this client reaches the service: its own `Host` without the
    /// bucket. Clients reconnect to it (`ExtranetEndpoint`).
    pub endpoint: &'a str,
    /// `http` or `https`, as the client came in.
    pub scheme: &'a str,
    /// Account id of the owner, for documents that name one without an [`Outcome`](osier_types::Outcome) telling it.
    pub owner_id: &'a str,
    /// The region, without `oss-` before it.
    pub region: &'a str,
    /// When the answer is written.
    pub now: Timestamp,
    /// How long the request took, in milliseconds.
    pub elapsed_ms: u64,
}

/// What an answer needs to know of its [`Op`], taken before the op is carried out.
#[derive(Clone, Debug, Default)]
pub struct ReplyFacts {
    /// The bucket it is about.
    pub bucket: Option<BucketName>,
    /// Whether `Done` and `Touched` mean 204.
    pub no_content: bool,
    /// S3: whether a read wants the object's checksums told.
    pub tells_checksums: bool,
    /// Whether it is `HeadBucket`.
    pub is_bucket_head: bool,
    /// Whether it is `GetBucketTags`, which S3 refuses where there are none.
    pub is_bucket_tags: bool,
}

/// An answer. For reads of objects `body` is empty and the head tells the length of the bytes.
#[derive(Debug)]
pub struct Encoded {
    /// Status and headers.
    pub head: Parts,
    /// The document, often empty. Always empty for HEAD.
    pub body: Bytes,
}

impl ReplyFacts {
    /// The facts of `op`.
    pub fn of(op: &Op) -> Self {
        let no_content = match op {
            // Removal of these two is a POST, and answers like one.
            Op::DeleteBucketConfig { kind, .. } => {
                !matches!(kind, ConfigKind::Cname | ConfigKind::Replication)
            }
            Op::DeleteBucket { .. }
            | Op::DeleteBucketTags { .. }
            | Op::DeleteBucketCors { .. }
            | Op::DeleteBucketOwnership { .. }
            | Op::DeleteBucketEncryption { .. }
            | Op::DeleteBucketPolicy { .. }
            | Op::DeletePublicAccessBlock(_)
            | Op::DeleteAccessPoint(_)
            | Op::DeleteAccessPointPolicy(_)
            | Op::AbortBucketWorm { .. }
            | Op::DeleteStyle { .. }
            | Op::DeleteObject(_)
            | Op::DeleteObjectTagging(_)
            | Op::AbortMultipartUpload(_) => true,
            _ => false,
        };
        Self {
            bucket: op.bucket().cloned(),
            no_content,
            tells_checksums: false,
            is_bucket_head: matches!(op, Op::HeadBucket { .. }),
            is_bucket_tags: matches!(op, Op::GetBucketTags { .. }),
        }
    }
}
