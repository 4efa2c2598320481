//! Mutual TLS from PEM texts, by rustls over ring.
//!
//! It refuses to be lenient: no CA means no connection, and a key must belong to its certificate.
//! What goes wrong is told with what to do about it.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

/// What the site file points to, read.
#[derive(Clone)]
pub struct TlsFiles {
    /// The CA that signed the broker's certificate, PEM.
    pub ca: Vec<u8>,
    /// This site's certificate chain, PEM.
    pub certificate: Vec<u8>,
    /// This site's private key, PEM.
    pub key: Vec<u8>,
    /// The name in the broker's certificate.
    pub server_name: String,
}

/// Ready to speak TLS with the broker.
#[derive(Clone)]
pub struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text does not hold what it should.
    #[error("[mqtt] {key}: {what}; give a PEM file with `-----BEGIN {expected}-----`")]
    Pem {
        /// The key in the site file.
        key: &'static str,
        /// What is wrong.
        what: String,
        /// What should be in it.
        expected: &'static str,
    },
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error("[mqtt] certificate, key: {0}; issue both together, the key as ECDSA P-256, Ed25519 or RSA")]
    Identity(rustls::Error),
    /// No name a certificate could carry.
    #[error(
        "[mqtt] server_name: `{0}` is neither a host name nor an address; give the name in the broker's certificate"
    )]
    ServerName(String),
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}; this is a fault of the build")]
    Library(rustls::Error),
}

impl ClientTls {
    /// Parses and checks everything that can be checked without the broker.
    ///
    /// # Errors
    /// Whatever is wrong with the files, by its key in the site file.
    pub fn new(files: &TlsFiles) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca", &files.ca)? {
            roots.add(certificate).map_err(|e| not_pem("ca", e.to_string(), "CERTIFICATE"))?;
        }
        let chain = certificates("certificate", &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|e| not_pem("key", e.to_string(), "PRIVATE KEY"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Library)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(TlsError::Identity)?;
        let server_name = ServerName::try_from(files.server_name.clone())
            .map_err(|_| TlsError::ServerName(files.server_name.clone()))?;
        Ok(Self { config: Arc::new(config), server_name })
    }
}

fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| not_pem(key, e.to_string(), "CERTIFICATE"))?;
    if all.is_empty() {
        return Err(not_pem(key, "no certificate in it".to_owned(), "CERTIFICATE"));
    }
    Ok(all)
}

const fn not_pem(key: &'static str, what: String, expected: &'static str) -> TlsError {
    TlsError::Pem { key, what, expected }
}

/// What a failed or ended connection means to a duty engineer.
pub(crate) fn words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => broker_certificate(why),
        Some(rustls::Error::AlertReceived(alert)) => refused_by_broker(*alert),
        // Foreign errors: whatever else they say, they say it themselves.
        Some(other) => format!("TLS: {other}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
        None => error.to_string(),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "a foreign, open enum")]
fn broker_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "the broker's certificate is not signed by the CA in [mqtt] ca: a wrong CA file, or not our broker"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the broker's certificate is not valid yet: check the clock of this box (NTP)".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the broker's certificate has expired: renew it, or check the clock of this box (NTP)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the broker's certificate is for another name than [mqtt] server_name: {why}")
        }
        other => format!("the broker's certificate is no good: {other}"),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "a foreign, open enum")]
fn refused_by_broker(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "it does not know the CA of [mqtt] certificate"
        }
        AlertDescription::CertificateExpired => "[mqtt] certificate has expired",
        AlertDescription::CertificateRevoked => "[mqtt] certificate is revoked",
        AlertDescription::CertificateRequired => "it got no certificate",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "[mqtt] certificate is no good"
        }
        _ => "see its log",
    };
    format!("the broker refuses TLS with this site ({alert:?}): {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(["broker".to_owned()]).unwrap();
        let pem = made.cert.pem().into_bytes();
        let key = made.signing_key.serialize_pem().into_bytes();
        TlsFiles { ca: pem.clone(), certificate: pem, key, server_name: "broker".to_owned() }
    }

    fn refusal(files: &TlsFiles) -> String {
        ClientTls::new(files).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_wrong_file_is_named_by_its_key() {
        let good = files();
        assert!(ClientTls::new(&good).is_ok());
        let other = files();

        let with = |change: fn(&mut TlsFiles, &TlsFiles)| {
            let mut changed = good.clone();
            change(&mut changed, &other);
            refusal(&changed)
        };

        assert!(with(|f, _| f.ca = b"nothing".to_vec()).starts_with("[mqtt] ca: "));
        assert!(with(|f, _| f.certificate.clear()).starts_with("[mqtt] certificate: "));
        assert!(with(|f, _| f.key = f.ca.clone()).starts_with("[mqtt] key: "));
        assert!(with(|f, other| f.key = other.key.clone()).starts_with("[mqtt] certificate, key: "));
        assert!(with(|f, _| f.server_name = "a b".to_owned()).starts_with("[mqtt] server_name: "));
    }
}
