//! The form in which answers lie on disk: what describes them by postcard, bodies behind each
//! other.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use osier_cache::{Born, Policy, Standing, VaryKey};
use osier_cache_disk::Record;
use serde::{Deserialize, Serialize};

use crate::kept::{Kept, KeptBody, LastHead, Slices, Variants};

#[derive(Serialize, Deserialize)]
struct Written {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    policy: Policy,
    vary: (Vec<String>, String),
    tags: Vec<Box<str>>,
    born: u64,
    body: WrittenBody,
}

#[derive(Serialize, Deserialize)]
enum WrittenBody {
    /// So many bytes of the record's body.
    Whole(u32),
    /// They are records of their own.
    Slices { validator: String, length: u64 },
}

/// For the disk; nothing when it can't be written.
pub(crate) fn record(variants: &Variants) -> Option<Record> {
    let answers: Vec<Written> = variants
        .0
        .iter()
        .map(|kept| written(kept))
        .collect::<Option<_>>()?;
    let meta = postcard::to_allocvec(&answers).ok()?;
    let born = answers.iter().map(|answer| answer.born).max()?;
    let bodies = variants.0.iter().filter_map(|kept| match &kept.body {
        KeptBody::Whole(bytes) => Some(bytes),
        KeptBody::Slices(_) => None,
    });
    let bodies: Vec<&Bytes> = bodies.collect();
    let body = match bodies.as_slice() {
        [one] => Bytes::clone(one),
        several => {
            let mut all = BytesMut::new();
            for body in several {
                all.extend_from_slice(body);
            }
            all.freeze()
        }
    };
    Some(Record {
        born,
        meta: meta.into(),
        body,
    })
}

/// From the disk; nothing when it was written in another form.
pub(crate) fn read(record: &Record) -> Option<Variants> {
    let answers: Vec<Written> = postcard::from_bytes(&record.meta).ok()?;
    let mut bodies = record.body.clone();
    let answers = answers.into_iter().map(|answer| {
        let body = match &answer.body {
            WrittenBody::Whole(length) => {
                let length = usize::try_from(*length).ok()?;
                if length > bodies.len() {
                    return None;
                }
                KeptBody::Whole(bodies.split_to(length))
            }
            WrittenBody::Slices { validator, length } => KeptBody::Slices(Slices {
                validator: validator.as_str().into(),
                length: *length,
            }),
        };
        kept(answer, body).map(Arc::new)
    });
    answers.collect::<Option<_>>().map(Variants)
}

fn written(kept: &Kept) -> Option<Written> {
    let headers = kept.headers.iter();
    let (names, values) = kept.vary.parts();
    Some(Written {
        status: kept.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        policy: kept.policy,
        vary: (
            names.into_iter().map(ToOwned::to_owned).collect(),
            values.to_owned(),
        ),
        tags: kept.tags.to_vec(),
        born: kept.standing.born().number(),
        body: match &kept.body {
            KeptBody::Whole(bytes) => WrittenBody::Whole(u32::try_from(bytes.len()).ok()?),
            KeptBody::Slices(slices) => WrittenBody::Slices {
                validator: slices.validator.as_ref().to_owned(),
                length: slices.length,
            },
        },
    })
}

fn kept(answer: Written, body: KeptBody) -> Option<Kept> {
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for (name, value) in answer.headers {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_bytes(&value).ok()?,
        );
    }
    let (names, values) = answer.vary;
    Some(Kept {
        status: StatusCode::from_u16(answer.status).ok()?,
        headers,
        body,
        policy: answer.policy,
        vary: VaryKey::from_parts(&names, values)?,
        tags: answer.tags.into(),
        standing: Standing::new(Born::from_number(answer.born)),
        last_head: LastHead::default(),
    })
}
