//! The headers that every answer of OSS has, and the names of the others.

use http::StatusCode;
use http::header::SERVER;

use super::ReplyContext;
pub(super) use crate::reply::head::Head;
use crate::reply::head::header_names;

header_names! {
    REQUEST_ID = "x-oss-request-id";
    SERVER_TIME = "x-oss-server-time";
    EC = "x-oss-ec";
    ERR = "x-oss-err";
    CRC64 = "x-oss-hash-crc64ecma";
    VERSION_ID = "x-oss-version-id";
    SOURCE_VERSION_ID = "x-oss-copy-source-version-id";
    DELETE_MARKER = "x-oss-delete-marker";
    OBJECT_TYPE = "x-oss-object-type";
    STORAGE_CLASS = "x-oss-storage-class";
    TAGGING_COUNT = "x-oss-tagging-count";
    NEXT_APPEND_POSITION = "x-oss-next-append-position";
    SEALED_TIME = "x-oss-sealed-time";
    SYMLINK_TARGET = "x-oss-symlink-target";
    ENCRYPTION = "x-oss-server-side-encryption";
    ENCRYPTION_KEY_ID = "x-oss-server-side-encryption-key-id";
    WORM_ID = "x-oss-worm-id";
    LOCK_MODE = "x-oss-object-worm-mode";
    LOCK_UNTIL = "x-oss-object-worm-retain-until-date";
    LEGAL_HOLD = "x-oss-object-worm-legal-hold";
}

/// A head with the headers that every answer has, but `Content-Length`.
pub(super) fn head(context: &ReplyContext<'_>, status: StatusCode) -> Head {
    let mut head = Head::begin(context, status);
    head.fixed(SERVER, "AliyunOSS");
    head.text(REQUEST_ID, context.request_id);
    head.number(SERVER_TIME, context.elapsed_ms);
    head
}
