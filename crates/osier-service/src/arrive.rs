//! The first station: which bucket and key a request names, and who signed it.

use std::borrow::Cow;

use http::Method;
use http::header::{HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use osier_auth::{
    Authentication, HostReading, ResourceName, Signed, SignedHead, query_with_spaces,
};
use osier_store::ByteSource;
use osier_types::{BucketName, Fault, FaultKind, Query};
use osier_wire::{Address, Addressed, BodyUse, Dialect, Route};

use crate::service::{Done, Learnt, Service};
use crate::{Verdict, form};

impl Service {
    pub(crate) async fn answer(
        &self,
        request: &Parts,
        body: Box<dyn ByteSource>,
        learnt: &mut Learnt,
    ) -> Result<Done, Fault> {
        let target = match (request.uri.authority(), request.uri.path_and_query()) {
            (None, Some(target)) => Cow::Borrowed(target.as_str()),
            _ => Cow::Owned(request.uri.to_string()),
        };
        let host = text_of(&request.headers, &HOST);
        let addressed = osier_wire::address(
            &request.method,
            &target,
            host.as_deref(),
            &self.settings.hosts,
        )?;
        learnt.address = addressed.candidates.first().cloned();
        learnt.dialect = learnt
            .choice
            .of(&request.method, &addressed.query, &request.headers);
        let dialect = learnt.dialect;
        let form = addressed.candidates.iter().find(|address| {
            let route = route_of(dialect, request, address, &addressed.query);
            route.body() == BodyUse::Form
        });
        if let Some(address) = form {
            learnt.log.op = "PostObject";
            learnt.address = Some(address.clone());
            self.grant(request, learnt);
            // In a box: forms are rare, and their futures large.
            return Box::pin(form::post(self, request, address, body, learnt)).await;
        }
        // A preflight is never signed; the URL it asks about may well be, for another method.
        let signed = if request.method == Method::OPTIONS {
            None
        } else {
            let known = self.authenticate(request, &addressed);
            if known.is_err() {
                learnt.judged.verdict = Verdict::Refused;
            }
            known?
        };
        // Unsigned queries come from forms and programs that write a blank as `+`.
        let (index, spaces) = signed
            .as_ref()
            .map_or((0, true), |signed| (signed.candidate, signed.plus_is_space));
        let mut address = addressed
            .candidates
            .into_iter()
            .nth(index)
            .ok_or_else(|| Fault::new(FaultKind::Internal))?;
        learnt.ways.target = self.enter(&mut address);
        learnt.address = Some(address.clone());
        if let Some(signed) = &signed {
            learnt.log.access_key_id = Some(signed.access_key_id.clone());
            learnt.caller = Some(signed.identity.clone());
        }
        let query = if spaces && addressed.raw_query.contains('+') {
            query_with_spaces(&addressed.raw_query)
        } else {
            addressed.query
        };
        let route = route_of(dialect, request, &address, &query);
        learnt.log.op = route.name().unwrap_or("Unknown");
        self.grant(request, learnt);
        self.perform(
            request,
            learnt,
            &address,
            &query,
            &route,
            signed.as_ref(),
            body,
        )
        .await
    }

    pub(crate) fn authenticate(
        &self,
        request: &Parts,
        addressed: &Addressed,
    ) -> Result<Option<Signed>, Fault> {
        let candidates: Vec<ResourceName> = addressed
            .candidates
            .iter()
            .map(|address| ResourceName {
                bucket: address.bucket.clone(),
                key: address.key.clone(),
            })
            .collect();
        let hosts = self.other_hosts(addressed.authority.as_deref().unwrap_or_default());
        let head = SignedHead {
            method: &request.method,
            headers: &request.headers,
            query: &addressed.query,
            raw_query: &addressed.raw_query,
            raw_path: &addressed.raw_path,
            candidates: &candidates,
            hosts: &hosts,
        };
        let now = self.now();
        let known = self
            .verifier
            .authenticate(&head, self.identities.as_ref(), now)?;
        match known {
            Authentication::Anonymous => Ok(None),
            Authentication::Signed(signed) => {
                self.identities.note_use(&signed.access_key_id, now);
                Ok(Some(signed))
            }
        }
    }

    /// The configured names under which a client may know this server, when the request came
    /// under none of them: a proxy has put its own name there, and S3 signs the client's.
    pub(crate) fn other_hosts(&self, authority: &str) -> Vec<HostReading> {
        let hosts = &self.settings.hosts;
        if hosts.knows(authority) {
            return Vec::new();
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        hosts
            .names()
            .iter()
            .chain(self.settings.public_endpoint.iter())
            .flat_map(|name| {
                let with_port = port.map(|port| format!("{name}:{port}"));
                std::iter::once(name.to_ascii_lowercase()).chain(with_port)
            })
            .map(|host| HostReading { host, candidate: 0 })
            .collect()
    }

    /// What the bucket's CORS rules grant to the page this request comes from.
    fn grant(&self, request: &Parts, learnt: &mut Learnt) {
        let Some(origin) = text_of(&request.headers, &ORIGIN) else {
            return;
        };
        let bucket = learnt
            .address
            .as_ref()
            .and_then(|address| address.bucket.as_deref());
        let bucket = bucket.and_then(|bucket| BucketName::parse(bucket).ok());
        let Some(record) = bucket.and_then(|bucket| self.store.bucket(&bucket).ok()) else {
            return;
        };
        if let Some(cors) = &record.cors {
            learnt.grant = cors.grant(&origin, request.method.as_str(), &[]);
        }
    }
}

pub(crate) fn route_of(
    dialect: Dialect,
    request: &Parts,
    address: &Address,
    query: &Query,
) -> Route {
    dialect.route(&request.method, address, query, &request.headers)
}

pub(crate) fn text_of(headers: &HeaderMap, name: &http::header::HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
