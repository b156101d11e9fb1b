//! TLS to origins: whose certificates are believed, and the name that one must be for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
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
        let verifier: Arc<dyn ServerCertVerifier> = match roots {
            TrustedRoots::Unverified => Arc::new(Unverified(provider)),
            TrustedRoots::Public => {
                let mut store = RootCertStore::empty();
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                verifier(store, provider, roots)?
            }
            TrustedRoots::File(path) => {
                let listed = listed(path)?;
                let mut store = RootCertStore::empty();
                let (added, _) = store.add_parsable_certificates(listed.iter().cloned());
                if added == 0 {
                    return Err(TlsError::Empty { path: path.clone() });
                }
                Arc::new(Listed {
                    by_roots: verifier(store, provider, roots)?,
                    listed,
                })
            }
        };
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
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

fn verifier(
    store: RootCertStore,
    provider: Arc<CryptoProvider>,
    roots: &TrustedRoots,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|_| TlsError::Empty {
            path: match roots {
                TrustedRoots::File(path) => path.clone(),
                TrustedRoots::Public | TrustedRoots::Unverified => PathBuf::new(),
            },
        })
}

fn listed(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| TlsError::File {
            path: path.to_owned(),
            source,
        })
}

/// Believes those whom a file's authorities signed, and a certificate that is itself in the
/// file: one that signs itself is an authority to webpki, and no authority may answer.
#[derive(Debug)]
struct Listed {
    by_roots: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Listed {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_roots = self
            .by_roots
            .verify_server_cert(certificate, between, name, ocsp, now);
        if by_roots.is_err() && self.listed.iter().any(|listed| listed == certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        by_roots
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_roots
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_roots
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_roots.supported_verify_schemes()
    }
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
