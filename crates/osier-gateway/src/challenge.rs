//! Proofs for an authority that issues certificates: what is asked for under
//! `/.well-known/acme-challenge/` is answered before any site is (RFC 8555, section 8.3).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use osier_http::{Outgoing, OutgoingBody};

use crate::gateway::{Gateway, Request};

/// Proofs by their tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proofs(Arc<RwLock<HashMap<String, String>>>);

/// A proof that is shown until this is dropped.
#[derive(Debug)]
pub struct Proof {
    proofs: Proofs,
    token: String,
}

impl Drop for Proof {
    fn drop(&mut self) {
        let mut proofs = self
            .proofs
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        proofs.remove(&self.token);
    }
}

const FOLDER: &str = "/.well-known/acme-challenge/";

impl Gateway {
    /// Shows `proof` to whoever asks for `token`.
    #[must_use]
    pub fn prove(&self, token: &str, proof: &str) -> Proof {
        let mut proofs = self
            .proofs
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        proofs.insert(token.to_owned(), proof.to_owned());
        Proof {
            proofs: self.proofs.clone(),
            token: token.to_owned(),
        }
    }

    /// The proof that is asked for. Other files in the folder are the sites' own.
    pub(crate) fn proof(&self, request: &Request) -> Option<Outgoing> {
        let token = request.head.uri.path().strip_prefix(FOLDER)?;
        let proofs = self.proofs.0.read().unwrap_or_else(PoisonError::into_inner);
        let proof = proofs
            .get(token)
            .filter(|_| request.head.method == Method::GET)?;
        let mut answer = Outgoing::text(StatusCode::OK, "");
        let kind = HeaderValue::from_static("application/octet-stream");
        answer.parts.headers.insert(CONTENT_TYPE, kind);
        answer.body = OutgoingBody::Full(Bytes::from(proof.clone()));
        Some(answer)
    }
}
