//! Limits of the protocol, each with its source.

/// Bucket names have at least this many characters (OSS naming rules).
pub const BUCKET_NAME_MIN: usize = 3;
/// Bucket names have at most this many characters (OSS naming rules).
pub const BUCKET_NAME_MAX: usize = 63;
/// Bytes of an object key at most; a dialect may allow fewer.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of an object key at most in the OSS dialect.
pub const OSS_KEY_BYTES_MAX: usize = 1023;
/// Bytes of one Put, Post or Append request body and of one part (5 GiB).
pub const BODY_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of a whole appendable object (5 GiB).
pub const APPEND_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Part numbers run from 1 to this.
pub const PART_NUMBER_MAX: u16 = 10_000;
/// Bytes of every part but the last at least (100 KiB).
pub const PART_BYTES_MIN: u64 = 100 * 1024;
/// Bytes of one multipart object at most (48.8 TiB).
pub const OBJECT_BYTES_MAX: u64 = 53_687_091_200_000;
/// Bytes of all `x-oss-meta-*` names and values together (8 KiB).
pub const USER_META_BYTES_MAX: usize = 8 * 1024;
/// Tags of one object.
pub const OBJECT_TAGS_MAX: usize = 10;
/// Tags of one bucket.
pub const BUCKET_TAGS_MAX: usize = 20;
/// Characters of a tag key.
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag value.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Keys in one `DeleteMultipleObjects` request.
pub const DELETE_KEYS_MAX: usize = 1000;
/// Bytes of a `DeleteMultipleObjects` body (2 MiB).
pub const DELETE_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a `CompleteMultipartUpload` body: 10,000 parts of about 150 bytes each, with room.
pub const COMPLETE_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of any other XML or JSON document sent by a client.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Entries of one list page at most.
pub const LIST_KEYS_MAX: u32 = 1000;
/// Entries of one `ListObjects` or `ListBuckets` page when the client does not say.
pub const LIST_KEYS_DEFAULT: u32 = 100;
/// Entries of one `ListParts` or `ListMultipartUploads` page when the client does not say.
pub const LIST_PARTS_DEFAULT: u32 = 1000;
/// Buckets one account may own (OSS default quota).
pub const BUCKETS_PER_ACCOUNT_MAX: usize = 100;
/// Rules of one CORS configuration.
pub const CORS_RULES_MAX: usize = 20;
/// Days of a retention at most (100 years, Amazon S3 object lock).
pub const RETENTION_DAYS_MAX: u32 = 36_500;
/// Days of a bucket's retention policy at most (70 years, OSS).
pub const WORM_DAYS_MAX: u32 = 25_550;
/// How long a bucket's retention policy can stay unlocked (24 hours, OSS).
pub const WORM_UNLOCKED_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Characters of a master key's id.
pub const KMS_KEY_ID_CHARS_MAX: usize = 256;
/// Bytes of an encryption context as sent (8 KiB, the limit of Amazon KMS).
pub const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8 * 1024;
/// Access point names have at least this many characters (`CreateAccessPoint`).
pub const ACCESS_POINT_NAME_MIN: usize = 3;
/// Access point names have at most this many characters (`CreateAccessPoint`).
pub const ACCESS_POINT_NAME_MAX: usize = 19;
/// Access points of one bucket (`CreateAccessPoint`).
pub const ACCESS_POINTS_PER_BUCKET_MAX: usize = 100;
/// Access points of one account (`CreateAccessPoint`).
pub const ACCESS_POINTS_PER_ACCOUNT_MAX: usize = 1000;
/// Bytes of a referer configuration (`PutBucketReferer`: 20 KB of each list).
pub const REFERER_BODY_BYTES_MAX: usize = 64 * 1024;
/// Refused requests that a server can explain afterwards; older ones are forgotten. Ours.
pub const REFUSALS_MAX: usize = 1000;
/// Bytes of all of them together (4 MiB). Ours.
pub const REFUSAL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one request head that are kept to explain its signature. Ours.
pub const REFUSED_HEAD_BYTES_MAX: usize = 16 * 1024;
/// How far a request's date may be from the server's, either way.
pub const CLOCK_SKEW_MS_MAX: i64 = 15 * 60 * 1000;
/// Longest life of a V4-signed URL, in seconds (7 days).
pub const PRESIGN_V4_SECONDS_MAX: i64 = 604_800;
/// `x-oss-traffic-limit` in bit/s, lower end.
pub const TRAFFIC_LIMIT_MIN: u64 = 819_200;
/// `x-oss-traffic-limit` in bit/s, upper end.
pub const TRAFFIC_LIMIT_MAX: u64 = 838_860_800;
/// Bytes of one form field's value in `PostObject` (8 KiB).
pub const FORM_FIELD_BYTES_MAX: usize = 8 * 1024;
/// Bytes of everything before the file in `PostObject` (2 MiB).
pub const FORM_HEAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of the line before a chunk in `aws-chunked`: 16 hex digits, `;chunk-signature=`, 64 hex
/// digits and the line's end make 99.
pub const CHUNK_HEAD_BYTES_MAX: usize = 128;
/// Bytes of all that follows the last chunk in `aws-chunked`: a checksum and a signature make
/// less than 300.
pub const CHUNK_TRAILER_BYTES_MAX: usize = 1024;
/// Parameters of one control request, query and form together: `PushObjectCache` and lists of tags
/// stay far below it.
pub const CONTROL_PARAMETERS_MAX: usize = 500;
/// Bytes of the form of a control request: a policy document of 6144 characters takes at most 9
/// times as many in a form, `RefreshObjectCaches` up to 1000 URLs.
pub const CONTROL_FORM_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one `x-oss-process` value; OSS states none, a URL seldom holds more.
pub const PROCESS_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a `ProcessObject` body: such a value, percent-encoded, with its name.
pub const PROCESS_BODY_BYTES_MAX: usize = 16 * 1024;
/// Actions of one image pipeline; OSS states none for the syntax with slashes.
pub const IMAGE_ACTIONS_MAX: usize = 20;
/// Bytes of a picture to be processed (20 MB, OSS image processing limits).
pub const IMAGE_SOURCE_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// Pixels of one side of a picture to be processed (OSS image processing limits).
pub const IMAGE_SOURCE_SIDE_MAX: u32 = 30_000;
/// Pixels of a picture to be processed, of all its frames together (OSS image processing limits).
pub const IMAGE_SOURCE_PIXELS_MAX: u64 = 250_000_000;
/// Pixels of one side of a picture to be rotated (OSS image processing limits).
pub const IMAGE_ROTATE_SIDE_MAX: u32 = 4096;
/// Pixels of one side of a resized picture (OSS image processing limits).
pub const IMAGE_RESULT_SIDE_MAX: u32 = 16_384;
/// Pixels of a resized picture, 4096 by 4096 (OSS image processing limits).
pub const IMAGE_RESULT_PIXELS_MAX: u64 = 16_777_216;
/// Pixels of one side of a WebP picture (the format's own).
pub const WEBP_SIDE_MAX: u32 = 16_383;
/// Pixels of an AVIF result, 4096 by 2304 (OSS image processing limits).
pub const AVIF_PIXELS_MAX: u64 = 4096 * 2304;
/// Picture watermarks of one pipeline (OSS, error 0040-00000026).
pub const IMAGE_MARKS_MAX: usize = 3;
/// Bytes of a text watermark in UTF-8 (64 letters or 21 Chinese characters).
pub const MARK_TEXT_BYTES_MAX: usize = 64;
/// Styles of one bucket (OSS default quota).
pub const STYLES_MAX: usize = 50;
/// Characters of a style's name (OSS naming rules).
pub const STYLE_NAME_CHARS_MAX: usize = 63;
/// Suffixes of protected originals in one bucket; OSS states none.
pub const PROTECTED_SUFFIXES_MAX: usize = 100;
/// Domains of one account on the CDN. The real service gives 50 and more on request; here nobody
/// can be asked.
pub const CDN_DOMAINS_MAX: usize = 1000;
/// Domains named by one request to the CDN API.
pub const CDN_BATCH_MAX: usize = 50;
/// Origins of one domain.
pub const CDN_SOURCES_MAX: usize = 20;
/// Records of functions of one domain: 50 of each kind that can be set more than once, as the
/// consoles allow.
pub const CDN_CONFIGS_MAX: usize = 500;
/// Bytes of one argument of a function; lists of 400 addresses and certificates stay below it.
pub const CDN_ARGUMENT_BYTES_MAX: usize = 32 * 1024;
/// Addresses of one `RefreshObjectCaches`.
pub const CDN_REFRESH_MAX: usize = 1000;
/// Directories or patterns of one `RefreshObjectCaches`.
pub const CDN_REFRESH_OTHER_MAX: usize = 100;
/// Addresses of one `PushObjectCache`.
pub const CDN_PUSH_MAX: usize = 100;
/// Bytes of one address to refresh or prefetch.
pub const CDN_PATH_BYTES_MAX: usize = 4096;
/// Addresses that an account may refresh in a day.
pub const CDN_URL_QUOTA: u32 = 10_000;
/// Directories that an account may refresh in a day.
pub const CDN_DIRECTORY_QUOTA: u32 = 100;
/// Patterns, and addresses without their parameters, that an account may refresh in a day.
pub const CDN_PATTERN_QUOTA: u32 = 100;
/// Addresses that an account may prefetch in a day.
pub const CDN_PRELOAD_QUOTA: u32 = 1000;
/// Days for which tasks can be told.
pub const CDN_TASK_DAYS: i64 = 3;
/// Tasks that are remembered at all: three days of three busy accounts.
pub const CDN_TASKS_MAX: usize = 100_000;
/// Bytes of a certificate with its chain, and of a key.
pub const CDN_PEM_BYTES_MAX: usize = 64 * 1024;
