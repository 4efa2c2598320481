//! A certificate authority of the test's own.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

pub(crate) struct Certificates {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    /// `ca.pem`, and `.pem` and `.key` of `broker` (for 127.0.0.1) and `noc`.
    pub(crate) fn make() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let made = Self { dir: tempfile::tempdir().unwrap(), issuer };
        std::fs::write(made.dir().join("ca.pem"), made.issuer.pem()).unwrap();
        made.issue("broker");
        made.issue("noc");
        made
    }

    pub(crate) fn issue(&self, name: &str) {
        let mut params =
            CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.dir().join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.dir().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
