//! The certificate by which a host is proven in a handshake: RFC 8737, section 3. It signs itself,
//! is for this host alone, and carries the proof.

use osier_http::NamedCertificate;
use rcgen::{CertificateParams, CustomExtension, KeyPair};

/// For `host`, with the digest of the key authorisation.
pub(super) fn proof(host: &str, digest: &[u8]) -> Result<NamedCertificate, rcgen::Error> {
    let mut parameters = CertificateParams::new([host.to_owned()])?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok(NamedCertificate {
        host: host.to_owned(),
        chain: certificate.pem(),
        key: key.serialize_pem(),
    })
}
