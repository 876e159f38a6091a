//! TLS of the front: HTTP/2 agreed upon by ALPN, and a certificate that may be replaced while calls go on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Between two looks at the files: soon after whoever renews certificates has done so.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The front's certificate as its files hold it.
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Loaded>,
}

/// What was read, and what became of it.
#[derive(Clone)]
struct Loaded {
    files: (Vec<u8>, Vec<u8>),
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// Reads both files. Errors: one of them cannot be read, or the key is not the certificate's.
    pub fn read(certificate: PathBuf, key: PathBuf) -> anyhow::Result<Self> {
        let files = (read(&certificate)?, read(&key)?);
        let now = RwLock::new(Loaded { config: config(&files)?, files });
        Ok(Self { certificate, key, now })
    }

    /// For the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.now.read().unwrap_or_else(PoisonError::into_inner).config.clone())
    }

    /// Reads the files again, if they changed; answers whether. Errors: as [`Certificate::read`], and the former one stays.
    pub fn refresh(&self) -> anyhow::Result<bool> {
        let files = (read(&self.certificate)?, read(&self.key)?);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).files == files {
            return Ok(false);
        }
        let loaded = Loaded { config: config(&files)?, files };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    /// Looks at the files, without end.
    pub async fn renew(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.refresh() {
                Ok(true) => tracing::info!(file = %self.certificate.display(), "took a new certificate"),
                Ok(false) => {}
                // As between the two writes of whoever replaces them.
                Err(error) => tracing::warn!(error = format!("{error:#}"), "keeps the former certificate"),
            }
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn config((certificate, key): &(Vec<u8>, Vec<u8>)) -> anyhow::Result<Arc<ServerConfig>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>().context("certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key).context("private key")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and key")?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, of: &rcgen::CertifiedKey<rcgen::KeyPair>) {
        std::fs::write(folder.join(format!("{name}.pem")), of.cert.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), of.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        write(folder.path(), "a", &made());
        let certificate = Certificate::read(path("a.pem"), path("a.key")).unwrap();
        assert!(!certificate.refresh().unwrap(), "nothing has changed");
        write(folder.path(), "b", &made());
        std::fs::copy(path("b.pem"), path("a.pem")).unwrap();
        let error = certificate.refresh().unwrap_err();
        assert!(format!("{error:#}").contains("certificate and key"), "{error:#}");
        std::fs::copy(path("b.key"), path("a.key")).unwrap();
        assert!(certificate.refresh().unwrap());
        std::fs::write(path("a.key"), "no key").unwrap();
        assert!(certificate.refresh().is_err() && Certificate::read(path("a.pem"), path("a.key")).is_err());
        assert!(Certificate::read(path("absent"), path("b.key")).is_err());
    }
}
