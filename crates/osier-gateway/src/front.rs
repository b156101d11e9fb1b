//! From a request to the one who answers it: its site, what the site lets pass, then the cache
//! or the origin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{AUTHORIZATION, CONTENT_LOCATION, HOST, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode, Uri, request};
use osier_auth::is_sub_resource;
use osier_cache::Scope;
use osier_http::{IncomingBody, Outgoing, RequestBody};
use osier_types::{PlainPath, Query, Timestamp};

use crate::access;
use crate::access_log::AccessLine;
use crate::cached::note;
use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::listing::Folder;
use crate::local_store::{Admission, Visit};
use crate::origin::{Origin, OriginKind};
use crate::pages;
use crate::proof::{narrow, spell_path, strip_foreign, strip_proof};
use crate::site::{Auth, Site, Sites, of_path};
use crate::trouble::Trouble;

/// What becomes of a request before anything is waited for.
pub(crate) enum Entered {
    /// It is answered: by the gateway itself, or because of how it came.
    Answered(Outgoing),
    /// Its site lets it in, and wants to see the answer before it leaves.
    In(Arc<Site>, access::Asked),
}

/// Finds a request's site, and asks it whether it lets the request in.
pub(crate) fn enter(
    sites: &Sites,
    ready: &AtomicBool,
    request: &mut Request,
    now: Timestamp,
    line: &mut AccessLine,
) -> Result<Entered, Trouble> {
    let head = &request.head;
    let host = host(head).ok_or(Trouble::BadRequest)?;
    let Some(paths) = sites.of_host(host) else {
        if head.method == Method::GET && head.uri.path() == "/health" {
            let healthy = Outgoing::text(StatusCode::OK, "healthy");
            return Ok(Entered::Answered(healthy));
        }
        if head.method == Method::GET && head.uri.path() == "/ready" {
            let answer = if ready.load(Ordering::Relaxed) {
                Outgoing::text(StatusCode::OK, "ready")
            } else {
                Outgoing::text(StatusCode::SERVICE_UNAVAILABLE, "stopping")
            };
            return Ok(Entered::Answered(answer));
        }
        return Err(Trouble::NoSite);
    };
    let site = of_path(paths, head.uri.path()).ok_or(Trouble::NoPath)?;
    // The origin may read the path differently; then the rules would be another site's.
    if paths.len() > 1 || !site.path.is_empty() {
        let plain = PlainPath::of(head.uri.path());
        let meant = of_path(paths, &plain.text);
        if !meant.is_some_and(|meant| Arc::ptr_eq(meant, site)) {
            return Err(Trouble::AmbiguousPath);
        }
    }
    // A certificate vouches for the name that was asked for, and for its site alone.
    if let Some(name) = &request.server_name {
        let named = sites.of_host(name);
        let named = named.and_then(|paths| of_path(paths, head.uri.path()));
        if !named.is_some_and(|named| Arc::ptr_eq(named, site)) {
            return Err(Trouble::Misdirected);
        }
    }
    line.site = Some(Arc::clone(&site.name));
    let visit = access::Asked::of(request, site.gzip);
    if let Some(answer) = site.access.enter(request, now)? {
        return Ok(Entered::Answered(answer));
    }
    Ok(match site.rewrites.enter(&mut request.head)? {
        Some(answer) => Entered::Answered(answer),
        None => Entered::In(Arc::clone(site), visit),
    })
}

impl Gateway {
    /// A hit that needs nothing but a look: of a request that nobody else decides about, and
    /// that is sent as it is.
    pub(crate) fn quick_hit(&self, site: &Site, request: &Request) -> Option<Outgoing> {
        let head = &request.head;
        let is_for_all = matches!(site.auth, Auth::Passthrough)
            && site.own_bucket().is_none()
            && site.bucket_here.is_none();
        let passes = site.methods.is_empty() || site.methods.contains(&head.method);
        let is_plain = site.caches && is_for_all && passes && !site.pages.changes(head);
        if !is_plain || request.body.length() != Some(0) || is_signed(site, head) {
            return None;
        }
        self.plain_hit(site, head)
    }

    /// The site's answer, or a page of its own in the place of an error.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        site: &Arc<Site>,
        request: Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let asked = pages::Asked::of(site, &request);
        let folder = Folder::of(site, &request);
        let mut answered = match &folder {
            Some(folder) if !site.pages.has_index() => self.list(site, folder, line).await,
            _ => self.serve(site, request, line).await,
        };
        if let Some(folder) = folder.filter(|_| site.pages.has_index())
            && status(&answered) == StatusCode::NOT_FOUND
        {
            answered = self.list(site, &folder, line).await;
        }
        let Some(asked) = asked else {
            return answered;
        };
        let status = status(&answered);
        if !status.is_client_error() && !status.is_server_error() {
            return answered;
        }
        match Box::pin(self.page(site, &asked, status)).await {
            Some(page) => Ok(page),
            None => answered,
        }
    }

    /// The answer of a site to somebody who may visit it.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        site: &Arc<Site>,
        mut request: Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        if !site.methods.is_empty() && !site.methods.contains(&request.head.method) {
            return Err(Trouble::Method);
        }
        let is_too_large = |length| site.body_bytes_max.is_some_and(|max| length > max);
        if request.body.length().is_some_and(is_too_large) {
            return Err(Trouble::BodyTooLarge);
        }
        site.pages.enter(&mut request.head);
        if let Some(bucket) = site.own_bucket() {
            return self.own(site, request, bucket).await;
        }
        match self.admit(site, &mut request).await? {
            Admission::AsItIs => {}
            Admission::Answered(answer) => return Ok(*answer),
            Admission::Translated(translation) => {
                return Box::pin(self.translated(site, request, translation, line)).await;
            }
        }
        let head = &request.head;
        let has_body = request.body.length() != Some(0);
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        if site.caches
            && is_read
            && !has_body
            && !is_for_itself(site, head)
            && let Some(name) = self.name_now(site, &request).await?
        {
            return self.by_cache(&name, &request, line).await;
        }
        let body = std::mem::replace(&mut request.body, IncomingBody::EMPTY);
        let body = match (body.length(), site.body_bytes_max) {
            (Some(0), _) => RequestBody::Empty,
            (None, Some(max)) => RequestBody::Incoming(body.limited(max)),
            _ => RequestBody::Incoming(body),
        };
        self.pass(site, request, body, line).await
    }

    /// Sees to it that the request carries no proof that would not reach the origin, where the
    /// site signs itself.
    async fn admit(&self, site: &Site, request: &mut Request) -> Result<Admission, Trouble> {
        let account = match &site.auth {
            Auth::Passthrough => return Ok(Admission::AsItIs),
            Auth::Resign(_) => {
                strip_proof(&mut request.head);
                let target = site.origin_target(&request.head.uri, false);
                narrow(&mut request.head, &target.ok_or(Trouble::NoPath)?)?;
                return Ok(Admission::AsItIs);
            }
            Auth::VerifyResign(_, account) => account.as_deref(),
        };
        if request.head.method != Method::OPTIONS {
            let local = self.local.as_ref().ok_or(Trouble::NoStore)?;
            let origin = site.upstreams.all().first().map(|first| &first.origin);
            let bucket = origin.and_then(Origin::bucket).unwrap_or_default();
            let host = host(&request.head);
            let visit = Visit {
                head: &request.head,
                peer: request.peer,
                secure: request.secure,
                bucket,
                host_names_bucket: host.is_some_and(|host| site.names_bucket(host, bucket)),
                origin_is_s3: origin
                    .is_some_and(|origin| matches!(origin.kind, OriginKind::S3 { .. })),
                account,
            };
            match local.admit(visit, &mut request.body).await {
                Admission::AsItIs => {}
                other => return Ok(other),
            }
        }
        strip_proof(&mut request.head);
        strip_foreign(&mut request.head);
        spell_path(&mut request.head);
        Ok(Admission::AsItIs)
    }

    /// From the store in this process. It knows its versions, so nothing is kept here.
    async fn own(
        &self,
        site: &Site,
        mut request: Request,
        bucket: &str,
    ) -> Result<Outgoing, Trouble> {
        let local = self.local.as_ref().ok_or(Trouble::NoStore)?;
        if let Auth::Resign(_) = &site.auth {
            strip_proof(&mut request.head);
        }
        let all = is_signed(site, &request.head);
        let target = site.origin_target(&request.head.uri, all);
        let target = target.ok_or(Trouble::NoPath)?;
        if let Auth::Resign(_) = &site.auth {
            narrow(&mut request.head, &target)?;
        }
        request.head.uri = target.parse().map_err(|_| Trouble::BadRequest)?;
        let mut request = self.signed(site, request, bucket).await?;
        if let Some(max) = site.body_bytes_max
            && request.body.length().is_none()
        {
            request.body = request.body.limited(max);
        }
        let mut answer = local.serve(request, bucket).await;
        forward::to_client(&mut answer.parts.headers);
        Ok(answer)
    }

    /// As the site signs requests for a bucket of our own, where it does.
    pub(crate) async fn signed(
        &self,
        site: &Site,
        mut request: Request,
        bucket: &str,
    ) -> Result<Request, Trouble> {
        if let Some(signer) = site.auth.signer() {
            let mut signed = http::Request::new(());
            *signed.method_mut() = request.head.method.clone();
            *signed.uri_mut() = request.head.uri.clone();
            *signed.headers_mut() = std::mem::take(&mut request.head.headers);
            let signing = signer.sign(&mut signed, bucket, &self.resolver, self.clock.now());
            signing.await?;
            request.head.headers = signed.into_parts().0.headers;
        }
        Ok(request)
    }

    /// To the origin and back, and nothing is kept.
    pub(crate) async fn pass(
        &self,
        site: &Site,
        request: Request,
        body: RequestBody,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let onward = forward::to_origin(site, &request, false)?;
        let head = request.head;
        let fetched = self.fetch(site, onward, body, line).await?;
        let changes = !head.method.is_safe() && fetched.parts.status.as_u16() < 400;
        if changes && site.caches {
            // What was kept of it is not what the origin has now, nor what it points to.
            let mut paths = vec![head.uri.path().to_owned()];
            paths.extend(pointed_to(&head, &fetched.parts.headers));
            for path in paths {
                self.forget(Scope::Path(&site.name, &path));
            }
        }
        let mut parts = fetched.parts;
        forward::to_client(&mut parts.headers);
        note(&mut parts.headers, "osier; fwd=bypass", None);
        Ok(self.streamed(site, parts, fetched.body, &head.method))
    }

    /// Ends what is kept in a scope, because of a write through the gateway.
    pub(crate) fn forget(&self, scope: Scope<'_>) {
        if let Err(error) = self.store.invalidate(scope) {
            tracing::error!(%error, "a purge could not be written down");
        }
    }
}

fn status(answered: &Result<Outgoing, Trouble>) -> StatusCode {
    match answered {
        Ok(answer) => answer.parts.status,
        Err(trouble) => trouble.status(),
    }
}

fn host(head: &request::Parts) -> Option<&str> {
    match head.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => head.headers.get(HOST)?.to_str().ok(),
    }
}

/// The paths of `Location` and `Content-Location`, where they lead to the same host: RFC 9111,
/// section 4.4.
fn pointed_to(head: &request::Parts, answer: &HeaderMap) -> Vec<String> {
    let here = host(head);
    let fields = [LOCATION, CONTENT_LOCATION];
    let uris = fields.iter().filter_map(|name| {
        let text = answer.get(name)?.to_str().ok()?;
        text.parse::<Uri>().ok()
    });
    uris.filter(|uri| match uri.authority() {
        Some(authority) => here == Some(authority.as_str()),
        None => uri.path().starts_with('/'),
    })
    .map(|uri| uri.path().to_owned())
    .collect()
}

/// Whether a request is answered for itself, and not for all that have the same name: it is signed,
/// or a parameter that does not count in names says what was permitted.
pub(crate) fn is_for_itself(site: &Site, head: &request::Parts) -> bool {
    is_signed(site, head) || (matches!(site.auth, Auth::VerifyResign(..)) && asks_more(site, head))
}

fn asks_more(site: &Site, head: &request::Parts) -> bool {
    let asked = Query::parse(head.uri.query().unwrap_or_default());
    if head.uri.path() == "/" && !asked.pairs().is_empty() {
        // All parameters of a list say what is listed.
        return true;
    }
    let counted = site.keys.query_of(head.uri.query());
    let counted = Query::parse(&counted);
    let mut pairs = asked.pairs().iter();
    pairs.any(|pair| is_sub_resource(&pair.name) && !counted.has(&pair.name))
}

/// Whether the request proves who asks. Its answer is for that one alone: the proof is
/// verified by the origin, not here.
///
/// At an origin of plain HTTP, credentials of other schemes are left to the rules of RFC 9111:
/// only what the origin calls public is kept then. Buckets are not asked so, because whoever
/// uploads an object to a private one may write `public` beside it.
pub(crate) fn is_signed(site: &Site, head: &request::Parts) -> bool {
    proves(head, site.has_only_plain_origins())
}

fn proves(head: &request::Parts, plain: bool) -> bool {
    const NAMES: [&str; 6] = [
        "signature=",
        "x-oss-signature=",
        "x-oss-security-token=",
        "security-token=",
        "x-amz-signature=",
        "auth_key=",
    ];
    let signs = |value: &HeaderValue| {
        let value = value.as_bytes();
        let schemes: [&[u8]; 3] = [b"oss", b"aws", b"acs"];
        !plain
            || schemes.iter().any(|scheme| {
                value
                    .get(..3)
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            })
    };
    if head.headers.get_all(AUTHORIZATION).iter().any(signs) {
        return true;
    }
    let Some(query) = head.uri.query() else {
        return false;
    };
    let query = query.to_ascii_lowercase();
    // A name may be spelt with percent signs; a signature is never missed for that.
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        name.contains('%') || NAMES.iter().any(|known| pair.starts_with(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(target: &str, fields: &[(&str, &str)]) -> bool {
        let mut builder = http::Request::builder().uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        proves(&builder.body(()).unwrap().into_parts().0, true)
    }

    #[test]
    fn a_proof_is_seen_however_it_is_spelt() {
        for scheme in [
            "OSS a:b",
            "oss4-HMAC-SHA256 x",
            "AWS4-HMAC-SHA256 x",
            "ACS3-HMAC-SHA256 x",
        ] {
            assert!(signed("/", &[("authorization", scheme)]), "{scheme}");
        }
        assert!(!signed("/", &[("authorization", "Basic eDp5")]));
        for target in [
            "/?Expires=1&OSSAccessKeyId=k&Signature=s",
            "/?x-oss-signature=1",
            "/?X-Amz-Signature=1",
            "/?Sign%61ture=1",
            "/?auth_key=1",
        ] {
            assert!(signed(target, &[]), "{target}");
        }
        for target in ["/", "/?a=b", "/?x-oss-process=image/resize,w_1", "/?v=%20"] {
            assert!(!signed(target, &[]), "{target}");
        }
    }

    #[test]
    fn what_was_permitted_is_not_answered_by_what_has_the_same_name() {
        let of = |query: &str, auth: &str| {
            let text = format!(
                "hosts = ['a']\norigin = 'oss://b@e:1?region=r'\nquery = '{query}'\n{auth}"
            );
            let sites = Sites::new(&[toml::from_str(&text).unwrap()]).unwrap();
            Arc::clone(&sites.of_host("a").unwrap()[0])
        };
        let verified = "auth = 'verify+resign'\n\
            credentials = { access_key_id = 'k', access_key_secret = 's' }";
        let none = of("none", verified);
        let all = of("all", verified);
        let plain = of("none", "");
        for (target, expected) in [
            ("/k", false),
            ("/k?v=1", false),
            ("/k?acl", true),
            ("/k?uploadId=u&partNumber=1", true),
            ("/?prefix=a", true),
            ("/", false),
        ] {
            let head = http::Request::get(target).body(()).unwrap().into_parts().0;
            assert_eq!(is_for_itself(&none, &head), expected, "{target}");
            assert!(!is_for_itself(&plain, &head), "{target}");
            let lists = target.starts_with("/?");
            assert_eq!(is_for_itself(&all, &head), lists, "{target}");
        }
    }
}
