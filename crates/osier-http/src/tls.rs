//! TLS 1.2 and 1.3 on listeners: certificates by the name that clients ask for (SNI), replaced
//! while connections run. Listeners say whether HTTP/2 is offered besides HTTP/1.1.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, version};

/// Two files of a certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, then those that sign it.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A certificate in memory, for one name.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedCertificate {
    /// The name that it serves: a host, or `*.example.com`.
    pub host: String,
    /// The certificate, then those that sign it, in PEM.
    pub chain: String,
    /// Its private key, in PEM.
    pub key: String,
}

impl NamedCertificate {
    /// The chain, of which there is a first one, and the key.
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let unreadable = |source| TlsError::Pem {
            host: self.host.clone(),
            source,
        };
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(self.chain.as_bytes())
                .collect::<Result<_, _>>()
                .map_err(unreadable)?;
        if chain.is_empty() {
            return Err(unreadable(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(unreadable)?;
        Ok((chain, key))
    }

    fn unusable(&self, source: rustls::Error) -> TlsError {
        TlsError::Unusable {
            path: PathBuf::from(&self.host),
            source,
        }
    }
}

/// Without the key.
impl fmt::Debug for NamedCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("NamedCertificate")
            .field(&self.host)
            .finish()
    }
}

/// A certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or is no PEM.
    #[error("`{}` can't be read as PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// There is no certificate in a file.
    #[error("`{}` holds no certificate", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Key and certificate do not fit, or are of an unknown kind.
    #[error("the certificate of `{}` can't be used", path.display())]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A certificate in memory is no PEM.
    #[error("the certificate of `{host}` can't be read as PEM")]
    Pem {
        /// For which name.
        host: String,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// A certificate in memory is for other names.
    #[error("the certificate is not for `{0}`")]
    OtherName(String),
    /// A server that is spoken to has no name that a certificate could be for.
    #[error("`{0}` is no name of a server")]
    Name(String),
}

/// The certificates of a server.
pub struct Tls {
    configs: RwLock<Configs>,
    proofs: Proofs,
}

/// Certificates that prove hosts to an authority that asks for them by its own protocol.
#[derive(Clone, Debug, Default)]
struct Proofs(Arc<RwLock<HashMap<String, Arc<CertifiedKey>>>>);

/// A proof that is shown until this is dropped.
#[derive(Debug)]
pub struct TlsProof {
    proofs: Proofs,
    host: String,
}

impl Drop for TlsProof {
    fn drop(&mut self) {
        self.proofs.write().remove(&self.host);
    }
}

impl Proofs {
    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let proofs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        proofs.get(&host.to_ascii_lowercase()).cloned()
    }

    fn are_none(&self) -> bool {
        let proofs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        proofs.is_empty()
    }
}

/// The protocol in which an authority asks for a proof: RFC 8737, section 6.2. Nothing follows the
/// handshake.
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// What is offered to clients.
struct Configs {
    http1: Arc<ServerConfig>,
    http2: Arc<ServerConfig>,
    by_name: Arc<ByName>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads certificates. The first file serves clients that ask for a name of no other; without
    /// a file, nobody serves them.
    ///
    /// # Errors
    /// The first that can't be used.
    pub fn read(files: &[CertificateFiles], named: &[NamedCertificate]) -> Result<Self, TlsError> {
        Ok(Self {
            configs: RwLock::new(configs(files, named)?),
            proofs: Proofs::default(),
        })
    }

    /// Reads certificates again. Connections that are there keep theirs.
    ///
    /// # Errors
    /// The first that can't be used; then nothing changes.
    pub fn reload(
        &self,
        files: &[CertificateFiles],
        named: &[NamedCertificate],
    ) -> Result<(), TlsError> {
        self.install(Self::read(files, named)?);
        Ok(())
    }

    /// Takes over the certificates of another.
    pub fn install(&self, other: Self) {
        let new = other.configs.into_inner();
        let new = new.unwrap_or_else(PoisonError::into_inner);
        *self.configs.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Whether there is a certificate for a name: a host, or `*.example.com`.
    pub fn covers(&self, host: &str) -> bool {
        let configs = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        match host.strip_prefix('*') {
            Some(below) => configs.by_name.below.contains_key(below),
            None => configs.by_name.find(host).is_some(),
        }
    }

    /// Shows a certificate to whoever asks for its host by `acme-tls/1`, and to nobody else.
    ///
    /// # Errors
    /// When it can't be used.
    pub fn prove(&self, proof: &NamedCertificate) -> Result<TlsProof, TlsError> {
        let (chain, key) = proof.read()?;
        // Not held against each other: what proves is marked so that nobody else understands it.
        let key = aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(key);
        let key = key.map_err(|source| proof.unusable(source))?;
        let certified = Arc::new(CertifiedKey::new(chain, key));
        let host = proof.host.to_ascii_lowercase();
        self.proofs.write().insert(host.clone(), certified);
        Ok(TlsProof {
            proofs: self.proofs.clone(),
            host,
        })
    }

    pub(crate) fn config(&self, http2: bool) -> Arc<ServerConfig> {
        let configs = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        let config = if http2 {
            &configs.http2
        } else {
            &configs.http1
        };
        if self.proofs.are_none() {
            return Arc::clone(config);
        }
        // For the seconds of an order.
        let mut proving = ServerConfig::clone(config);
        proving.alpn_protocols.push(ACME_TLS.to_vec());
        proving.cert_resolver = Arc::new(Proving {
            proofs: self.proofs.clone(),
            others: Arc::clone(&configs.by_name),
        });
        Arc::new(proving)
    }
}

fn configs(files: &[CertificateFiles], named: &[NamedCertificate]) -> Result<Configs, TlsError> {
    let mut by_name = ByName::default();
    for named in named {
        by_name.add_named(named)?;
    }
    for files in files {
        by_name.add(files)?;
    }
    let by_name = Arc::new(by_name);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|source| TlsError::Unusable {
            path: PathBuf::new(),
            source,
        })?;
    let mut config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&by_name) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut http2 = config.clone();
    http2.alpn_protocols.insert(0, b"h2".to_vec());
    Ok(Configs {
        http1: Arc::new(config),
        http2: Arc::new(http2),
        by_name,
    })
}

/// Certificates by the names that they are for.
#[derive(Debug, Default)]
struct ByName {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what stands behind `*`, dot included.
    below: HashMap<String, Arc<CertifiedKey>>,
    otherwise: Option<Arc<CertifiedKey>>,
}

impl ByName {
    fn add(&mut self, files: &CertificateFiles) -> Result<(), TlsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { path, source }
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
            .and_then(Iterator::collect)
            .map_err(unreadable(&files.chain))?;
        let Some(first) = chain.first() else {
            return Err(TlsError::Empty {
                path: files.chain.clone(),
            });
        };
        let names: Vec<String> = webpki::EndEntityCert::try_from(first)
            .map(|certificate| {
                let names = certificate.valid_dns_names();
                names.map(str::to_ascii_lowercase).collect()
            })
            .unwrap_or_default();
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|source| TlsError::Unusable {
                path: files.chain.clone(),
                source,
            })?;
        let certified = Arc::new(certified);
        for name in names {
            let (map, name) = match name.strip_prefix('*') {
                Some(below) => (&mut self.below, below.to_owned()),
                None => (&mut self.exact, name),
            };
            map.entry(name).or_insert_with(|| Arc::clone(&certified));
        }
        self.otherwise.get_or_insert(certified);
        Ok(())
    }

    /// For its own name and no other that it may be for: those belong to somebody else.
    fn add_named(&mut self, named: &NamedCertificate) -> Result<(), TlsError> {
        let host = named.host.to_ascii_lowercase();
        let (chain, key) = named.read()?;
        let certificate = chain.first().map(webpki::EndEntityCert::try_from);
        let certificate = certificate.and_then(Result::ok);
        let covers = certificate.is_some_and(|certificate| {
            certificate
                .valid_dns_names()
                .map(str::to_ascii_lowercase)
                .any(|name| {
                    let below = name.strip_prefix('*');
                    let parent = host.find('.').and_then(|dot| host.get(dot..));
                    name == host || below.is_some() && below == parent
                })
        });
        if !covers {
            return Err(TlsError::OtherName(named.host.clone()));
        }
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|source| named.unusable(source))?;
        let (map, host) = match host.strip_prefix('*') {
            Some(below) => (&mut self.below, below.to_owned()),
            None => (&mut self.exact, host),
        };
        map.insert(host, Arc::new(certified));
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        self.exact.get(&name).or_else(|| {
            // A wildcard stands for one label: RFC 9525, section 6.3.
            let (_, below) = name.split_at(name.find('.')?);
            self.below.get(below)
        })
    }
}

/// Certificates while there are proofs to show.
#[derive(Debug)]
struct Proving {
    proofs: Proofs,
    others: Arc<ByName>,
}

impl ResolvesServerCert for Proving {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // An authority offers nothing else, and gets nothing else: RFC 8737, section 3.
        let offered: Vec<&[u8]> = hello.alpn().map(Iterator::collect).unwrap_or_default();
        if offered.contains(&ACME_TLS) {
            let host = hello.server_name().filter(|_| offered == [ACME_TLS]);
            return self.proofs.of(host?);
        }
        self.others.resolve(hello)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name));
        named.or(self.otherwise.as_ref()).map(Arc::clone)
    }
}
