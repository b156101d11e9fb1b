//! Certificates of domains, for TLS.

use osier_cdn::Domain;
use osier_http::NamedCertificate;

/// The certificate that was uploaded for a domain.
pub(crate) fn named_certificate(domain: &Domain) -> Option<NamedCertificate> {
    let certificate = domain.certificate.as_ref()?;
    Some(NamedCertificate {
        host: domain.name.host(),
        chain: certificate.chain.clone()?,
        key: certificate.key.as_ref()?.expose().to_owned(),
    })
}
