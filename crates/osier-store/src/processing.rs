//! Styles and what a bucket allows of processing; and results of processing as reads.

use std::sync::Arc;

use bytes::Bytes;
use osier_engine::{Batch, Family, KeyRange};
use osier_types::limits::STYLES_MAX;
use osier_types::{
    BucketName, ConfigKind, ContentHeaders, DerivedBytes, ETag, Fault, FaultKind, GetObject,
    ObjectInfo, ObjectKind, Outcome, ProcessingConfig, PutStyle, Style, StyleName,
};

use crate::body::ObjectBody;
use crate::failure::OrFault as _;
use crate::{Reply, Store, get, rows};

/// Before the names of styles among configuration rows.
const STYLE: &[u8] = b"style/";
const PROCESSING: &[u8] = b"processConfiguration";

impl Store {
    /// The style of this name.
    ///
    /// # Errors
    /// `NoSuchConfig` when there is none.
    pub async fn style(&self, name: &BucketName, style: &StyleName) -> Result<Style, Fault> {
        let bucket = self.open_bucket(name)?;
        let row = self
            .get_row(&bucket, Family::Config, &style_row(style))
            .await?;
        row.map_or_else(
            || Err(FaultKind::NoSuchConfig(ConfigKind::Style).into()),
            |row| rows::decode(&row),
        )
    }

    pub(crate) async fn styles(&self, name: &BucketName) -> Result<Vec<Style>, Fault> {
        let bucket = self.open_bucket(name)?;
        // One more than may be there, should the limit have been lowered.
        let page = self
            .engine
            .scan(
                bucket.table,
                Family::Config,
                KeyRange::prefix(STYLE),
                STYLES_MAX + 1,
            )
            .await
            .or_fault(name)?;
        page.rows.iter().map(|(_, row)| rows::decode(row)).collect()
    }

    pub(crate) async fn put_style(&self, op: PutStyle) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.bucket)?;
        let _gate = bucket.gate.write().await;
        let known = self.styles(&op.bucket).await?;
        let previous = known.iter().find(|style| style.name == op.name);
        if previous.is_none() && known.len() >= STYLES_MAX {
            let reason = format!("a bucket has at most {STYLES_MAX} styles");
            return Err(Fault::argument("styleName", op.name.as_str(), reason));
        }
        let now = self.now();
        let style = Style {
            created: previous.map_or(now, |style| style.created),
            name: op.name,
            content: op.content,
            category: op.category,
            modified: now,
        };
        let mut batch = Batch::default();
        let row = style_row(&style.name);
        batch
            .puts
            .push((Family::Config, row.clone(), rows::encode(&style)?));
        let committed = self.engine.commit(bucket.table, &row, batch).await;
        committed.or_fault(&op.bucket)?;
        Ok(Outcome::Done)
    }

    pub(crate) async fn delete_style(
        &self,
        name: &BucketName,
        style: &StyleName,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let _gate = bucket.gate.write().await;
        let row = style_row(style);
        let mut batch = Batch::default();
        batch.deletes.push((Family::Config, row.clone()));
        let committed = self.engine.commit(bucket.table, &row, batch).await;
        committed.or_fault(name)?;
        Ok(Outcome::Done)
    }

    /// What the bucket allows of processing. Read once, then remembered.
    ///
    /// # Errors
    /// `NoSuchBucket`, or what the engine says.
    pub async fn processing(&self, name: &BucketName) -> Result<Arc<ProcessingConfig>, Fault> {
        let bucket = self.open_bucket(name)?;
        if let Some(known) = bucket.processing.read().await.as_ref() {
            return Ok(Arc::clone(known));
        }
        let mut known = bucket.processing.write().await;
        let row = self.get_row(&bucket, Family::Config, PROCESSING).await?;
        let config = row.map(|row| rows::decode(&row)).transpose()?;
        let config = Arc::new(config.unwrap_or_default());
        *known = Some(Arc::clone(&config));
        Ok(config)
    }

    pub(crate) async fn bucket_processing(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let config = self.processing(name).await?;
        Ok(Outcome::Processing((*config).clone()))
    }

    pub(crate) async fn put_bucket_processing(
        &self,
        name: &BucketName,
        config: ProcessingConfig,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let mut known = bucket.processing.write().await;
        let mut batch = Batch::default();
        let row = Bytes::from_static(PROCESSING);
        batch
            .puts
            .push((Family::Config, row, rows::encode(&config)?));
        // Whatever comes of it, the next read asks the engine.
        *known = None;
        let committed = self.engine.commit(bucket.table, PROCESSING, batch).await;
        committed.or_fault(name)?;
        Ok(Outcome::Done)
    }
}

/// A read of bytes made from an object, as if they were the object's: its headers and dates stay,
/// length, type and tag are theirs, and there is no checksum of the object's.
///
/// # Errors
/// What the conditions and the range of the read say.
pub fn derived_reply(
    source: ObjectInfo,
    read: GetObject,
    derived: &DerivedBytes,
    with_body: bool,
) -> Result<Reply, Fault> {
    let length = derived.bytes.len();
    let info = ObjectInfo {
        kind: ObjectKind::Normal,
        size: u64::try_from(length).unwrap_or(u64::MAX),
        etag: ETag::of_md5(&derived.tag),
        md5: None,
        crc64: None,
        sealed: None,
        parts: None,
        checksum: None,
        headers: ContentHeaders {
            content_encoding: None,
            content_type: Some(derived.content_type.into()),
            ..source.headers
        },
        ..source
    };
    let range = get::check_and_resolve(&info, &read.conditions, read.range)?;
    let part = match range {
        None => derived.bytes.clone(),
        Some(range) => {
            let end = usize::try_from(range.end).map_or(length, |end| end.min(length));
            let start = usize::try_from(range.start).map_or(end, |start| start.min(end));
            derived.bytes.slice(start..end)
        }
    };
    Ok(Reply {
        outcome: get::read(info, range, read),
        body: with_body.then(|| ObjectBody::of_bytes(part)),
    })
}

fn style_row(name: &StyleName) -> Bytes {
    [STYLE, name.as_str().as_bytes()].concat().into()
}
