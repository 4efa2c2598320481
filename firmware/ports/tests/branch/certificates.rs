//! A certificate authority and what it signs.

use ports::tls::{ClientTls, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn sign(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// What a box uses that trusts this authority.
    pub fn trusted_by(&self, site: &Identity) -> ClientTls {
        ClientTls::new(&TlsFiles {
            ca: self.pem.clone().into_bytes(),
            certificate: site.certificate.clone().into_bytes(),
            key: site.key.clone().into_bytes(),
            server_name: "broker.test".to_owned(),
        })
        .unwrap()
    }
}
