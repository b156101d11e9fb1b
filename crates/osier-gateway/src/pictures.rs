//! Pictures made here of what an origin has: `x-oss-process=image/...` on sites that want it.
//!
//! This stands in the place of the origin: whoever asks it gets an answer with a head and a body,
//! and the cache keeps that like any other. Styles and signed requests stay the origin's business.

use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{Method, StatusCode, Uri};
use osier_http::{ClientError, OriginBody, RequestBody};
use osier_image::grammar::{Pipeline, Process};
use osier_image_service::{Imaging, Source, SourceBytes, no_mark, picture_fault, source_too_large};
use osier_types::limits::IMAGE_SOURCE_BYTES_MAX;

use osier_types::{DerivedBytes, Fault, FaultKind, Query, percent_decode, percent_encode};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::access_log::AccessLine;
use crate::fetch::Fetched;
use crate::front::is_signed;
use crate::gateway::Gateway;
use crate::site::{Auth, Site};
use crate::trouble::Trouble;

const PROCESS: &str = "x-oss-process";

/// How long an origin may take for the bytes of a picture; a job waits for them.
const ARRIVAL_MAX: Duration = Duration::from_secs(20);

/// What a request asks of the source, which is answered by what is made of it.
const ABOUT_THE_RESULT: [HeaderName; 7] = [
    ACCEPT_ENCODING,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// What an origin says of the bytes of the source.
const ABOUT_THE_SOURCE: [HeaderName; 8] = [
    ACCEPT_RANGES,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("x-oss-hash-crc64ecma"),
];

/// A picture asked for, and where its source is.
pub(crate) struct Wanted {
    process: String,
    /// The source at the origin, asked for as a whole.
    source: http::Request<()>,
    /// Tags that the asker has already.
    known: Option<HeaderValue>,
}

impl Wanted {
    /// What a request to the origin asks for, when it is to be made here.
    pub(crate) fn of(site: &Site, onward: &http::Request<()>) -> Option<Self> {
        let query = onward.uri().query().filter(|_| site.images)?;
        let read = [Method::GET, Method::HEAD].contains(onward.method());
        let process = Query::parse(query).text(PROCESS)?.to_owned();
        // Pictures are kept for everybody: whoever shows who asks gets what the origin says.
        let for_one = onward.headers().contains_key(AUTHORIZATION)
            || is_signed(site, &onward.clone().into_parts().0);
        if !read || !process.starts_with("image/") || for_one {
            return None;
        }
        let rest: Vec<&str> = query.split('&').filter(|pair| !is_process(pair)).collect();
        let path = onward.uri().path();
        let target = if rest.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", rest.join("&"))
        };
        Some(Self {
            process,
            source: whole(onward, &target)?,
            known: onward.headers().get(IF_NONE_MATCH).cloned(),
        })
    }

    fn pipeline(&self) -> Result<Pipeline, Trouble> {
        match Process::parse(&self.process) {
            Ok(Process::Image(pipeline)) => Ok(pipeline),
            Ok(Process::Style(_)) => Err(Trouble::BadRequest),
            Err(error) => Err(Trouble::Picture(picture_fault(error))),
        }
    }
}

impl Gateway {
    /// The answer to a request for a picture; the origin's own where it has no source.
    ///
    /// In a box, because it asks the origin by way of whoever asked it.
    pub(crate) fn picture<'a>(
        &'a self,
        site: &'a Site,
        wanted: Wanted,
        line: &'a mut AccessLine,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, Trouble>> + Send + 'a>> {
        Box::pin(self.made(site, wanted, line))
    }

    async fn made(
        &self,
        site: &Site,
        wanted: Wanted,
        line: &mut AccessLine,
    ) -> Result<Fetched, Trouble> {
        let imaging = self.imaging.as_ref().ok_or(Trouble::BadRequest)?;
        let pipeline = wanted.pipeline()?;
        if !imaging.is_open(false, false) {
            return Err(Trouble::PictureDenied);
        }
        let target = wanted.source.uri().to_string();
        let asked = whole(&wanted.source, &target).ok_or(Trouble::BadRequest)?;
        let fetched = self.fetch(site, asked, RequestBody::Empty, line).await?;
        if fetched.parts.status != StatusCode::OK {
            return Ok(fetched);
        }
        let Fetched {
            address,
            mut parts,
            body,
            exchange,
            born,
        } = fetched;
        let source = source(site, &target, &parts.headers, body).await?;
        let mut marks = Vec::new();
        if matches!(site.auth, Auth::VerifyResign(..)) && !pipeline.mark_keys().is_empty() {
            // Whoever may read this object may not read every other.
            return Err(Trouble::Picture(Fault::new(FaultKind::NotImplemented {
                what: "picture watermarks on sites that verify".to_owned(),
            })));
        }
        for key in pipeline.mark_keys() {
            marks.push(self.mark(site, &wanted.source, key).await?);
        }
        let tag = imaging.tag(&pipeline, &source, &marks);
        let etag = format!("\"{}\"", hexadecimal(&tag));
        about_the_result(&mut parts.headers, &etag)?;
        let knows = |known: &HeaderValue| {
            let known = known.to_str().unwrap_or_default();
            known
                .split(',')
                .any(|one| one.trim().trim_start_matches("W/") == etag)
        };
        let body = if wanted.known.as_ref().is_some_and(knows) {
            parts.status = StatusCode::NOT_MODIFIED;
            Bytes::new()
        } else {
            let made = make(imaging, &pipeline, &source, &marks).await?;
            let content_type = HeaderValue::from_static(made.content_type);
            parts.headers.insert(CONTENT_TYPE, content_type);
            parts
                .headers
                .insert(CONTENT_LENGTH, made.bytes.len().into());
            made.bytes
        };
        Ok(Fetched {
            parts,
            body: OriginBody::made(body),
            address,
            exchange,
            born,
        })
    }

    /// A watermark picture: another file of the same site, read as whoever asks would read it.
    async fn mark(
        &self,
        site: &Site,
        main: &http::Request<()>,
        key: &str,
    ) -> Result<Source, Trouble> {
        // Some origins would walk out of the prefix by it.
        if key
            .split('/')
            .any(|segment| segment == "." || segment == "..")
        {
            return Err(Trouble::Picture(no_mark()));
        }
        let key = percent_encode(key.as_bytes(), true);
        let target = format!("{}/{key}", site.add_prefix);
        let asked = whole(main, &target).ok_or(Trouble::BadRequest)?;
        let mut line = AccessLine::default();
        let fetched = self
            .fetch(site, asked, RequestBody::Empty, &mut line)
            .await?;
        if fetched.parts.status != StatusCode::OK {
            return Err(Trouble::Picture(no_mark()));
        }
        source(site, &target, &fetched.parts.headers, fetched.body).await
    }
}

/// Bytes that are still on their way from an origin.
struct Arriving(Mutex<Option<OriginBody>>);

#[async_trait::async_trait]
impl SourceBytes for Arriving {
    async fn read(&self) -> Result<Bytes, Fault> {
        let body = self.0.lock().await.take();
        match timeout(ARRIVAL_MAX, collected(body)).await {
            Ok(read) => read,
            Err(_) => Err(unavailable("the origin sends the picture too slowly")),
        }
    }
}

/// Bytes that are here.
struct Here(Bytes);

#[async_trait::async_trait]
impl SourceBytes for Here {
    async fn read(&self) -> Result<Bytes, Fault> {
        Ok(self.0.clone())
    }
}

/// An answer as the source of pictures. What tells its states apart is what the origin says of
/// them, or the bytes themselves.
async fn source(
    site: &Site,
    target: &str,
    headers: &HeaderMap,
    body: OriginBody,
) -> Result<Source, Trouble> {
    let name = format!("{}{target}", site.name);
    let said = |field: HeaderName| {
        let value = headers.get(field)?.to_str().ok()?;
        Some(value.to_owned())
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Trouble::Picture(unavailable(
            "the origin sends the picture encoded",
        )));
    }
    let told = said(ETAG).or_else(|| said(LAST_MODIFIED));
    let length = body.length();
    if let (Some(told), Some(length)) = (told, length) {
        return Ok(Source {
            validator: format!("{name} {told} {length}"),
            name,
            length,
            bytes: Box::new(Arriving(Mutex::new(Some(body)))),
        });
    }
    let arrived = timeout(ARRIVAL_MAX, collected(Some(body))).await;
    let bytes = arrived
        .map_err(|_| Trouble::Origin(ClientError::ReadTimeout))?
        .map_err(Trouble::Picture)?;
    Ok(Source {
        validator: format!("{name} {}", hexadecimal(&Sha256::digest(&bytes))),
        name,
        length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        bytes: Box::new(Here(bytes)),
    })
}

/// All of a body, up to the limit of sources.
async fn collected(body: Option<OriginBody>) -> Result<Bytes, Fault> {
    const BROKEN: &str = "the origin did not send the whole picture";
    let mut body = body.ok_or_else(|| unavailable(BROKEN))?;
    let mut all = BytesMut::new();
    while let Some(bytes) = body.read().await.map_err(|_| unavailable(BROKEN))? {
        all.extend_from_slice(&bytes);
        if u64::try_from(all.len()).unwrap_or(u64::MAX) > IMAGE_SOURCE_BYTES_MAX {
            return Err(source_too_large());
        }
    }
    Ok(all.freeze())
}

async fn make(
    imaging: &Imaging,
    pipeline: &Pipeline,
    source: &Source,
    marks: &[Source],
) -> Result<DerivedBytes, Trouble> {
    if !imaging.allows_variant(pipeline, source, marks) {
        return Err(Trouble::PictureDenied);
    }
    let made = imaging.picture(pipeline, source, marks).await;
    made.map_err(Trouble::Picture)
}

/// A request for all of `target`, with the fields of `like` that are not about a result.
fn whole(like: &http::Request<()>, target: &str) -> Option<http::Request<()>> {
    let mut request = http::Request::new(());
    *request.version_mut() = like.version();
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    *request.headers_mut() = like.headers().clone();
    for field in ABOUT_THE_RESULT {
        request.headers_mut().remove(field);
    }
    Some(request)
}

/// The head of a result: the source's lifetime and what else the origin said, but of its bytes.
fn about_the_result(headers: &mut HeaderMap, etag: &str) -> Result<(), Trouble> {
    for field in ABOUT_THE_SOURCE {
        headers.remove(field);
    }
    let etag = HeaderValue::from_str(etag).map_err(|_| Trouble::BadRequest)?;
    headers.insert(ETAG, etag);
    Ok(())
}

fn is_process(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode(name.as_bytes()) == PROCESS.as_bytes()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn unavailable(reason: &str) -> Fault {
    Fault::new(FaultKind::Unavailable {
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::site::Sites;

    fn site(images: bool) -> Arc<Site> {
        let text = format!("hosts = ['a']\norigin = 'http://127.0.0.1:1'\nimages = {images}");
        let sites = Sites::new(&[toml::from_str(&text).unwrap()]).unwrap();
        Arc::clone(sites.of_host("a").unwrap().first().unwrap())
    }

    fn wanted(method: &str, target: &str, fields: &[(&str, &str)]) -> Option<Wanted> {
        let mut builder = http::Request::builder().method(method).uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        Wanted::of(&site(true), &builder.body(()).unwrap())
    }

    #[test]
    fn the_source_is_asked_for_as_a_whole() {
        let target = "/a%20b.jpg?v=1&x-oss-process=image%2Fresize%2Cw_5&w=%2f";
        let fields = [
            ("range", "bytes=0-9"),
            ("if-none-match", "\"x\""),
            ("accept", "image/*"),
        ];
        let wanted = wanted("HEAD", target, &fields).unwrap();
        assert_eq!(wanted.process, "image/resize,w_5");
        assert_eq!(wanted.source.method(), Method::GET);
        assert_eq!(wanted.source.uri(), "/a%20b.jpg?v=1&w=%2f");
        assert!(wanted.source.headers().get(RANGE).is_none());
        assert!(wanted.source.headers().get("accept").is_some());
        assert_eq!(wanted.known.unwrap(), "\"x\"");
    }

    #[test]
    fn all_else_is_the_origins() {
        for target in [
            "/a.jpg",
            "/a.jpg?x-oss-process=style/small",
            "/a.jpg?x-oss-process=video/snapshot,t_1",
            "/a.jpg?x-oss-process=image/info&Signature=s&OSSAccessKeyId=k&Expires=1",
        ] {
            assert!(wanted("GET", target, &[]).is_none(), "{target}");
        }
        let target = "/a.jpg?x-oss-process=image/info";
        assert!(wanted("GET", target, &[("authorization", "OSS k:s")]).is_none());
        assert!(wanted("POST", target, &[]).is_none());
        assert!(wanted("GET", target, &[]).is_some());
        let head = http::Request::get(target).body(()).unwrap();
        assert!(Wanted::of(&site(false), &head).is_none());
    }
}
