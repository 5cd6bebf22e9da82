//! TLS: the certificate of the listener, read from two files, and replaced without downtime.
//!
//! TLS 1.2 and 1.3, with HTTP/2 or HTTP/1.1 as the client chooses, and no client certificates. A new certificate is used
//! only with its key, or not at all; open connections keep the one with which they began. No error has a path: a key may be
//! where a path belongs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, ServerConfig};

use super::Tls;

/// The ALPN name of HTTP/2.
pub(super) const HTTP2: &[u8] = b"h2";

/// The ALPN name of HTTP/1.1.
const HTTP1: &[u8] = b"http/1.1";

/// The certificate in use.
pub(super) struct ServerCertificate(ArcSwap<ServerConfig>);

impl ServerCertificate {
    /// Uses this configuration from the first connection on.
    pub(super) fn new(config: ServerConfig) -> Self {
        Self(ArcSwap::from_pointee(config))
    }

    /// Uses another configuration for new connections.
    pub(super) fn replace(&self, config: ServerConfig) {
        self.0.store(Arc::new(config));
    }

    /// Returns the acceptor for a handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

/// Reads both files, if TLS is configured.
///
/// # Errors
/// A sentence that names the setting.
pub(super) fn read(settings: &Tls) -> Result<Option<ServerConfig>, String> {
    settings.files().map(|(certificate, key)| config(certificate, key)).transpose()
}

fn config(certificate: &Path, key: &Path) -> Result<ServerConfig, String> {
    let wrong = |setting: &str, what: String| format!("http.tls.{setting}: {what}");
    let chain = read_chain(certificate).map_err(|what| wrong("certificate_file", what))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("private_key_file", explain(&error, "key")))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(|error| error.to_string())?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(_) => wrong("private_key_file", "is not the key of the certificate".to_owned()),
        _ => wrong("certificate_file", "holds a certificate or has a key that cannot be used".to_owned()),
    })?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok(config)
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let sections = CertificateDer::pem_file_iter(path).map_err(|error| explain(&error, "certificate"))?;
    let chain: Vec<_> = sections.collect::<Result<_, _>>().map_err(|error| explain(&error, "certificate"))?;
    if chain.is_empty() { Err("holds no certificate in PEM".to_owned()) } else { Ok(chain) }
}

fn explain(error: &pem::Error, wanted: &str) -> String {
    match error {
        pem::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => "file not found".to_owned(),
        pem::Error::Io(error) => format!("cannot be read: {}", error.kind()),
        _ => format!("holds no {wanted} in PEM"),
    }
}
