//! The fixed identity of the reference's vectors, and requests made by hand.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use osier_types::{Fault, FaultKind, Owner, Query, Timestamp, percent_encode};

use crate::{
    Authentication, HostReading, Identity, KeyRecord, ResourceName, Secret, Signed, SignedHead,
    StaticKeyRing, Verifier,
};

pub(crate) const ID: &str = "LTAI5tExampleKeyId";
pub(crate) const SECRET: &str = "ExampleSecret0123456789abcdefgh";
pub(crate) const TOKEN: &str = "CAIS+Token/Example==";
pub(crate) const DATE: &str = "Sun, 22 Nov 2026 03:04:05 GMT";
pub(crate) const STAMP: &str = "20261122T030405Z";
pub(crate) const BUCKET: &str = "bkt-test";
pub(crate) const EPOCH: i64 = 1_795_316_645;
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(EPOCH);
pub(crate) const SCOPE: &str = "LTAI5tExampleKeyId/20261122/cn-beijing/oss/aliyun_v4_request";

pub(crate) fn root() -> Identity {
    Identity::root(Owner {
        id: "1000000000000001".to_owned(),
        display_name: "root".to_owned(),
    })
}

pub(crate) fn record() -> KeyRecord {
    KeyRecord::permanent(Secret::from(SECRET), root())
}

pub(crate) fn ring() -> StaticKeyRing {
    StaticKeyRing::default().with(ID, record())
}

/// The key of the vectors that carry a token.
pub(crate) fn temporary_ring() -> StaticKeyRing {
    StaticKeyRing::default().with(
        ID,
        KeyRecord {
            token: Some(Secret::from(TOKEN)),
            ..record()
        },
    )
}

pub(crate) fn object(bucket: &str, key: &str) -> ResourceName {
    ResourceName {
        bucket: Some(bucket.to_owned()),
        key: Some(key.as_bytes().to_vec()),
    }
}

pub(crate) fn bucket(bucket: &str) -> ResourceName {
    ResourceName {
        bucket: Some(bucket.to_owned()),
        key: None,
    }
}

/// The path of a request that names the bucket in it.
fn path_of(target: &ResourceName) -> String {
    let mut path = "/".to_owned();
    if let Some(bucket) = &target.bucket {
        path.push_str(bucket);
        if let Some(key) = &target.key {
            path.push('/');
            path.push_str(&percent_encode(key, true));
        }
    }
    path
}

/// A request under test. Every part can be changed after it was signed.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) raw_query: String,
    pub(crate) raw_path: String,
    pub(crate) hosts: Vec<HostReading>,
    pub(crate) candidates: Vec<ResourceName>,
    pub(crate) now: Timestamp,
    pub(crate) ring: StaticKeyRing,
}

impl Probe {
    pub(crate) fn new(method: Method, target: ResourceName, raw_query: &str) -> Self {
        Self {
            method,
            headers: HeaderMap::new(),
            raw_query: raw_query.to_owned(),
            raw_path: path_of(&target),
            hosts: Vec::new(),
            candidates: vec![target],
            now: NOW,
            ring: ring(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.headers
            .remove(HeaderName::from_bytes(name.as_bytes()).unwrap());
        self.header(name, value)
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.raw_query.is_empty() {
            self.raw_query.push('&');
        }
        self.raw_query
            .push_str(&percent_encode(name.as_bytes(), false));
        self.raw_query.push('=');
        self.raw_query
            .push_str(&percent_encode(value.as_bytes(), false));
        self
    }

    pub(crate) fn path(mut self, raw: &str) -> Self {
        raw.clone_into(&mut self.raw_path);
        self
    }

    pub(crate) fn host_reading(mut self, host: &str, candidate: usize) -> Self {
        self.hosts.push(HostReading {
            host: host.to_owned(),
            candidate,
        });
        self
    }

    pub(crate) fn temporary(mut self) -> Self {
        self.ring = temporary_ring();
        self
    }

    pub(crate) fn later_s(mut self, seconds: i64) -> Self {
        self.now = NOW.plus_millis(seconds * 1000);
        self
    }

    pub(crate) fn authenticate_with(&self, verifier: &Verifier) -> Result<Authentication, Fault> {
        let query = Query::parse(&self.raw_query);
        let head = SignedHead {
            method: &self.method,
            headers: &self.headers,
            query: &query,
            raw_query: &self.raw_query,
            raw_path: &self.raw_path,
            candidates: &self.candidates,
            hosts: &self.hosts,
        };
        verifier.authenticate(&head, &self.ring, self.now)
    }

    pub(crate) fn authenticate(&self) -> Result<Authentication, Fault> {
        self.authenticate_with(&Verifier::default())
    }

    #[track_caller]
    pub(crate) fn signed(&self) -> Signed {
        match self.authenticate() {
            Ok(Authentication::Signed(signed)) => signed,
            other => panic!("not signed: {other:#?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(&self) -> FaultKind {
        match self.authenticate() {
            Err(fault) => fault.kind,
            other => panic!("not refused: {other:#?}"),
        }
    }

    /// What the server would sign, as the fault of a wrong signature tells.
    #[track_caller]
    pub(crate) fn string_to_sign(&self) -> String {
        match self.refused() {
            FaultKind::SignatureDoesNotMatch(mismatch) => {
                String::from_utf8(mismatch.string_to_sign).unwrap()
            }
            other => panic!("not a mismatch: {other:#?}"),
        }
    }

    #[track_caller]
    pub(crate) fn canonical_request(&self) -> String {
        match self.refused() {
            FaultKind::SignatureDoesNotMatch(mismatch) => mismatch.canonical_request.unwrap(),
            other => panic!("not a mismatch: {other:#?}"),
        }
    }

    #[track_caller]
    pub(crate) fn mismatches(&self) {
        let kind = self.refused();
        assert!(
            matches!(kind, FaultKind::SignatureDoesNotMatch(_)),
            "{self:#?}: {kind:?}"
        );
    }

    /// The finer code of a malformed signature.
    #[track_caller]
    pub(crate) fn malformed_ec(&self) -> &'static str {
        match self.refused() {
            FaultKind::AccessDenied(osier_types::AccessDenial::MalformedSignature {
                ec, ..
            }) => ec,
            other => panic!("not malformed: {other:#?}"),
        }
    }

    /// The argument that is refused.
    #[track_caller]
    pub(crate) fn argument(&self) -> String {
        match self.refused() {
            FaultKind::InvalidArgument { name, .. } => name,
            other => panic!("not an argument: {other:#?}"),
        }
    }
}
