//! Which operation a request is.
//!
//! [`ROUTES`] names every operation of the OSS API, whether osier has it or
//! not, so that an operation that is not there is refused by name instead of
//! being taken for another one. What a route's arguments mean is `decode`'s.
//!
//! A request with several sub-resources is the operation of the one that
//! stands first in [`ROUTES`]. Unknown parameters mean nothing. A writing
//! method with a sub-resource that does not belong there is refused: dropping
//! it would make, say, a part upload without its upload id overwrite the object.

mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use http::{HeaderMap, Method, header};
use osier_types::{ConfigKind, Fault, FaultKind, Op, Query};

use super::Address;
use super::decode::Input;
pub use table::ROUTES;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The service.
    Service,
    /// One bucket.
    Bucket,
    /// One object.
    Object,
}

/// How much of an operation is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    Works,
    /// Not all; the note says what.
    Partial(&'static str),
    /// None; the answer is `NotImplemented`.
    NotImplemented,
}

/// What an operation does with the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// Nothing.
    None,
    /// Reads it whole, at most so many bytes, and hands it to `decode`.
    Document {
        /// More than this is `EntityTooLarge`.
        max_bytes: usize,
    },
    /// It is the object's data.
    Stream,
    /// It is a `PostObject` form, for [`FormParser`](super::FormParser).
    Form,
}

/// One operation: how it is told from the others, and how much of it is there.
#[derive(Clone, Copy, Debug)]
pub struct RouteSpec {
    /// Its name in the OSS API.
    pub name: &'static str,
    /// Its method.
    pub method: &'static str,
    /// What it is about.
    pub scope: Scope,
    /// The parameter that makes it this operation.
    pub subresource: Option<&'static str>,
    /// Parameters that must be there too, as `name` or `name=value`.
    pub also: &'static [&'static str],
    /// A header that must be there too.
    pub header: Option<&'static str>,
    /// How much of it is there.
    pub support: Support,
    pub(super) body: BodyUse,
    pub(super) decoder: Decoder,
    /// Whether it makes or deletes: then options that are not there are refused.
    guarded: bool,
    /// Whether it understands [`PROTECTION`].
    protects: bool,
}

/// How a request becomes an `Op`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decoder {
    With(fn(&Input<'_>) -> Result<Op, Fault>),
    GetConfig(ConfigKind),
    /// With the name of the document's root element.
    PutConfig(ConfigKind, &'static str),
    DeleteConfig(ConfigKind),
    /// `decode_post`, after the form's head was read.
    Form,
    Refuse,
}

/// What a request turned out to be.
#[derive(Clone, Debug)]
pub struct Route {
    spec: Option<&'static RouteSpec>,
    /// An option that was asked for and is not there.
    missing_option: Option<String>,
}

impl RouteSpec {
    /// The query that makes a request this operation.
    pub fn query(&self) -> String {
        let valued = |name: &&str| {
            let begins = |need: &&str| need.split_once('=').is_some_and(|(head, _)| head == *name);
            self.also.iter().any(begins)
        };
        let names: Vec<&str> = self
            .subresource
            .into_iter()
            .filter(|name| !valued(name))
            .chain(self.also.iter().copied())
            .collect();
        names.join("&")
    }

    fn fits(&self, method: &Method, query: &Query, headers: &HeaderMap) -> bool {
        let has = |need: &&str| match need.split_once('=') {
            Some((name, value)) => query.get(name) == Some(value.as_bytes()),
            None => query.has(need),
        };
        self.method == method.as_str()
            && self.also.iter().all(has)
            && self.header.is_none_or(|name| headers.contains_key(name))
    }
}

impl Route {
    /// The operation's name in the OSS API; absent where the method fits none.
    pub fn name(&self) -> Option<&'static str> {
        self.spec.map(|spec| spec.name)
    }

    /// The operation; absent where the method fits none.
    pub fn spec(&self) -> Option<&'static RouteSpec> {
        self.spec
    }

    /// How much body the operation needs.
    pub fn body(&self) -> BodyUse {
        match self.spec {
            Some(spec) if self.fault().is_none() => spec.body,
            _ => BodyUse::None,
        }
    }

    /// Why the operation can't be done, where that is known already. `decode` says the same.
    pub fn fault(&self) -> Option<Fault> {
        let Some(spec) = self.spec else {
            return Some(Fault::new(FaultKind::MethodNotAllowed));
        };
        let what = match (&self.missing_option, spec.support) {
            (Some(option), _) => format!("{} with {option}", spec.name),
            (None, Support::NotImplemented) => spec.name.to_owned(),
            (None, _) => return None,
        };
        Some(Fault::new(FaultKind::NotImplemented { what }))
    }
}

/// Finds the operation of a request.
pub fn route(method: &Method, address: &Address, query: &Query, headers: &HeaderMap) -> Route {
    let scope = match (&address.bucket, &address.key) {
        (None, _) => Scope::Service,
        (Some(_), None) => Scope::Bucket,
        (Some(_), Some(_)) => Scope::Object,
    };
    let spec = find(method, scope, query, headers);
    let missing_option = spec
        .filter(|spec| spec.guarded)
        .and_then(|spec| missing_option(spec, query, headers));
    Route {
        spec,
        missing_option,
    }
}

fn find(
    method: &Method,
    scope: Scope,
    query: &Query,
    headers: &HeaderMap,
) -> Option<&'static RouteSpec> {
    let subresource = subresource(method, scope, query);
    let writes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if writes && subresource.is_none() && names_other_scope(scope, query) {
        return None;
    }
    // A preflight asks on behalf of another request, whose parameters it carries.
    let subresource = subresource.filter(|_| method != Method::OPTIONS);
    ROUTES
        .iter()
        .filter(|spec| spec.scope == scope && spec.subresource == subresource)
        .find(|spec| spec.fits(method, query, headers))
}

/// For each sub-resource of each scope, the place of its first route.
static SUBRESOURCES: LazyLock<HashMap<(Scope, &'static str), usize>> = LazyLock::new(|| {
    let mut places = HashMap::new();
    for (place, spec) in ROUTES.iter().enumerate() {
        if let Some(name) = spec.subresource {
            places.entry((spec.scope, name)).or_insert(place);
        }
    }
    places
});

fn subresource(method: &Method, scope: Scope, query: &Query) -> Option<&'static str> {
    let first = query
        .pairs()
        .iter()
        .filter_map(|pair| SUBRESOURCES.get(&(scope, pair.name.as_str())))
        .min()
        .and_then(|&place| ROUTES.get(place))
        .and_then(|spec| spec.subresource);
    let part = || scope == Scope::Object && method == Method::PUT && query.has("partNumber");
    first.or_else(|| part().then_some("uploadId"))
}

/// Headers and form fields that say how to protect a new object.
pub(in crate::oss::request) const PROTECTION: [&str; 6] = [
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
    "x-oss-object-worm-mode",
    "x-oss-object-worm-retain-until-date",
    "x-oss-object-worm-legal-hold",
];

fn names_other_scope(scope: Scope, query: &Query) -> bool {
    query.pairs().iter().any(|pair| {
        [Scope::Service, Scope::Bucket, Scope::Object]
            .into_iter()
            .any(|other| other != scope && SUBRESOURCES.contains_key(&(other, pair.name.as_str())))
    })
}

/// Options of writes that someone would rely on and that are not there. Ignoring them would
/// store in the clear what should be encrypted, or overwrite or delete what should be kept.
fn missing_option(spec: &RouteSpec, query: &Query, headers: &HeaderMap) -> Option<String> {
    const HEADER_PREFIXES: [&str; 6] = [
        "x-oss-server-side-",
        "x-oss-object-worm-",
        "x-oss-callback",
        "x-oss-agentic-",
        "x-oss-hns-",
        "x-amz-server-side-",
    ];
    const CONDITIONS: [header::HeaderName; 4] = [
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ];
    let by_name = headers
        .keys()
        .find(|name| {
            let refused = HEADER_PREFIXES
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix));
            let protects = spec.protects && PROTECTION.contains(&name.as_str());
            refused && !protects || CONDITIONS.contains(name)
        })
        .map(|name| name.as_str().to_owned());
    let by_query = || {
        ["callback", "callback-var"]
            .into_iter()
            .find(|name| query.has(name))
            .map(str::to_owned)
    };
    // Its framing would end up in the object.
    let by_framing = || {
        let coding = headers.get(header::CONTENT_ENCODING)?.as_bytes();
        coding
            .to_ascii_lowercase()
            .windows(b"aws-chunked".len())
            .any(|window| window == b"aws-chunked")
            .then(|| "Content-Encoding aws-chunked".to_owned())
    };
    by_name.or_else(by_query).or_else(by_framing)
}
