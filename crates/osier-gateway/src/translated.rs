//! Requests whose clients speak another dialect than the origin: asked in its words, and
//! answered in the client's.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, response};
use osier_cache::Scope;
use osier_http::{
    BodyError, Chunk, ClientError, IncomingBody, Outgoing, OutgoingBody, RequestBody,
};

use crate::access_log::AccessLine;
use crate::front::is_for_itself;
use crate::gateway::{Gateway, Request};
use crate::site::Site;
use crate::store::Name;
use crate::trouble::Trouble;

/// A request in the words of its origin, and the answer in those of its client.
pub trait Translation: fmt::Debug + Send + Sync {
    /// What the origin is asked: method, path and query, headers. To be asked once.
    fn question(&mut self) -> (Method, String, HeaderMap);

    /// What is sent along, where the client sends `body`. To be asked once.
    fn body(&mut self, body: IncomingBody) -> RequestBody;

    /// Whether it reads an object, so that a kept answer may serve it.
    fn reads_object(&self) -> bool;

    /// The paths of what it changes, besides the one it is for.
    fn changes(&self) -> Vec<String>;

    /// How much of a body with this status is read before it is told; none where it passes as
    /// it is.
    fn document_bytes_max(&self, status: StatusCode) -> Option<usize>;

    /// Changes an answer's head, and its document where that was read.
    fn tell(&self, head: &mut response::Parts, document: Option<&[u8]>) -> Option<Bytes>;

    /// The answer where the client's body turned out not to be what it should be.
    fn refuse(self: Box<Self>) -> Option<Outgoing>;
}

impl Gateway {
    /// To the origin and back, by way of `translation`.
    pub(crate) async fn translated(
        self: &Arc<Self>,
        site: &Arc<Site>,
        mut request: Request,
        mut translation: Box<dyn Translation>,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let (method, target, headers) = translation.question();
        request.head.method = method;
        request.head.uri = target.parse().map_err(|_| Trouble::BadRequest)?;
        request.head.headers = headers;
        let may_be_kept = site.caches && translation.reads_object();
        let answered = if may_be_kept && !is_for_itself(site, &request.head) {
            let name = Name::of(site, &request.head);
            self.by_cache(&name, &request, line).await
        } else {
            let body = std::mem::replace(&mut request.body, IncomingBody::EMPTY);
            let body = match (body.length(), site.body_bytes_max) {
                (None, Some(max)) => body.limited(max),
                _ => body,
            };
            let body = translation.body(body);
            self.pass(site, request, body, line).await
        };
        let refused = matches!(
            answered,
            Err(Trouble::Origin(ClientError::Request(BodyError::Refused)))
        );
        if refused {
            return match translation.refuse() {
                Some(refusal) => Ok(refusal),
                None => answered,
            };
        }
        let answer = answered?;
        if site.caches && answer.parts.status.as_u16() < 400 {
            for path in translation.changes() {
                self.forget(Scope::Path(&site.name, &path));
            }
        }
        told(&*translation, answer).await
    }
}

async fn told(translation: &dyn Translation, answer: Outgoing) -> Result<Outgoing, Trouble> {
    let Outgoing { mut parts, body } = answer;
    let body = match translation.document_bytes_max(parts.status) {
        None => {
            translation.tell(&mut parts, None);
            body
        }
        Some(bytes_max) => {
            let document = whole(body, bytes_max).await?;
            match translation.tell(&mut parts, Some(&document)) {
                Some(told) if !told.is_empty() => OutgoingBody::Full(told),
                _ => OutgoingBody::Empty,
            }
        }
    };
    Ok(Outgoing { parts, body })
}

/// A document of at most `bytes_max`.
async fn whole(body: OutgoingBody, bytes_max: usize) -> Result<Bytes, Trouble> {
    let mut source = match body {
        OutgoingBody::Empty => return Ok(Bytes::new()),
        OutgoingBody::Full(bytes) => return Ok(bytes),
        OutgoingBody::Stream { source, .. } => source,
    };
    let mut document = BytesMut::new();
    loop {
        let chunk = std::future::poll_fn(|cx| source.poll(cx)).await;
        match chunk.map_err(|_| Trouble::Origin(ClientError::Closed))? {
            None => return Ok(document.freeze()),
            Some(Chunk::Memory(bytes)) if document.len() + bytes.len() <= bytes_max => {
                document.extend_from_slice(&bytes);
            }
            // No origin's document is so long, and none of ours lies in a file.
            Some(Chunk::Memory(_) | Chunk::File(_)) => {
                return Err(Trouble::Origin(ClientError::Closed));
            }
        }
    }
}
