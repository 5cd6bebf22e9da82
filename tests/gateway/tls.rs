//! TLS: both protocols, certificates that change while the gateway runs, and pairs that are no pairs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use commongraph::app::{self, Running};
use commongraph::config::Settings;
use commongraph::http::TrustedProxies;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::wire::Wire;

/// A folder of one test's own, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        settings.http.drain.grace_ms = 0;
        settings.http.tls.certificate_file = Some(self.0.join("certificate.pem"));
        settings.http.tls.private_key_file = Some(self.0.join("key.pem"));
        settings
    }

    /// The same as lines of a settings file.
    pub fn as_settings(&self) -> String {
        let at = self.0.display();
        format!("http.tls.certificate_file = '{at}/certificate.pem'\nhttp.tls.private_key_file = '{at}/key.pem'")
    }

    pub fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.0.join("certificate.pem"), certificate).unwrap();
        std::fs::write(self.0.join("key.pem"), key).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A certificate for this machine and its key, as PEM.
pub fn pair() -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

/// Asks once, on a connection of its own, as somebody who trusts this certificate only.
async fn ask(running: &Running, certificate: &str, old: bool) -> Option<Version> {
    let root = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([root]);
    let client = if old { client.http1_only() } else { client }.build().unwrap();
    let url = format!("https://localhost:{}/graphql?query={{__typename}}", running.address.port());
    let response = client.get(url).send().await.ok()?;
    assert_eq!(response.status(), 200);
    let version = response.version();
    assert_eq!(response.text().await.unwrap(), "{\"data\":{\"__typename\":\"Query\"}}");
    Some(version)
}

#[tokio::test]
async fn a_client_chooses_http2_or_http1_and_a_new_pair_is_shown_without_a_pause() {
    let folder = Folder::new("tls");
    let (first, first_key) = pair();
    folder.write(&first, &first_key);
    let running = app::start(&folder.settings(), Vec::new()).await.unwrap();
    assert_eq!(ask(&running, &first, false).await, Some(Version::HTTP_2));
    assert_eq!(ask(&running, &first, true).await, Some(Version::HTTP_11));

    let (second, second_key) = pair();
    for (certificate, key, setting) in [
        (&second, &first_key, "private_key_file: is not the key of the certificate"),
        (&"rubbish".to_owned(), &second_key, "certificate_file: holds no certificate in PEM"),
        (&second, &"rubbish".to_owned(), "private_key_file: holds no key in PEM"),
    ] {
        folder.write(certificate, key);
        assert_eq!(running.reload_certificate(), Err(format!("http.tls.{setting}")));
        assert!(running.reload(&folder.settings()).is_err());
        assert!(ask(&running, &first, false).await.is_some());
    }
    folder.write(&second, &second_key);
    running.reload_certificate().unwrap();
    assert_eq!(ask(&running, &second, false).await, Some(Version::HTTP_2));
    assert_eq!(ask(&running, &first, false).await, None);
}

#[tokio::test]
async fn settings_that_are_refused_for_their_files_list_no_proxy() {
    let folder = Folder::new("tls-refused");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut settings = folder.settings();
    settings.http.limits.connections_per_address_max = 1;
    settings.http.timeouts.header_ms = 600_000;
    let running = app::start(&settings, Vec::new()).await.unwrap();
    folder.write(&certificate, "rubbish");
    settings.http.trusted_proxies = TrustedProxies(vec!["127.0.0.1".to_owned()]);
    assert!(running.reload(&settings).is_err());
    let held = Wire::open(running.address).await;
    assert_eq!(ask(&running, &certificate, false).await, None, "this machine has its one connection");
    drop(held);
}

#[tokio::test]
async fn who_does_not_shake_hands_is_closed() {
    let folder = Folder::new("tls-silent");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut settings = folder.settings();
    settings.http.timeouts.header_ms = 300;
    let running = app::start(&settings, Vec::new()).await.unwrap();
    assert_eq!(Wire::open(running.address).await.rest().await, "");
    let mut plain = Wire::open(running.address).await;
    plain.say("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(!plain.rest().await.contains("HTTP/1.1 200"));
}

/// Connects by TLS to who shows this certificate, and speaks HTTP/2 then.
pub fn http2(certificate: &str) -> TlsConnector {
    connector(certificate, b"h2")
}

/// The same with HTTP/1.1.
pub fn http1(certificate: &str) -> TlsConnector {
    connector(certificate, b"http/1.1")
}

fn connector(certificate: &str, protocol: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(client))
}

#[tokio::test]
async fn an_http2_client_that_says_nothing_more_is_closed() {
    let folder = Folder::new("tls-idle");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut settings = folder.settings();
    settings.http.timeouts.header_ms = 300;
    let running = app::start(&settings, Vec::new()).await.unwrap();
    let connector = http2(&certificate);
    for said in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
        let socket = TcpStream::connect(running.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut socket = connector.connect(name, socket).await.unwrap();
        socket.write_all(said).await.unwrap();
        // Ends only because the other side closes.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test]
async fn an_http2_client_is_answered_through_a_drain() {
    let folder = Folder::new("tls-drain");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut running = app::start(&folder.settings(), Vec::new()).await.unwrap();
    assert!(ask(&running, &certificate, false).await.is_some());
    running.stop();
    running.ended().await.unwrap();
    assert_eq!(ask(&running, &certificate, false).await, None);
}

#[tokio::test]
async fn a_start_without_its_files_is_refused_without_naming_them() {
    let folder = Folder::new("tls-none");
    let Err(sentence) = app::start(&folder.settings(), Vec::new()).await else { panic!("started") };
    assert_eq!(sentence, "http.tls.certificate_file: file not found");
}
