//! Certificates of domains, as they were uploaded. Whether chain and key fit together is for TLS
//! to say.

mod facts;

use std::fmt;

use osier_types::Timestamp;
use osier_types::limits::CDN_PEM_BYTES_MAX;
use serde::{Deserialize, Serialize};

pub use self::facts::CertificateFacts;
use crate::{CdnFault, SetCertificate};

/// A domain's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Where it came from.
    pub kind: CertificateKind,
    /// Its name.
    pub name: String,
    /// Its chain in PEM, first the domain's own; none when the server's settings have one.
    pub chain: Option<String>,
    /// Its private key in PEM.
    pub key: Option<SecretPem>,
    /// When it was set.
    pub updated: Timestamp,
}

/// `CertType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateKind {
    /// It was uploaded.
    Upload,
    /// It is the server's own.
    Free,
}

impl CertificateKind {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Free => "free",
        }
    }
}

/// A private key. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretPem(String);

impl SecretPem {
    /// The key.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretPem")
    }
}

impl Certificate {
    /// What a request sets; nothing when it switches HTTPS off.
    ///
    /// # Errors
    /// When it is no certificate, or one that can't be had here.
    pub fn read(
        request: &SetCertificate,
        before: Option<&Self>,
        now: Timestamp,
    ) -> Result<Option<Self>, CdnFault> {
        match request.ssl_protocol.to_ascii_lowercase().as_str() {
            "on" => {}
            "off" => return Ok(None),
            _ => return Err(CdnFault::malformed("SSLProtocol", "`on` or `off`")),
        }
        let said = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let (chain, key) = (said(&request.ssl_pub), said(&request.ssl_pri));
        let kind = match said(&request.cert_type).as_deref() {
            Some("upload") => CertificateKind::Upload,
            Some("free") => CertificateKind::Free,
            None if chain.is_some() => CertificateKind::Upload,
            // Certificate Management Service is another service.
            Some("cas") => {
                return Err(CdnFault::malformed(
                    "CertType",
                    "`upload` or `free`; there are no certificates of CAS here",
                ));
            }
            _ => return Err(CdnFault::malformed("CertType", "`upload` or `free`")),
        };
        let name = said(&request.cert_name).unwrap_or_else(|| request.domain_name.clone());
        if name.len() > 256 {
            return Err(CdnFault::malformed("CertName", "at most 256 bytes"));
        }
        if kind == CertificateKind::Free {
            // Made by the server; a client has none to give.
            return Ok(Some(Self {
                kind,
                name,
                chain,
                key: key.map(SecretPem),
                updated: now.whole_seconds(),
            }));
        }
        let (chain, key) = match (chain, key, before) {
            (Some(chain), Some(key), _) => (Some(chain), Some(SecretPem(key))),
            // A name that was uploaded before is used again.
            (None, None, Some(before)) if before.name == name && before.chain.is_some() => {
                (before.chain.clone(), before.key.clone())
            }
            (None, _, _) => return Err(CdnFault::Missing("SSLPub")),
            (_, None, _) => return Err(CdnFault::Missing("SSLPri")),
        };
        let is_long = |text: usize| text > CDN_PEM_BYTES_MAX;
        if chain.as_ref().is_some_and(|it| is_long(it.len()))
            || key.as_ref().is_some_and(|it| is_long(it.0.len()))
        {
            return Err(CdnFault::Certificate("it is too long".to_owned()));
        }
        Ok(Some(Self {
            kind,
            name,
            chain,
            key,
            updated: now.whole_seconds(),
        }))
    }
}
