//! Which operation a request is, in any dialect.
//!
//! A dialect's table names every operation of its API, whether osier has it
//! or not, so that an operation that is not there is refused by name instead
//! of being taken for another one. What a route's arguments mean is `decode`'s.
//!
//! A request with several sub-resources is the operation of the one that
//! stands first in the table. Unknown parameters mean nothing. A writing
//! method with a sub-resource that does not belong there is refused: dropping
//! it would make, say, a part upload without its upload id overwrite the object.

use std::collections::HashMap;

use http::{HeaderMap, Method, header};
use osier_types::{BucketName, ConfigKind, Fault, FaultKind, ObjectKey, Op, Query};

use super::input::Input;
use crate::address::Address;

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
    /// It is a `PostObject` form, for [`FormParser`](crate::FormParser).
    Form,
}

/// One operation: how it is told from the others, and how much of it is there.
#[derive(Clone, Copy, Debug)]
pub struct RouteSpec {
    /// Its name in the dialect's API.
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
    pub(crate) body: BodyUse,
    pub(crate) decoder: Decoder,
    /// Whether it makes or deletes: then options that are not there are refused.
    guarded: bool,
    /// Whether it understands how to protect what it makes: encryption, retention, legal hold.
    pub(crate) protects: bool,
}

/// How a request becomes an `Op`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decoder {
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
    /// The operation's name in the dialect's API; absent where the method fits none.
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

/// What makes a dialect's requests its own.
#[derive(Clone, Copy)]
pub(crate) struct Grammar {
    /// Its operations, in order of precedence.
    pub(crate) routes: &'static [RouteSpec],
    /// The place of the first route of each sub-resource.
    pub(crate) places: fn() -> &'static Places,
    /// Which names buckets may have.
    pub(crate) bucket: fn(&str) -> Result<BucketName, Fault>,
    /// Which keys objects may have.
    pub(crate) key: fn(&[u8]) -> Result<ObjectKey, Fault>,
    /// How large a page is, by the parameter of this name.
    pub(crate) page_size: fn(&Input<'_>, &'static str) -> Result<u32, Fault>,
    /// An option of a write that someone would rely on and that is not there.
    pub(crate) missing_option: fn(&RouteSpec, &Query, &HeaderMap) -> Option<String>,
}

/// For each sub-resource of each scope, the place of its first route.
#[derive(Debug)]
pub(crate) struct Places(HashMap<(Scope, &'static str), usize>);

impl Places {
    pub(crate) fn of(routes: &'static [RouteSpec]) -> Self {
        let mut places = HashMap::new();
        for (place, spec) in routes.iter().enumerate() {
            if let Some(name) = spec.subresource {
                places.entry((spec.scope, name)).or_insert(place);
            }
        }
        Self(places)
    }
}

impl Grammar {
    /// Finds the operation of a request.
    pub(crate) fn route(
        &self,
        method: &Method,
        address: &Address,
        query: &Query,
        headers: &HeaderMap,
    ) -> Route {
        let scope = match (&address.bucket, &address.key) {
            (None, _) => Scope::Service,
            (Some(_), None) => Scope::Bucket,
            (Some(_), Some(_)) => Scope::Object,
        };
        let spec = self.find(method, scope, query, headers);
        let missing_option = spec
            .filter(|spec| spec.guarded)
            .and_then(|spec| (self.missing_option)(spec, query, headers));
        Route {
            spec,
            missing_option,
        }
    }

    fn find(
        &self,
        method: &Method,
        scope: Scope,
        query: &Query,
        headers: &HeaderMap,
    ) -> Option<&'static RouteSpec> {
        let places = &(self.places)().0;
        let subresource = self.subresource(places, method, scope, query);
        let writes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let elsewhere = || {
            query.pairs().iter().any(|pair| {
                [Scope::Service, Scope::Bucket, Scope::Object]
                    .into_iter()
                    .any(|other| {
                        other != scope && places.contains_key(&(other, pair.name.as_str()))
                    })
            })
        };
        if writes && subresource.is_none() && elsewhere() {
            return None;
        }
        // A preflight asks on behalf of another request, whose parameters it carries.
        let subresource = subresource.filter(|_| method != Method::OPTIONS);
        self.routes
            .iter()
            .filter(|spec| spec.scope == scope && spec.subresource == subresource)
            .find(|spec| spec.fits(method, query, headers))
    }

    fn subresource(
        &self,
        places: &HashMap<(Scope, &'static str), usize>,
        method: &Method,
        scope: Scope,
        query: &Query,
    ) -> Option<&'static str> {
        let first = query
            .pairs()
            .iter()
            .filter_map(|pair| places.get(&(scope, pair.name.as_str())))
            .min()
            .and_then(|&place| self.routes.get(place))
            .and_then(|spec| spec.subresource);
        let part = || scope == Scope::Object && method == Method::PUT && query.has("partNumber");
        first.or_else(|| part().then_some("uploadId"))
    }
}

/// Conditions of reads, which most writes do not have.
pub(crate) const CONDITIONS: [header::HeaderName; 4] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

/// An operation that is refused, until [`RouteSpec::decoder`] says otherwise.
pub(crate) const fn row(
    name: &'static str,
    method: &'static str,
    scope: Scope,
    subresource: &'static str,
) -> RouteSpec {
    RouteSpec {
        name,
        method,
        scope,
        subresource: if subresource.is_empty() {
            None
        } else {
            Some(subresource)
        },
        also: &[],
        header: None,
        support: Support::NotImplemented,
        body: BodyUse::None,
        decoder: Decoder::Refuse,
        guarded: false,
        protects: false,
    }
}

pub(crate) const fn document(max_bytes: usize) -> BodyUse {
    BodyUse::Document { max_bytes }
}

impl RouteSpec {
    pub(crate) const fn also(mut self, needs: &'static [&'static str]) -> Self {
        self.also = needs;
        self
    }

    pub(crate) const fn header(mut self, name: &'static str) -> Self {
        self.header = Some(name);
        self
    }

    pub(crate) const fn decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self.support = Support::Works;
        self
    }

    pub(crate) const fn partial(mut self, note: &'static str) -> Self {
        self.support = Support::Partial(note);
        self
    }

    pub(crate) const fn body(mut self, body: BodyUse) -> Self {
        self.body = body;
        self
    }

    /// As `guarded`, but encryption, retention and legal hold are understood.
    pub(crate) const fn protecting(mut self) -> Self {
        self.guarded = true;
        self.protects = true;
        self
    }

    pub(crate) const fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }
}
