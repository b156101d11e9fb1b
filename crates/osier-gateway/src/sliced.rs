//! Bodies in slices: read from what is kept, and from the origin where slices are missing, by
//! one request for a run of them, kept as they pass.
//!
//! Slices are named by the strong `ETag` of their body, and every answer of the origin is held
//! against it: bytes of two states of an object never meet in one answer. Of a body that is
//! not kept no more is fetched than the slices that cover what was asked for.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_MATCH, RANGE};
use http::{Request, StatusCode};
use osier_cache::{Born, CacheKey};
use osier_http::{BodySource, Chunk, OriginBody, OutgoingBody, RequestBody, SourceFailed};
use tokio::time::timeout;

use crate::access_log::AccessLine;
use crate::flight::{Lead, Part};
use crate::gateway::Gateway;
use crate::kept::{Kept, KeptBody, SLICE_BYTES, Slices};
use crate::spill::Drawing;
use crate::store::Name;

/// How long a request waits for another's fetch before it fetches by itself.
pub(crate) const FOLLOW_MAX: Duration = Duration::from_secs(5);
/// Slices that one request to the origin asks for at most.
const RUN_SLICES_MAX: u64 = 16;

/// Bytes of a body in slices, on their way to a client.
pub(crate) struct SlicedBody {
    source: SliceSource,
    /// What is still to be sent.
    left: Range<u64>,
    /// What the origin is sending.
    run: Option<Run>,
    /// Whether it is.
    drawing: Drawing,
}

/// Where slices come from.
pub(crate) struct SliceSource {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) name: Name,
    pub(crate) kept: Arc<Kept>,
    /// A request for the whole, as the origin is to get it.
    pub(crate) onward: Request<()>,
}

/// An origin's answer with several slices, in order.
pub(crate) struct Run {
    body: OriginBody,
    born: Born,
    /// Of the next byte.
    position: u64,
    end: u64,
    /// The slice that is being read; nothing when its beginning was not seen.
    copy: Option<BytesMut>,
    /// Of this slice and the next one: who wants them waits.
    leads: [Option<Lead>; 2],
}

impl Run {
    /// Of a body whose first byte is at `bytes.start`, the beginning of a slice.
    pub(crate) fn new(body: OriginBody, born: Born, bytes: Range<u64>) -> Self {
        Self {
            body,
            born,
            position: bytes.start,
            end: bytes.end,
            copy: Some(BytesMut::new()),
            leads: [None, None],
        }
    }

    /// Where the slice ends in which the next byte lies.
    fn slice_end(&self) -> u64 {
        let index = self.position / SLICE_BYTES;
        ((index + 1) * SLICE_BYTES).min(self.end)
    }

    /// Whether the slice that begins here goes on behind `end`.
    fn is_cut_short_by(&self, end: u64) -> bool {
        self.position.is_multiple_of(SLICE_BYTES) && self.position < end && end < self.slice_end()
    }
}

impl SlicedBody {
    pub(crate) fn new(source: SliceSource, bytes: Range<u64>, run: Option<Run>) -> Self {
        Self {
            source,
            left: bytes,
            drawing: Drawing::new(run.is_some()),
            run,
        }
    }

    /// What of it comes from the origin waits on disk for a slow client, although it is kept as
    /// well: a slice may be forgotten before such a client comes to it. What is kept already is
    /// read at the client's pace.
    pub(crate) fn into_outgoing(self) -> OutgoingBody {
        let length = self.left.end - self.left.start;
        let spilling = self.source.gateway.spilling(&self.source.name.site);
        let drawing = self.drawing.clone();
        spilling.over(OutgoingBody::stream(Some(length), self), drawing)
    }
}

impl BodySource for SlicedBody {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let next = self.piece().await;
        self.drawing.set(self.run.is_some());
        next
    }
}

impl SlicedBody {
    async fn piece(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        loop {
            if self.left.is_empty() {
                return Ok(None);
            }
            if let Some(run) = &mut self.run {
                let at = run.position;
                if run.is_cut_short_by(self.left.end) {
                    // The client would leave inside this slice, and it would be lost.
                    let slice = self.source.read_slice(run).await?;
                    let part = clipped(&slice, at, &self.left).ok_or(SourceFailed)?;
                    self.left.start += part.len() as u64;
                    return Ok(Some(part.into()));
                }
                match self.source.read(run).await? {
                    Some(bytes) => {
                        if let Some(part) = clipped(&bytes, at, &self.left) {
                            self.left.start += part.len() as u64;
                            return Ok(Some(part.into()));
                        }
                    }
                    None => self.run = None,
                }
                continue;
            }
            let index = self.left.start / SLICE_BYTES;
            match self.source.slice_or_lead(index).await {
                Ok(slice) => {
                    let at = index * SLICE_BYTES;
                    let part = clipped(&slice, at, &self.left).ok_or(SourceFailed)?;
                    self.left.start += part.len() as u64;
                    return Ok(Some(part.into()));
                }
                Err(lead) => {
                    let run = self.source.fetch(index, self.left.end, lead).await?;
                    self.run = Some(run);
                }
            }
        }
    }
}

impl SliceSource {
    /// A slice, or the lead to fetch it; not even that when another's fetch takes too long.
    async fn slice_or_lead(&self, index: u64) -> Result<Bytes, Option<Lead>> {
        let store = &self.gateway.store;
        let (Some(key), Some(wanted)) = (self.key(index), self.length_of(index)) else {
            return Err(None);
        };
        let mut lead = None;
        loop {
            let kept = store.slice(&self.name, &self.kept, &key).await;
            if let Some(bytes) = kept.filter(|bytes| bytes.len() as u64 == wanted) {
                return Ok(bytes);
            }
            if lead.is_some() {
                return Err(lead);
            }
            match store.flights.join(&key) {
                // Another may have landed just before: once more.
                Part::Lead(leading) => lead = Some(leading),
                Part::Follow(follow) => {
                    if timeout(FOLLOW_MAX, follow.landed()).await.is_err() {
                        return Err(None);
                    }
                }
            }
        }
    }

    /// Asks the origin for the slices from `index` on that are missing, up to `end`.
    async fn fetch(&self, index: u64, end: u64, first: Option<Lead>) -> Result<Run, SourceFailed> {
        let slices = self.slices()?;
        let store = &self.gateway.store;
        let mut after = index + 1;
        while after < index + RUN_SLICES_MAX
            && after * SLICE_BYTES < end
            && self.key(after).is_some_and(|key| !store.has_slice(&key))
        {
            after += 1;
        }
        let next = (after > index + 1).then(|| self.lead(index + 1)).flatten();
        let bytes = index * SLICE_BYTES..(after * SLICE_BYTES).min(slices.length);
        let mut onward = self.onward.clone();
        ask_for(onward.headers_mut(), &bytes);
        let etag = self.kept.headers.get(ETAG).ok_or(SourceFailed)?;
        onward.headers_mut().insert(IF_MATCH, etag.clone());
        let mut line = AccessLine::default();
        let fetched = self
            .gateway
            .fetch(&self.name.site, onward, RequestBody::Empty, &mut line)
            .await
            .map_err(|trouble| {
                tracing::warn!(
                    site = &*self.name.site.name,
                    code = trouble.code(),
                    "no slice from the origin: {}",
                    trouble.causes()
                );
                SourceFailed
            })?;
        let range = ContentRange::of(&fetched.parts.headers);
        let is_ours = fetched.parts.status == StatusCode::PARTIAL_CONTENT
            && fetched.parts.headers.get(ETAG) == Some(etag)
            && range.is_some_and(|range| range.bytes == bytes && range.total == slices.length);
        if !is_ours {
            // Another state of the object, or an origin that knows no ranges any more: what is
            // kept describes nothing, and what was sent can't be completed.
            store.forget(&self.name);
            return Err(SourceFailed);
        }
        let mut run = Run::new(fetched.body, fetched.born, bytes);
        run.leads = [first, next];
        Ok(run)
    }

    /// The slice at whose beginning a run is, whole.
    async fn read_slice(&self, run: &mut Run) -> Result<Bytes, SourceFailed> {
        let start = run.position;
        let end = run.slice_end();
        let mut whole = BytesMut::new();
        while run.position < end {
            let bytes = self.read(run).await?.ok_or(SourceFailed)?;
            whole.extend_from_slice(&bytes);
        }
        let length = usize::try_from(end - start).map_err(|_| SourceFailed)?;
        whole.truncate(length);
        Ok(whole.freeze())
    }

    /// The next bytes of a run. A slice that is complete is kept.
    async fn read(&self, run: &mut Run) -> Result<Option<Bytes>, SourceFailed> {
        if run.position >= run.end {
            return Ok(None);
        }
        let Some(bytes) = run.body.read().await? else {
            return Err(SourceFailed);
        };
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let index = run.position / SLICE_BYTES;
            let slice_end = run.slice_end();
            let room = usize::try_from(slice_end - run.position).unwrap_or(usize::MAX);
            if room == 0 {
                // More than the origin had announced.
                return Err(SourceFailed);
            }
            let part = rest.split_to(room.min(rest.len()));
            if let Some(copy) = &mut run.copy {
                copy.extend_from_slice(&part);
            }
            run.position += part.len() as u64;
            if run.position == slice_end {
                self.complete(run, index);
            }
        }
        Ok(Some(bytes))
    }

    fn complete(&self, run: &mut Run, index: u64) {
        let store = &self.gateway.store;
        let copy = run.copy.replace(BytesMut::new()).map(BytesMut::freeze);
        let is_slice = |bytes: &Bytes| Some(bytes.len() as u64) == self.length_of(index);
        if let (Some(bytes), Some(key)) = (copy.filter(is_slice), self.key(index)) {
            store.keep_slice(&self.name, &self.kept, &key, bytes, run.born);
        }
        // The slice after the next is announced before those who wait for this one go on.
        let announced = (index + 2) * SLICE_BYTES < run.end;
        let lead = announced.then(|| self.lead(index + 2)).flatten();
        let [_landed, next] = std::mem::take(&mut run.leads);
        run.leads = [next, lead];
    }

    /// Announces the first slices of a run, for those who come while it is read.
    pub(crate) fn announce(&self, run: &mut Run) {
        let index = run.position / SLICE_BYTES;
        for (nth, lead) in (index..).zip(&mut run.leads) {
            if nth * SLICE_BYTES < run.end {
                *lead = self.lead(nth);
            }
        }
    }

    fn lead(&self, index: u64) -> Option<Lead> {
        match self.gateway.store.flights.join(&self.key(index)?) {
            Part::Lead(lead) => Some(lead),
            Part::Follow(_) => None,
        }
    }

    /// Keeps a slice that was read whole.
    pub(crate) fn keep(&self, index: u64, bytes: Bytes, born: Born) {
        if let Some(key) = self.key(index) {
            let store = &self.gateway.store;
            store.keep_slice(&self.name, &self.kept, &key, bytes, born);
        }
    }

    fn slices(&self) -> Result<&Slices, SourceFailed> {
        match &self.kept.body {
            KeptBody::Slices(slices) => Ok(slices),
            KeptBody::Whole(_) => Err(SourceFailed),
        }
    }

    fn key(&self, index: u64) -> Option<CacheKey> {
        let slices = self.slices().ok()?;
        (index * SLICE_BYTES < slices.length).then(|| self.name.key.slice(&slices.validator, index))
    }

    fn length_of(&self, index: u64) -> Option<u64> {
        let length = self.slices().ok()?.length;
        let left = length.checked_sub(index.checked_mul(SLICE_BYTES)?)?;
        Some(left.min(SLICE_BYTES))
    }
}

/// Asks for these bytes.
pub(crate) fn ask_for(headers: &mut HeaderMap, bytes: &Range<u64>) {
    let text = format!("bytes={}-{}", bytes.start, bytes.end.saturating_sub(1));
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(RANGE, value);
    }
}

/// The part of `bytes`, which begin at `at`, that is wanted next.
fn clipped(bytes: &Bytes, at: u64, wanted: &Range<u64>) -> Option<Bytes> {
    let place = |offset: u64| usize::try_from(offset.checked_sub(at)?).ok();
    let start = place(wanted.start)?;
    let end = place(wanted.end)?.min(bytes.len());
    (start < end).then(|| bytes.slice(start..end))
}

/// `Content-Range` of one range with a known total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) bytes: Range<u64>,
    pub(crate) total: u64,
}

impl ContentRange {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(CONTENT_RANGE).iter();
        let text = fields.next()?.to_str().ok()?;
        if fields.next().is_some() {
            return None;
        }
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (first, last, total) = (number(first)?, number(last)?, number(total)?);
        (first <= last && last < total).then_some(Self {
            bytes: first..last + 1,
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_or_nothing() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, HeaderValue::from_str(text).unwrap());
            ContentRange::of(&headers)
                .map(|range| (range.bytes.start, range.bytes.end, range.total))
        };
        assert_eq!(read("bytes 0-9/10"), Some((0, 10, 10)));
        assert_eq!(read("bytes 5-5/10"), Some((5, 6, 10)));
        for wrong in [
            "bytes 0-9/*",
            "bytes */10",
            "bytes 0-10/10",
            "bytes 5-4/10",
            "bytes +0-9/10",
            "lines 0-9/10",
            "bytes 0-18446744073709551615/18446744073709551616",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_wanted_is_cut_out() {
        let bytes = Bytes::from_static(b"0123456789");
        let cut = |at, start, end| clipped(&bytes, at, &(start..end));
        assert_eq!(cut(100, 100, 200).as_deref(), Some(&b"0123456789"[..]));
        assert_eq!(cut(100, 103, 105).as_deref(), Some(&b"34"[..]));
        assert_eq!(cut(100, 110, 120), None);
        assert_eq!(cut(100, 90, 120), None);
    }
}
