//! The signed manifest of an image: what it is, for which board, with which digests. The signature is
//! detached, Ed25519 over the bytes of the file, so that `openssl pkeyutl -rawin` makes and checks it too.

use std::path::Path;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::image::{Image, ImageError};
use crate::words::{hex, sha256_of_hex};

/// The form of the manifest.
const FORMAT: u32 = 1;

/// RFC 8410, section 4: what stands before the 32 bytes of an Ed25519 public key.
const PUBLIC_KEY_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What an image is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the manifest; 1.
    pub format: u32,
    /// The file's name.
    pub image: String,
    /// The file's size.
    pub size: u64,
    /// The file's digest.
    pub sha256: String,
    /// The unpacked image's size.
    pub raw_size: u64,
    /// The unpacked image's digest.
    pub raw_sha256: String,
    /// The block map's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bmap_sha256: Option<String>,
    /// The board it is for.
    pub board: String,
    /// Its version.
    pub version: String,
}

/// Who is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Who signs.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

/// Why an image is not believed.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// A key that cannot be used.
    #[error(
        "{0}: not an Ed25519 key in PEM; make one with `openssl genpkey -algorithm ed25519`, its public half with `openssl pkey -pubout`"
    )]
    Key(String),
    /// Signed by another, or changed since.
    #[error(
        "the manifest is not signed by this key, or was changed since: do not use this image; ask who gave it to you"
    )]
    Signature,
    /// Signed, but not understood.
    #[error("the manifest cannot be read ({0}): use a newer holdfast-flash")]
    Form(String),
    /// The file is another.
    #[error("the image is not the one of the manifest ({0}): do not use it; download it again")]
    Other(String),
    /// It cannot be read at all.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl Manifest {
    /// The manifest, if that key signed it.
    pub fn verified(text: &[u8], signature: &[u8], key: &PublicKey) -> Result<Self, ManifestError> {
        let key = UnparsedPublicKey::new(&ED25519, &key.0);
        key.verify(text, signature).map_err(|_| ManifestError::Signature)?;
        let manifest: Self =
            serde_json::from_slice(text).map_err(|error| ManifestError::Form(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(ManifestError::Form(format!("format {}", manifest.format)));
        }
        Ok(manifest)
    }

    /// The manifest of an image, by reading and unpacking all of it.
    pub fn of(image: &Image, bmap: Option<&[u8]>, board: &str, version: &str) -> Result<Self, ManifestError> {
        let (raw_size, raw_sha256) = image.measure()?;
        Ok(Self {
            format: FORMAT,
            image: name_of(&image.path),
            size: image.file_bytes,
            sha256: hex(&image.file_sha256()?),
            raw_size,
            raw_sha256: hex(&raw_sha256),
            bmap_sha256: bmap.map(digest),
            board: board.to_owned(),
            version: version.to_owned(),
        })
    }

    /// Whether the file is the manifest's, by its digest. Its name does not matter.
    pub fn check_image(&self, image: &Image) -> Result<(), ManifestError> {
        if self.size != image.file_bytes {
            let sizes = format!("{} bytes, should be {}", image.file_bytes, self.size);
            return Err(ManifestError::Other(sizes));
        }
        if sha256_of_hex(&self.sha256) != Some(image.file_sha256()?) {
            return Err(ManifestError::Other("its SHA-256 differs".to_owned()));
        }
        Ok(())
    }

    /// Whether the block map is the manifest's.
    pub fn check_bmap(&self, bmap: &[u8]) -> Result<(), ManifestError> {
        match &self.bmap_sha256 {
            Some(sum) if *sum == digest(bmap) => Ok(()),
            Some(_) => Err(ManifestError::Other("the .bmap's SHA-256 differs".to_owned())),
            None => Err(ManifestError::Other("its .bmap is not in the manifest; add --no-bmap".to_owned())),
        }
    }
}

impl PublicKey {
    /// From PEM, as OpenSSL writes it.
    pub fn of_pem(pem: &[u8], path: &Path) -> Result<Self, ManifestError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok();
        let bytes = der.and_then(|der| der.as_ref().strip_prefix(PUBLIC_KEY_HEAD)?.try_into().ok());
        bytes.map(Self).ok_or_else(|| ManifestError::Key(path.display().to_string()))
    }

    /// Short enough to read aloud.
    pub fn fingerprint(&self) -> String {
        digest(&self.0)[..16].to_owned()
    }
}

impl SigningKey {
    /// From PKCS#8 in PEM, as OpenSSL writes it.
    pub fn of_pem(pem: &[u8], path: &Path) -> Result<Self, ManifestError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).ok();
        let pair =
            der.and_then(|der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).ok());
        pair.map(Self).ok_or_else(|| ManifestError::Key(path.display().to_string()))
    }

    /// The signature of these bytes.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.0.sign(text).as_ref().to_vec()
    }

    /// Who believes it.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = include_bytes!("../tests/data/key.pem");
    const PUBLIC: &[u8] = include_bytes!("../tests/data/key.pub.pem");
    const TEXT: &[u8] = include_bytes!("../tests/data/manifest.json");
    /// `openssl pkeyutl -sign -rawin -inkey key.pem -in manifest.json`
    const SIGNATURE: &[u8] = include_bytes!("../tests/data/manifest.json.sig");

    fn public() -> PublicKey {
        PublicKey::of_pem(PUBLIC, Path::new("key.pub.pem")).expect("the key is good")
    }

    fn secret() -> SigningKey {
        SigningKey::of_pem(SECRET, Path::new("key.pem")).expect("the key is good")
    }

    #[test]
    fn what_openssl_signed_is_believed_and_signed_here_the_same() {
        let manifest = Manifest::verified(TEXT, SIGNATURE, &public()).expect("it is signed");
        assert_eq!((manifest.board.as_str(), manifest.version.as_str()), ("generic-x86_64", "1.2.3"));
        assert_eq!(secret().sign(TEXT), SIGNATURE);
        assert_eq!(secret().public(), public());
    }

    #[test]
    fn a_changed_byte_of_manifest_or_signature_is_not_believed() {
        for i in 0..TEXT.len() {
            let mut text = TEXT.to_vec();
            text[i] ^= 1;
            assert!(
                matches!(Manifest::verified(&text, SIGNATURE, &public()), Err(ManifestError::Signature)),
                "{i}"
            );
        }
        for i in 0..SIGNATURE.len() {
            let mut signature = SIGNATURE.to_vec();
            signature[i] ^= 1;
            assert!(
                matches!(Manifest::verified(TEXT, &signature, &public()), Err(ManifestError::Signature)),
                "{i}"
            );
        }
        assert!(matches!(Manifest::verified(TEXT, b"", &public()), Err(ManifestError::Signature)));
    }

    #[test]
    fn another_key_is_not_believed() {
        let other = PublicKey([7; 32]);
        assert!(matches!(Manifest::verified(TEXT, SIGNATURE, &other), Err(ManifestError::Signature)));
    }

    #[test]
    fn a_signed_manifest_of_another_form_asks_for_a_newer_tool() {
        let text = String::from_utf8_lossy(TEXT);
        for (from, to) in [
            ("\"format\": 1", "\"format\": 2"),
            ("\"board\"", "\"bord\""),
            ("\"format\": 1", "\"more\": 0, \"format\": 1"),
        ] {
            let text = text.replace(from, to);
            let signature = secret().sign(text.as_bytes());
            let refused = Manifest::verified(text.as_bytes(), &signature, &public());
            assert!(matches!(refused, Err(ManifestError::Form(_))), "{to}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_the_way_to_make_one() {
        for pem in [SECRET, b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            let refused = PublicKey::of_pem(pem, Path::new("some.pem")).expect_err("it is none").to_string();
            assert!(refused.contains("some.pem") && refused.contains("openssl"), "{refused}");
        }
        assert!(SigningKey::of_pem(PUBLIC, Path::new("some.pem")).is_err());
    }

    #[test]
    fn a_map_has_to_be_the_manifests_own() {
        let mut manifest = Manifest::verified(TEXT, SIGNATURE, &public()).expect("it is signed");
        manifest.bmap_sha256 = Some(digest(b"map"));
        assert!(manifest.check_bmap(b"map").is_ok());
        assert!(manifest.check_bmap(b"other").is_err());
        manifest.bmap_sha256 = None;
        assert!(manifest.check_bmap(b"map").is_err());
    }
}
