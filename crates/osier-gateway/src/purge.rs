//! What operators and the CDN's control API do with kept answers: purge and prefetch.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderValue, StatusCode, Uri};
use osier_cache::{InvalidPattern, Pattern, PurgedScope};
use osier_http::IncomingBody;
use osier_types::PlainPath;
use serde::{Deserialize, Serialize};

use crate::filling::Filling;
use crate::flight::Part;
use crate::gateway::{Gateway, Request};
use crate::site::{Site, of_path};
use crate::trouble::Trouble;

/// What is to be purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purge {
    /// An address, as clients write it. With a query: this one; without: any query.
    Url(String),
    /// A directory and what lies below it, by its address.
    Directory(String),
    /// Answers with this tag, of all sites.
    Tag(String),
    /// All of the site that answers this host.
    Site(String),
    /// Answers of the site of a host whose path and query a regular expression matches.
    Pattern {
        /// The host.
        host: String,
        /// The expression.
        pattern: String,
    },
    /// All of all sites.
    Everything,
}

/// A purge or a prefetch can't be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PurgeError {
    /// The text is no address.
    #[error("`{0}` is no address; it begins with `http://` or `https://`")]
    Url(String),
    /// No site answers this host.
    #[error("no site answers `{0}`")]
    NoSite(String),
    /// The pattern is none.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// It acts now, but may be forgotten by a restart.
    #[error("purged, but it could not be written down: a restart may bring it back")]
    NotWritten(#[source] io::Error),
    /// The origin did not answer.
    #[error("the origin did not answer: {0}")]
    Origin(&'static str),
    /// The site keeps nothing.
    #[error("the site of `{0}` keeps nothing")]
    Off(String),
}

impl Gateway {
    /// Kept answers that `purges` reach count no more when this returns; where there is a disk
    /// also after a crash. All of them, or none when one makes no sense. Waits for the disk.
    ///
    /// # Errors
    /// Which makes no sense, or that it could not be written down.
    pub fn purge(&self, purges: &[Purge]) -> Result<(), PurgeError> {
        let scopes = purges
            .iter()
            .map(|purge| self.scopes(purge))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        self.store.purge(&scopes).map_err(PurgeError::NotWritten)
    }

    fn scopes(&self, purge: &Purge) -> Result<Vec<PurgedScope>, PurgeError> {
        Ok(vec![match purge {
            Purge::Url(url) => {
                let (site, uri) = self.place(url)?;
                let name = site.name.to_string();
                match uri.query() {
                    None => PurgedScope::Path(name, uri.path().to_owned()),
                    Some(query) => {
                        let query = site.keys.query_of(Some(query));
                        PurgedScope::Address(name, format!("{}?{query}", uri.path()))
                    }
                }
            }
            Purge::Directory(url) => {
                let (site, uri) = self.place(url)?;
                PurgedScope::Directory(site.name.to_string(), uri.path().to_owned())
            }
            Purge::Tag(tag) => PurgedScope::Tag(tag.clone()),
            Purge::Site(host) => return self.scopes_of(host, PurgedScope::Site),
            Purge::Pattern { host, pattern } => {
                Pattern::parse(pattern)?;
                return self.scopes_of(host, |site| PurgedScope::Pattern(site, pattern.clone()));
            }
            Purge::Everything => PurgedScope::Everything,
        }])
    }

    /// The same of all sites that share a host.
    fn scopes_of(
        &self,
        host: &str,
        scope: impl Fn(String) -> PurgedScope,
    ) -> Result<Vec<PurgedScope>, PurgeError> {
        let sites = self.current();
        let paths = sites
            .of_host(host)
            .ok_or_else(|| PurgeError::NoSite(host.to_owned()))?;
        Ok(paths
            .iter()
            .map(|site| scope(site.name.to_string()))
            .collect())
    }

    /// Fetches what an address names, to disk where there is one. What is kept and fresh is
    /// asked for again.
    ///
    /// # Errors
    /// Why it can't be fetched.
    pub async fn prefetch(self: &Arc<Self>, url: &str) -> Result<StatusCode, PurgeError> {
        let (site, uri) = self.place(url)?;
        if !site.caches {
            return Err(PurgeError::Off(url.to_owned()));
        }
        let host = uri.authority().map(http::uri::Authority::as_str);
        let host = HeaderValue::from_str(host.unwrap_or_default());
        let mut head = http::Request::new(());
        *head.uri_mut() = uri
            .path_and_query()
            .and_then(|target| target.as_str().parse().ok())
            .ok_or_else(|| PurgeError::Url(url.to_owned()))?;
        let host = host.map_err(|_| PurgeError::Url(url.to_owned()))?;
        head.headers_mut().insert(HOST, host);
        let request = Request {
            head: head.into_parts().0,
            peer: ([127, 0, 0, 1], 0).into(),
            local: ([127, 0, 0, 1], 0).into(),
            client: [127, 0, 0, 1].into(),
            secure: uri.scheme_str() == Some("https"),
            server_name: None,
            body: IncomingBody::EMPTY,
        };
        let name = self.name_now(&site, &request).await;
        let name = name.map_err(|trouble| PurgeError::Origin(trouble.code()))?;
        let mut name = name.ok_or(PurgeError::Origin("NotReadable"))?;
        name.to_disk = true;
        let lead = match self.store.flights.join(&name.key) {
            Part::Lead(lead) => Some(lead),
            Part::Follow(_) => None,
        };
        let filling = Filling {
            store: Arc::clone(&self.store),
            name: name.clone(),
            lead,
        };
        let fetched = self.renew(&name, &request, filling, u64::MAX).await;
        fetched.map_err(|trouble: Trouble| PurgeError::Origin(trouble.code()))
    }

    /// Waits until what was to go to disk is there.
    pub async fn settle(&self) {
        self.store.settle().await;
    }

    /// The site of an address, and the address.
    fn place(&self, url: &str) -> Result<(Arc<Site>, Uri), PurgeError> {
        let invalid = || PurgeError::Url(url.to_owned());
        let uri: Uri = encoded(url).parse().map_err(|_| invalid())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid());
        }
        let host = uri.authority().ok_or_else(invalid)?;
        let sites = self.current();
        let site = sites.of_host(host.as_str());
        let site = site
            .and_then(|paths| of_path(paths, &PlainPath::of(uri.path()).text))
            .ok_or_else(|| PurgeError::NoSite(host.to_string()))?;
        Ok((Arc::clone(site), uri))
    }
}

/// An address as people write it, with what can't stand in one encoded.
fn encoded(url: &str) -> Cow<'_, str> {
    let stands = |byte: u8| byte.is_ascii_graphic();
    if url.bytes().all(stands) {
        return Cow::Borrowed(url);
    }
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if stands(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}
