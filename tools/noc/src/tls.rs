//! Mutual TLS towards the broker: the NOC's certificate authority, our certificate, our key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// The files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Who signed the broker's certificate, PEM.
    pub ca: PathBuf,
    /// Ours, with its chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// How a connection is protected.
#[derive(Clone)]
pub struct Tls {
    /// Makes it.
    pub connector: TlsConnector,
    /// Who the broker must be.
    pub name: ServerName<'static>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{path}: {error}; expected {what} in PEM")]
    File {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What went wrong.
        error: rustls::pki_types::pem::Error,
    },
    /// A file holds none.
    #[error("{path}: holds no certificate; expected {what} in PEM")]
    Empty {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// The broker's host is no name that a certificate can bear.
    #[error("--broker {host}: {error}; give --server-name as it stands in the broker's certificate")]
    Name {
        /// As given.
        host: String,
        /// What went wrong.
        error: InvalidDnsNameError,
    },
    /// Certificate and key do not make a client.
    #[error("{cert}, {key}: {error}; the key must belong to the first certificate of the file")]
    Rustls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What went wrong.
        error: rustls::Error,
    },
}

/// Reads the files.
///
/// # Errors
/// Which file, what was expected.
pub fn client(files: &TlsFiles, host: &str) -> Result<Tls, TlsError> {
    let mut roots = RootCertStore::empty();
    let rustls_error = |error| TlsError::Rustls { cert: files.cert.clone(), key: files.key.clone(), error };
    for certificate in certificates(&files.ca, "the broker's certificate authority")? {
        roots.add(certificate).map_err(rustls_error)?;
    }
    let chain = certificates(&files.cert, "the collector's certificate")?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::File {
        path: files.key.clone(),
        what: "the collector's private key",
        error,
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(rustls_error)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| TlsError::Name { host: host.to_owned(), error })?;
    Ok(Tls { connector: TlsConnector::from(Arc::new(config)), name })
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File { path: path.to_owned(), what, error };
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let certificates = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned(), what });
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_what_belongs_there() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let missing = dir.path().join("missing.pem");
        for (ca, expected) in [(&missing, "missing.pem"), (&empty, "holds no certificate")] {
            let files = TlsFiles { ca: ca.clone(), cert: empty.clone(), key: empty.clone() };
            let error = client(&files, "broker").err().expect("no CA").to_string();
            assert!(error.contains(expected) && error.contains("certificate authority"), "{error}");
        }
    }
}
