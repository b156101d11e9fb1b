//! What is kept, and answers on their way into it.

use std::sync::Arc;

use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderValue};
use osier_cache::{CacheKey, MemoryTier, Purges};
use osier_http::{BodySource, Chunk, OriginBody, SourceFailed};

use crate::flight::{Flights, Lead};
use crate::kept::{Kept, Variants};

/// Bytes of a body that is kept. Larger ones pass through.
pub(crate) const BODY_BYTES_MAX: u64 = 1 << 20;

/// What is kept, and what is being fetched.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    pub(crate) memory: MemoryTier<Variants>,
    pub(crate) purges: Purges,
    pub(crate) flights: Flights,
}

/// Where a fetched answer goes once it is whole. Others wait for it until this is dropped.
pub(crate) struct Filling {
    pub(crate) store: Arc<KeptAnswers>,
    pub(crate) key: CacheKey,
    pub(crate) site: String,
    pub(crate) path: String,
    pub(crate) _lead: Option<Lead>,
}

impl Filling {
    pub(crate) fn keep(&self, kept: Kept) {
        // A purge since the fetch began reaches it: then it never counts.
        if self
            .store
            .purges
            .reaches(kept.born, &self.site, &self.path, [])
        {
            return;
        }
        let old = self.store.memory.get(&self.key);
        let new = Arc::new(kept);
        let variants = old.map_or_else(
            || Variants::default().with(Arc::clone(&new)),
            |old| old.with(Arc::clone(&new)),
        );
        self.store
            .memory
            .insert(self.key.clone(), Arc::new(variants));
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
}

impl BodySource for Tee {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let read = self.body.read().await;
        match &read {
            Ok(Some(bytes)) if self.kept.is_some() => {
                self.copy.extend_from_slice(bytes);
                if self.copy.len() as u64 > BODY_BYTES_MAX {
                    self.kept = None;
                    self.copy = BytesMut::new();
                } else if self.body.length() == Some(0) {
                    // The client may not ask for the end: it knows the length.
                    self.finish();
                }
            }
            Ok(None) => self.finish(),
            Err(_) => self.kept = None,
            Ok(Some(_)) => {}
        }
        Ok(read?.map(Chunk::from))
    }
}

impl Tee {
    fn finish(&mut self) {
        if let Some((mut kept, filling)) = self.kept.take() {
            kept.body = std::mem::take(&mut self.copy).freeze();
            kept.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(kept.body.len()));
            filling.keep(kept);
        }
    }
}
