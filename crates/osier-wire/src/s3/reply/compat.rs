//! Two pages: which operation of the S3 API works here, and how each dialect
//! says what both can say. Both come from the tables that requests go by.

use std::fmt::Write as _;

use osier_types::{FaultKind, ObjectAcl, StorageClass};

use crate::oss::compat_rows;
use crate::s3::acl::CANNED;
use crate::s3::class::CLASSES;
use crate::s3::{ROUTES, class, words};

const S3: &str = "
# What works of the S3 API

The same buckets and keys answer the S3 API; [dialects.md](dialects.md) says how the two read each
other.
";

/// The section on S3 of `docs/compat.md`.
pub(crate) fn compat_section() -> String {
    let mut page = S3.to_owned();
    compat_rows(&mut page, ROUTES);
    page
}

const DIALECTS: &str = "\
# Two dialects, one store

<!-- Written by `BLESS=1 cargo nextest run -p osier-wire` from the tables that requests go by. Don't edit. -->

Every bucket and key answers both the OSS API and the S3 API. What one writes the other reads:
bytes, names, standard headers, user metadata (`x-oss-meta-*` is `x-amz-meta-*`), tags, versions
(the ids are the same text in both, `null` included), retention, legal hold and encryption. This
page says where the two use different words.

## Which dialect a request speaks

1. What the listener's `dialect` setting says, where it names one.
2. The scheme of the signature: `AWS4-HMAC-SHA256`, `AWS id:signature` and their query parameters
   are S3's; `OSS`, `OSS2`, `OSS4-HMAC-SHA256` and theirs are OSS's. Forms go by the field that
   brings the signature.
3. The names of headers and parameters: `x-amz-*` or `x-oss-*`, or a sub-resource that only one of
   the two has.
4. What fits both is answered in the listener's default.

## Names

| | OSS | S3 |
|---|---|---|
| Buckets | 3 to 63 of `a-z 0-9 -` | the same; names with dots are refused in both |
| Keys | 1 to 1023 bytes of UTF-8, not beginning with `/` or `\\` | 1 to 1024 bytes of UTF-8 |
| Location | `oss-cn-hangzhou` | `cn-hangzhou`; any `LocationConstraint` is taken |
| Owner | account id and name | the same |

A key that only S3 allows is listed by both, but OSS can't address it.

## Access-control lists

An object that S3 writes without a list is `private`; one that OSS writes without a list goes by its
bucket's, which S3 tells as the owner's grant alone. The owner can always do everything.

Who writes over an object or deletes it needs the leave of its list in OSS, and in S3 that of the bucket's
list alone: everybody may overwrite what is in a `public-read-write` bucket, by a request of S3.
";

/// `docs/dialects.md`, whole, with the codes of these faults.
pub fn dialects_table(faults: &[FaultKind]) -> String {
    let mut page = DIALECTS.to_owned();
    line(
        &mut page,
        format_args!("\n| S3 | kept as, and in OSS |\n|---|---|"),
    );
    for (word, acl) in CANNED {
        let kept = acl.map_or("refused: `NotImplemented`".to_owned(), |acl| {
            format!("`{}`", ObjectAcl::from(acl).as_str())
        });
        line(&mut page, format_args!("| `{word}` | {kept} |"));
    }
    page.push_str(
        "| grant of `READ` to AllUsers | `public-read` |\n\
         | grants of `READ` and `WRITE` to AllUsers | `public-read-write` |\n\
         | any grant to the owner | nothing: the owner can do everything |\n\
         | any other grant | refused |\n",
    );
    classes(&mut page);
    page.push_str(SUMS);
    codes(&mut page, faults);
    page
}

fn classes(page: &mut String) {
    page.push_str("\n## Storage classes\n\n| OSS | S3 tells | S3 may ask for |\n|---|---|---|\n");
    for kept in StorageClass::ALL {
        let asked: Vec<String> = CLASSES
            .iter()
            .filter(|(_, class)| class == kept)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        line(
            page,
            format_args!(
                "| `{}` | `{}` | {} |",
                kept.as_str(),
                class::name(*kept),
                asked.join(", ")
            ),
        );
    }
}

const SUMS: &str = "
`x-amz-storage-class` is left out for `STANDARD`, as S3 does.

## Tags of content, checksums

| | OSS | S3 |
|---|---|---|
| `ETag` | upper-case hex in quotes | the same in lower case; both compare without regard to case |
| of parts | `MD5 of the MD5s-count` | the same |
| `Content-MD5` of an answer | objects in one piece | not told |
| CRC-64/XZ | `x-oss-hash-crc64ecma`, always | not told, but reckoned for every object |
| CRC32, CRC32C, CRC64NVME, SHA1, SHA256 | not told; kept | `x-amz-checksum-*` with `x-amz-checksum-mode: ENABLED`; CRC64NVME for uploads that name none |

## What only one of them can say

OSS alone: append, symlinks, `x-oss-forbid-overwrite`, persistent headers, image processing. S3
reads such objects as any other. S3 alone: customer keys (SSE-C), conditional writes and deletions,
checksums, parts by number. OSS can't read an object under a customer's key.

## Error codes
";

fn codes(page: &mut String, faults: &[FaultKind]) {
    page.push_str("\n| OSS | | S3 | |\n|---|---|---|---|\n");
    let mut rows: Vec<String> = faults
        .iter()
        .map(|kind| {
            let (oss, s3) = (crate::oss::words(kind), words(kind));
            format!(
                "| `{}` | {} | `{}` | {} |",
                oss.code,
                oss.status.as_u16(),
                s3.code,
                s3.status.as_u16()
            )
        })
        .collect();
    rows.dedup();
    for row in rows {
        line(page, format_args!("{row}"));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = page.write_fmt(text);
    page.push('\n');
}
