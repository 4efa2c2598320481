//! A CA of the lab's own and everybody's certificate, made afresh for every lab.
//!
//! Nothing here is a secret: the keys live as long as the lab.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::plan;

/// The broker's name in its certificate, besides its addresses.
pub const BROKER_NAME: &str = "broker.lab";

/// The collector's name in its certificate; the broker knows it by that.
pub const COLLECTOR_NAME: &str = "noc-collector";

/// A certificate and its key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key, mode 0600.
    pub key: PathBuf,
}

/// The CA of a lab and what it has signed.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The CA's certificate, PEM.
    pub ca: PathBuf,
    /// The broker's.
    pub broker: Identity,
    /// The site's.
    pub site: Identity,
    /// The collector's.
    pub collector: Identity,
    /// The site's name, signed by a CA that nobody here trusts.
    pub stranger: Identity,
}

impl Certificates {
    /// Makes all of them for a site of this name.
    pub fn make(folder: &Path, site: &str) -> Result<Self> {
        let authority = Authority::make("Holdfast lab CA")?;
        let elsewhere = Authority::make("Somebody else's CA")?;
        let ca = folder.join("ca.pem");
        fs::write(&ca, &authority.pem).with_context(|| format!("write {}", ca.display()))?;
        Ok(Self {
            ca,
            broker: authority.sign(folder, "broker", BROKER_NAME, ExtendedKeyUsagePurpose::ServerAuth)?,
            site: authority.sign(folder, "site", site, ExtendedKeyUsagePurpose::ClientAuth)?,
            collector: authority.sign(
                folder,
                "collector",
                COLLECTOR_NAME,
                ExtendedKeyUsagePurpose::ClientAuth,
            )?,
            stranger: elsewhere.sign(folder, "stranger", site, ExtendedKeyUsagePurpose::ClientAuth)?,
        })
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn make(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    fn sign(
        &self,
        folder: &Path,
        file: &str,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        if usage == ExtendedKeyUsagePurpose::ServerAuth {
            params.subject_alt_names = broker_names()?;
        }
        params.extended_key_usages = vec![usage];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let identity = Identity {
            certificate: folder.join(format!("{file}.pem")),
            key: folder.join(format!("{file}.key")),
        };
        fs::write(&identity.certificate, certificate.pem())?;
        fs::write(&identity.key, key.serialize_pem())?;
        fs::set_permissions(&identity.key, fs::Permissions::from_mode(0o600))?;
        Ok(identity)
    }
}

fn broker_names() -> Result<Vec<SanType>> {
    let mut names = vec![SanType::DnsName(BROKER_NAME.try_into()?)];
    names.extend(plan::BROKER.iter().map(|net| SanType::IpAddress(net.address)));
    names.push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
    Ok(names)
}
