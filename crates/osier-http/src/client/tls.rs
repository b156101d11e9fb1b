//! TLS to origins: whose certificates are believed, and the name that one must be for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, version,
};

use crate::TlsError;

/// Whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrustedRoots {
    /// The authorities that browsers know (Mozilla's list, as of the build).
    #[default]
    Public,
    /// Those in a file, in PEM, and no others.
    File(PathBuf),
    /// Anybody's. What is sent is encrypted, but nobody knows to whom.
    Unverified,
}

/// TLS to one origin.
#[derive(Clone)]
pub struct OriginTls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    /// Connections are used again only by whoever would have made the same.
    pub(super) pool: Arc<str>,
}

impl OriginTls {
    /// TLS to a server that proves to be `host`, a name or an address.
    ///
    /// # Errors
    /// When the roots can't be read, or `host` is no name.
    pub fn new(host: &str, roots: &TrustedRoots) -> Result<Self, TlsError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let pool = format!("{host} {roots:?}").into();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|source| TlsError::Unusable {
                path: PathBuf::new(),
                source,
            })?;
        let mut config = match believed(roots)? {
            Some(store) => builder.with_root_certificates(store),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider))),
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name,
            pool,
        })
    }
}

impl fmt::Debug for OriginTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("OriginTls").field(&self.pool).finish()
    }
}

/// The authorities; none when nobody is asked.
fn believed(roots: &TrustedRoots) -> Result<Option<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    match roots {
        TrustedRoots::Unverified => return Ok(None),
        TrustedRoots::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        TrustedRoots::File(path) => {
            let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|source| TlsError::File {
                    path: path.clone(),
                    source,
                })?;
            let (added, _) = store.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(TlsError::Empty { path: path.clone() });
            }
        }
    }
    Ok(Some(store))
}

/// Takes any certificate. The handshake itself is still checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
