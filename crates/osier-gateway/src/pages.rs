//! A bucket as a web site: the index of a folder, a slash that was left out, pages in the place
//! of errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, request};
use osier_http::{IncomingBody, Outgoing};

use crate::access::redirect;
use crate::access_log::AccessLine;
use crate::gateway::{Gateway, Request};
use crate::listing::Folder;
use crate::settings::{Autoindex, ErrorPageSettings, SiteSettings};
use crate::site::{InvalidSite, Site};
use crate::trouble::Trouble;

/// Which pages a site has for what is no object.
#[derive(Debug)]
pub(crate) struct Pages {
    index: Option<String>,
    autoindex: Autoindex,
    append_slash: bool,
    errors: BTreeMap<u16, ErrorPage>,
}

/// What stands in the place of an error.
#[derive(Debug)]
enum ErrorPage {
    /// A path of the site, with its status.
    Page(String, StatusCode),
    /// An address that clients are sent to.
    Elsewhere(String),
}

impl Pages {
    pub(crate) fn new(settings: &SiteSettings) -> Result<Self, InvalidSite> {
        let mut errors = BTreeMap::new();
        for (status, page) in &settings.error_pages {
            let invalid = || InvalidSite::ErrorPage(status.clone());
            let of = status.parse().ok().filter(|of| (400..600).contains(of));
            let of: u16 = of.ok_or_else(invalid)?;
            let (page, status) = match page {
                ErrorPageSettings::Page(page) => (page, of),
                ErrorPageSettings::WithStatus { page, status } => (page, *status),
                ErrorPageSettings::Elsewhere { redirect } => {
                    redirect.parse::<Uri>().map_err(|_| invalid())?;
                    errors.insert(of, ErrorPage::Elsewhere(redirect.clone()));
                    continue;
                }
            };
            let is_path = page.starts_with('/') && page.parse::<PathAndQuery>().is_ok();
            let status = StatusCode::from_u16(status).map_err(|_| invalid())?;
            if !is_path || status.is_informational() {
                return Err(invalid());
            }
            errors.insert(of, ErrorPage::Page(page.clone(), status));
        }
        if let Some(index) = &settings.index
            && (index.is_empty() || index.contains(['/', '?', '#']))
        {
            return Err(InvalidSite::Prefix(index.clone()));
        }
        Ok(Self {
            index: settings.index.clone(),
            autoindex: settings.autoindex,
            append_slash: settings.append_slash,
            errors,
        })
    }

    /// Whether something else is asked for than it seems.
    pub(crate) fn changes(&self, head: &request::Parts) -> bool {
        self.has_folders() && head.uri.path().ends_with('/')
    }

    /// How folders without an index are shown.
    pub(crate) fn autoindex(&self) -> Autoindex {
        self.autoindex
    }

    /// Whether folders have an index, as far as it is known before it is asked for.
    pub(crate) fn has_index(&self) -> bool {
        self.index.is_some()
    }

    fn has_folders(&self) -> bool {
        self.index.is_some() || self.autoindex != Autoindex::Off
    }

    /// Puts the index in the place of a folder.
    pub(crate) fn enter(&self, head: &mut request::Parts) {
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        if let Some(index) = &self.index
            && reads
            && head.uri.path().ends_with('/')
        {
            let path = format!("{}{index}", head.uri.path());
            if let Some(uri) = with_path(&head.uri, &path) {
                head.uri = uri;
            }
        }
    }
}

impl Gateway {
    /// What a reader gets in the place of an error, if the site has something.
    pub(crate) async fn page(
        self: &Arc<Self>,
        site: &Arc<Site>,
        asked: &Asked,
        failed: StatusCode,
    ) -> Option<Outgoing> {
        let pages = &site.pages;
        let may_be_folder = failed == StatusCode::NOT_FOUND && !asked.path.ends_with('/');
        if may_be_folder && pages.append_slash {
            let mut found = match &pages.index {
                Some(index) => {
                    let below = format!("{}/{index}", asked.path);
                    let found = self.inside(site, asked, Method::HEAD, &below).await;
                    found.is_ok_and(|found| found.parts.status.is_success())
                }
                None => false,
            };
            if let (false, Some(folder)) = (found, &asked.folder) {
                found = self.is_folder(site, folder).await;
            }
            if found {
                let query = asked.query.as_ref().map(|query| format!("?{query}"));
                let to = format!("{}/{}", asked.path, query.unwrap_or_default());
                return redirect(StatusCode::FOUND, &to).ok();
            }
        }
        let (page, status) = match pages.errors.get(&failed.as_u16())? {
            ErrorPage::Page(page, status) => (page, status),
            ErrorPage::Elsewhere(to) => return redirect(StatusCode::FOUND, to).ok(),
        };
        let found = self.inside(site, asked, asked.method.clone(), page).await;
        let mut found = found.ok()?;
        if found.parts.status != StatusCode::OK {
            return None;
        }
        found.parts.status = *status;
        Some(found)
    }

    /// Asks the site for another path, as the same client.
    async fn inside(
        self: &Arc<Self>,
        site: &Arc<Site>,
        asked: &Asked,
        method: Method,
        path: &str,
    ) -> Result<Outgoing, Trouble> {
        let head = http::Request::builder().method(method).uri(path).body(());
        let (head, ()) = head.map_err(|_| Trouble::BadRequest)?.into_parts();
        let request = Request {
            head,
            peer: asked.peer,
            local: asked.local,
            client: asked.client,
            secure: asked.secure,
            server_name: None,
            body: IncomingBody::EMPTY,
        };
        let mut line = AccessLine::default();
        Box::pin(self.serve(site, request, &mut line)).await
    }
}

/// What of a request is needed when it failed.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    query: Option<String>,
    peer: std::net::SocketAddr,
    local: std::net::SocketAddr,
    client: std::net::IpAddr,
    secure: bool,
    /// What it would be with a slash, where folders are shown.
    folder: Option<Folder>,
}

impl Asked {
    /// Of a reader's request to a site that has pages; nothing otherwise.
    pub(crate) fn of(site: &Site, request: &Request) -> Option<Self> {
        let pages = &site.pages;
        let reads = matches!(request.head.method, Method::GET | Method::HEAD);
        let wanted = pages.append_slash || !pages.errors.is_empty();
        (reads && wanted).then(|| Self {
            folder: Folder::lacking_slash(site, request),
            method: request.head.method.clone(),
            path: request.head.uri.path().to_owned(),
            query: request.head.uri.query().map(ToOwned::to_owned),
            peer: request.peer,
            local: request.local,
            client: request.client,
            secure: request.secure,
        })
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    target.parse::<PathAndQuery>().ok().map(Uri::from)
}
