//! TLS 1.2 and 1.3 on listeners: certificates by the name that clients ask for (SNI), replaced
//! while connections run. Listeners say whether HTTP/2 is offered besides HTTP/1.1.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

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
}

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

    pub(crate) fn config(&self, http2: bool) -> Arc<ServerConfig> {
        let configs = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(if http2 {
            &configs.http2
        } else {
            &configs.http1
        })
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
        let unreadable = |source| TlsError::Pem {
            host: named.host.clone(),
            source,
        };
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(named.chain.as_bytes())
                .collect::<Result<_, _>>()
                .map_err(unreadable)?;
        let Some(first) = chain.first() else {
            return Err(unreadable(pem::Error::NoItemsFound));
        };
        let certificate = webpki::EndEntityCert::try_from(first);
        let covers = certificate.is_ok_and(|certificate| {
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
        let key = PrivateKeyDer::from_pem_slice(named.key.as_bytes()).map_err(unreadable)?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|source| TlsError::Unusable {
                path: PathBuf::from(&named.host),
                source,
            })?;
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

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name));
        named.or(self.otherwise.as_ref()).map(Arc::clone)
    }
}
