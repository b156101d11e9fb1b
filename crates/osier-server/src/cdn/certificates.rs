//! Certificates of domains: those that were uploaded, and those that the server makes for itself
//! where nobody has a better one.

use osier_cdn::{CdnFault, CdnRequest, Domain, DomainName};
use osier_http::NamedCertificate;
use osier_types::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

/// The certificate that was set for a domain.
pub(crate) fn named_certificate(domain: &Domain) -> Option<NamedCertificate> {
    let certificate = domain.certificate.as_ref()?;
    Some(NamedCertificate {
        host: domain.name.host(),
        chain: certificate.chain.clone()?,
        key: certificate.key.as_ref()?.expose().to_owned(),
    })
}

/// Puts a certificate into a request for a free one: none where the server has one for the names
/// already, else one that signs itself. Browsers are told so; an authority would have to be asked.
pub(super) fn with_free(
    request: &mut CdnRequest,
    has_one: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Result<(), CdnFault> {
    let (names, kind, chain, key) = match request {
        CdnRequest::SetCdnDomainSSLCertificate(it)
        | CdnRequest::BatchSetCdnDomainServerCertificate(it) => (
            &it.domain_name,
            &it.cert_type,
            &mut it.ssl_pub,
            &mut it.ssl_pri,
        ),
        CdnRequest::SetDomainServerCertificate(it) => (
            &it.domain_name,
            &it.cert_type,
            &mut it.server_certificate,
            &mut it.private_key,
        ),
        _ => return Ok(()),
    };
    if kind.as_deref() != Some("free") {
        return Ok(());
    }
    let hosts: Vec<String> = names
        .split(',')
        .map(|name| DomainName::parse(name).map(|name| name.host()))
        .collect::<Result<_, _>>()?;
    (*chain, *key) = (None, None);
    if hosts.iter().all(|host| has_one(host)) {
        return Ok(());
    }
    let made = self_signed(hosts, now).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "a certificate can't be made");
        CdnFault::Internal
    })?;
    (*chain, *key) = (Some(made.0), Some(made.1));
    Ok(())
}

/// Chain and key in PEM.
fn self_signed(hosts: Vec<String>, now: Timestamp) -> Result<(String, String), rcgen::Error> {
    let mut name = DistinguishedName::new();
    let first = hosts.first().cloned().unwrap_or_default();
    name.push(DnType::CommonName, first);
    name.push(DnType::OrganizationName, "osier");
    let mut parameters = CertificateParams::new(hosts)?;
    parameters.distinguished_name = name;
    let today = now.iso8601();
    let part = |range| today.get(range).unwrap_or_default();
    let year = part(0..4).parse().unwrap_or(2026);
    let month = part(5..7).parse().unwrap_or(1);
    parameters.not_before = date_time_ymd(year, month, 1);
    parameters.not_after = date_time_ymd(year + YEARS, month, 1);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Nobody renews it.
const YEARS: i32 = 10;
