//! TLS in front of a port that has none, as a department meets it: an authority of the test's own, a certificate for `localhost`, HTTP/2
//! agreed upon by ALPN, and bytes passed through.

use std::{net::SocketAddr, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A listener with TLS. Dropped, it takes no more connections.
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate of its authority, PEM.
    pub authority: String,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Listens in front of `HOST:PORT`.
    pub async fn before(target: &str) -> Self {
        let mut params = CertificateParams::default();
        // Told apart by their names: else OpenSSL takes the certificate for its own issuer.
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (acceptor, target) = (TlsAcceptor::from(Arc::new(config)), target.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    // Who breaks off or finds nobody behind it notices by himself.
                    let Ok(mut near) = acceptor.accept(stream).await else { return };
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, authority: issuer.pem(), task }
    }

    /// `localhost:PORT`, as the certificate names it.
    pub fn name(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Writes the authority's certificate where a program is told to find it.
    pub fn write_authority(&self, file: &Path) {
        std::fs::write(file, &self.authority).unwrap();
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}
