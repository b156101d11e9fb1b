//! Folders of buckets as pages, where a site has no page of its own for them: nginx's
//! `autoindex`, by the bucket's own list and with the site's own right to it.
//!
//! Long folders are cut into pages in the bucket's order. Nothing of it is kept.

mod page;
mod read;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HeaderMap, HeaderValue, REFERER, USER_AGENT};
use http::{Method, StatusCode};
use osier_auth::is_sub_resource;
use osier_http::{IncomingBody, OriginBody, Outgoing, OutgoingBody, RequestBody};
use osier_types::{Query, percent_decode, percent_encode};

pub use self::read::{Entry, Listed, NoList};

use crate::access_log::AccessLine;
use crate::forward;
use crate::front::is_signed;
use crate::gateway::{Gateway, Request};
use crate::settings::Autoindex;
use crate::site::Site;
use crate::trouble::Trouble;

/// Bytes of a bucket's list: a thousand names of a kilobyte each, every byte encoded, with room
/// for what stands between them.
const LIST_BYTES_MAX: usize = 8 << 20;
/// Bytes of the place in a folder at which a page begins.
const PLACE_BYTES_MAX: usize = 4096;
/// The parameter that names this place.
const PLACE: &str = "after";

/// A request for a folder.
#[derive(Debug)]
pub(crate) struct Folder {
    method: Method,
    /// As the client asked for it.
    path: String,
    /// Where the page begins; at the beginning if absent.
    place: Option<String>,
    format: Autoindex,
    /// What a bucket's own rules may ask about.
    headers: HeaderMap,
    peer: std::net::SocketAddr,
    local: std::net::SocketAddr,
    client: std::net::IpAddr,
    secure: bool,
}

impl Folder {
    /// Of a reader's request to a site that shows folders; nothing otherwise. Who signs, or asks
    /// for lists as the bucket's own protocol does, asks the bucket and not us.
    pub(crate) fn of(site: &Site, request: &Request) -> Option<Self> {
        let path = request.head.uri.path();
        if !path.ends_with('/') {
            return None;
        }
        Self::at(site, request, path.to_owned())
    }

    /// Of a request that may have meant a folder and left out its slash.
    pub(crate) fn lacking_slash(site: &Site, request: &Request) -> Option<Self> {
        let path = request.head.uri.path();
        if path.ends_with('/') {
            return None;
        }
        Self::at(site, request, format!("{path}/"))
    }

    fn at(site: &Site, request: &Request, path: String) -> Option<Self> {
        let head = &request.head;
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        let passes = site.methods.is_empty() || site.methods.contains(&head.method);
        let shows = site.pages.autoindex() != Autoindex::Off;
        if !shows || !reads || !passes || is_signed(site, head) {
            return None;
        }
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let mut place = None;
        for pair in query.pairs() {
            if is_sub_resource(&pair.name) || is_of_lists(&pair.name) {
                return None;
            }
            if pair.name == PLACE {
                let text = String::from_utf8(pair.value.clone()).ok()?;
                place = Some(text).filter(|text| text.len() <= PLACE_BYTES_MAX);
            }
        }
        let accept = head
            .headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok());
        let format = format(site.pages.autoindex(), accept.unwrap_or_default());
        let mut headers = HeaderMap::new();
        for name in [REFERER, USER_AGENT] {
            if let Some(value) = head.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        Some(Self {
            method: head.method.clone(),
            path,
            place,
            format,
            headers,
            peer: request.peer,
            local: request.local,
            client: request.client,
            secure: request.secure,
        })
    }

    /// A request of ours in the client's place.
    fn request(&self, target: &str) -> Result<Request, Trouble> {
        let head = http::Request::builder().uri(target).body(());
        let (mut head, ()) = head.map_err(|_| Trouble::BadRequest)?.into_parts();
        head.headers = self.headers.clone();
        Ok(Request {
            head,
            peer: self.peer,
            local: self.local,
            client: self.client,
            secure: self.secure,
            server_name: None,
            body: IncomingBody::EMPTY,
        })
    }
}

/// Parameters of lists, and the beginnings of all others that a bucket knows.
fn is_of_lists(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "continuation-token",
        "delimiter",
        "encoding-type",
        "fetch-owner",
        "list-type",
        "marker",
        "max-keys",
        "prefix",
        "start-after",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || name.starts_with("x-oss-") || name.starts_with("x-amz-")
}

/// JSON for programs that ask for it, otherwise as the site says.
fn format(of_site: Autoindex, accept: &str) -> Autoindex {
    let asks = |kind: &str| {
        accept.split(',').any(|entry| {
            let entry = entry.split(';').next().unwrap_or_default();
            entry.trim().eq_ignore_ascii_case(kind)
        })
    };
    match (asks("text/html"), asks("application/json")) {
        (true, false) => Autoindex::Html,
        (false, true) => Autoindex::Json,
        _ => of_site,
    }
}

impl Gateway {
    /// A folder as a page. A folder in which nothing is, is none; but a bucket always is.
    pub(crate) async fn list(
        self: &Arc<Self>,
        site: &Arc<Site>,
        folder: &Folder,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let (prefix, listed) = self.listed(site, folder, 1000, line).await?;
        if listed.entries.is_empty()
            && folder.place.is_none()
            && !prefix.is_empty()
            && !listed.itself
        {
            return Err(Trouble::NotListed(StatusCode::NOT_FOUND));
        }
        let shown = page::Page {
            path: &folder.path,
            listed: &listed,
            is_top: folder.path == "/" || folder.path.trim_end_matches('/') == site.path,
            begins: folder.place.is_none(),
        };
        let mut answer = shown.answer(folder.format);
        if folder.method == Method::HEAD
            && let OutgoingBody::Full(bytes) = &answer.body
        {
            let length = HeaderValue::from(bytes.len());
            answer
                .parts
                .headers
                .insert(http::header::CONTENT_LENGTH, length);
            answer.body = OutgoingBody::Empty;
        }
        forward::to_client(&mut answer.parts.headers);
        Ok(answer)
    }

    /// Whether anything is in a folder.
    pub(crate) async fn is_folder(self: &Arc<Self>, site: &Arc<Site>, folder: &Folder) -> bool {
        let mut line = AccessLine::default();
        let listed = self.listed(site, folder, 1, &mut line).await;
        listed.is_ok_and(|(_, listed)| listed.itself || !listed.entries.is_empty())
    }

    async fn listed(
        &self,
        site: &Arc<Site>,
        folder: &Folder,
        entries_max: u32,
        line: &mut AccessLine,
    ) -> Result<(String, Listed), Trouble> {
        let path = site.origin_path(&folder.path).ok_or(Trouble::NoPath)?;
        let prefix = percent_decode(path.trim_start_matches('/').as_bytes());
        let prefix = String::from_utf8(prefix).map_err(|_| Trouble::BadRequest)?;
        let mut query = format!(
            "list-type=2&encoding-type=url&delimiter=%2F&max-keys={entries_max}&prefix={}",
            percent_encode(prefix.as_bytes(), false)
        );
        if let Some(place) = &folder.place {
            query.push_str("&continuation-token=");
            query.push_str(&percent_encode(place.as_bytes(), false));
        }
        let bytes = self.list_of(site, folder, &query, line).await?;
        let listed = Listed::parse(&bytes, &prefix);
        let listed = listed.map_err(|_| Trouble::NotListed(StatusCode::BAD_GATEWAY))?;
        Ok((prefix, listed))
    }

    async fn list_of(
        &self,
        site: &Arc<Site>,
        folder: &Folder,
        query: &str,
        line: &mut AccessLine,
    ) -> Result<Bytes, Trouble> {
        let refused = |status: StatusCode| {
            Trouble::NotListed(match status {
                StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
                StatusCode::NOT_FOUND => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_GATEWAY,
            })
        };
        let target = format!("/?{query}");
        if let Some(bucket) = site.own_bucket() {
            let request = self.signed(site, folder.request(&target)?, bucket).await?;
            let local = self.local.as_ref().ok_or(Trouble::NoStore)?;
            let answer = local.serve(request, bucket).await;
            return match (answer.parts.status, answer.body) {
                (StatusCode::OK, OutgoingBody::Full(bytes)) => Ok(bytes),
                (status, _) => Err(refused(status)),
            };
        }
        let mut onward = forward::to_origin(site, &folder.request(&folder.path)?, false)?;
        *onward.uri_mut() = target.parse().map_err(|_| Trouble::BadRequest)?;
        let fetched = self.fetch(site, onward, RequestBody::Empty, line).await?;
        if fetched.parts.status != StatusCode::OK {
            return Err(refused(fetched.parts.status));
        }
        collected(fetched.body).await
    }
}

async fn collected(mut body: OriginBody) -> Result<Bytes, Trouble> {
    let failed = || Trouble::NotListed(StatusCode::BAD_GATEWAY);
    let mut bytes = BytesMut::new();
    while let Some(read) = body.read().await.map_err(|_| failed())? {
        if bytes.len() + read.len() > LIST_BYTES_MAX {
            return Err(failed());
        }
        bytes.extend_from_slice(&read);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_may_ask_for_what_they_read() {
        for (accept, of_site, expected) in [
            ("", Autoindex::Html, Autoindex::Html),
            ("*/*", Autoindex::Json, Autoindex::Json),
            ("application/json", Autoindex::Html, Autoindex::Json),
            ("text/html,*/*;q=0.8", Autoindex::Json, Autoindex::Html),
            (
                "text/html, application/json",
                Autoindex::Html,
                Autoindex::Html,
            ),
        ] {
            assert_eq!(format(of_site, accept), expected, "{accept}");
        }
    }
}
