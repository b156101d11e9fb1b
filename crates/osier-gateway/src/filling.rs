//! Whole answers on their way into what is kept.

use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, HeaderValue};
use osier_http::{BodySource, Chunk, OriginBody, SourceFailed};

use crate::flight::Lead;
use crate::kept::{Kept, KeptBody, SLICE_BYTES};
use crate::store::{KeptAnswers, Name};

/// Where a fetched answer goes once it is whole. Others wait for it until this is dropped.
pub(crate) struct Filling {
    pub(crate) store: Arc<KeptAnswers>,
    pub(crate) name: Name,
    pub(crate) lead: Option<Lead>,
}

impl Filling {
    pub(crate) fn keep(&self, kept: Kept) -> Arc<Kept> {
        self.store.keep(&self.name, kept)
    }
}

/// A body on its way to the client, copied for the cache.
pub(crate) struct Tee {
    body: OriginBody,
    copy: BytesMut,
    kept: Option<(Kept, Filling)>,
}

impl Tee {
    pub(crate) fn new(body: OriginBody, kept: Kept, filling: Filling) -> Self {
        Self {
            body,
            copy: BytesMut::new(),
            kept: Some((kept, filling)),
        }
    }

    /// Reads to the end; what was kept then, if it could be.
    pub(crate) async fn whole(mut self) -> Result<Option<Arc<Kept>>, SourceFailed> {
        while let Some(bytes) = self.body.read().await? {
            self.copy.extend_from_slice(&bytes);
            if self.copy.len() as u64 > SLICE_BYTES {
                return Ok(None);
            }
        }
        Ok(self.finish())
    }

    fn finish(&mut self) -> Option<Arc<Kept>> {
        let (mut kept, filling) = self.kept.take()?;
        let bytes = std::mem::take(&mut self.copy).freeze();
        if kept.status != StatusCode::NO_CONTENT {
            kept.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        kept.body = KeptBody::Whole(bytes);
        Some(filling.keep(kept))
    }
}

impl BodySource for Tee {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let read = self.body.read().await;
        match &read {
            Ok(Some(bytes)) if self.kept.is_some() => {
                self.copy.extend_from_slice(bytes);
                if self.copy.len() as u64 > SLICE_BYTES {
                    self.kept = None;
                    self.copy = BytesMut::new();
                } else if self.body.length() == Some(0) {
                    // The client may not ask for the end: it knows the length.
                    self.finish();
                }
            }
            Ok(None) => drop(self.finish()),
            Err(_) => self.kept = None,
            Ok(Some(_)) => {}
        }
        Ok(read?.map(Chunk::from))
    }
}
