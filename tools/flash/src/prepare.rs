//! From files to a job: signature, digests, map and size are checked before the first byte is written.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::bmap::{Bmap, BmapError};
use crate::image::{Format, Image, ImageError};
use crate::manifest::{Manifest, ManifestError, PublicKey};
use crate::pieces::Promise;
use crate::plan::Plan;
use crate::words::sha256_of_hex;

/// A map or manifest larger than this is none.
const MAX_SIDE_FILE: u64 = 512 * 1024 * 1024;

/// What is asked for.
#[derive(Debug, Default, Clone)]
pub struct Order {
    /// The image.
    pub image: PathBuf,
    /// Its block map; found beside the image if absent.
    pub bmap: Option<PathBuf>,
    /// Write all, even if there is a map.
    pub no_bmap: bool,
    /// Its manifest; beside the image if absent.
    pub manifest: Option<PathBuf>,
    /// Who is believed.
    pub key: Option<PathBuf>,
    /// An unsigned image is refused.
    pub require_signature: bool,
    /// A signature is not asked for, although a key is configured.
    pub unsigned: bool,
    /// The board that the image must be for.
    pub board: Option<String>,
}

/// What may be written.
#[derive(Debug)]
pub struct Prepared {
    /// The file.
    pub image: Image,
    /// What of it.
    pub plan: Plan,
    /// What it has to be.
    pub promise: Promise,
    /// Why it is believed; none if it is not signed.
    pub signed: Option<Signed>,
}

/// A manifest and who signed it.
#[derive(Debug)]
pub struct Signed {
    /// What was signed.
    pub manifest: Manifest,
    /// By whom.
    pub fingerprint: String,
}

/// Why an image is not written.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// A file beside the image cannot be read.
    #[error("{}: {cause}; is the path right?", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Not a map.
    #[error("{}: {cause}", path.display())]
    Bmap {
        /// The map.
        path: PathBuf,
        /// What is wrong with it.
        cause: BmapError,
    },
    /// Not believed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A manifest proves nothing without a key.
    #[error(
        "a manifest proves nothing without a key: add --key, or leave --manifest and --require-signature away"
    )]
    NoKey,
    /// A signature is required and there is none.
    #[error("{}: missing, and a signature is required: get it with its .sig from where the image came, or add --unsigned", .0.display())]
    NoManifest(PathBuf),
    /// Made for another board.
    #[error("the image is for the board {image}, not for {wished}: take the right image")]
    Board {
        /// As the manifest says.
        image: String,
        /// As the technician says.
        wished: String,
    },
    /// Only a manifest tells the board.
    #[error("only a signed manifest tells the board: add --manifest and --key, or leave --board away")]
    BoardUnknown,
    /// Map, manifest and file are not of one image.
    #[error(
        "the image has {found} bytes and should have {expected}: copy or download it again with its own .bmap"
    )]
    Size {
        /// As map or manifest say.
        expected: u64,
        /// As it is.
        found: u64,
    },
}

/// Checks all that can be checked without a disk.
pub fn prepare(order: &Order) -> Result<Prepared, PrepareError> {
    let image = Image::look(&order.image)?;
    let signed = signed(order)?;
    check_board(order, signed.as_ref())?;
    let map = map(order)?;
    if let Some(Signed { manifest, .. }) = &signed {
        manifest.check_image(&image)?;
        map.as_ref().map_or(Ok(()), |(_, text)| manifest.check_bmap(text))?;
    }
    let bmap = map.map(|(path, text)| parsed(&path, &text)).transpose()?;
    let bytes = size(&image, bmap.as_ref(), signed.as_ref())?;
    let plan = bmap.as_ref().map_or_else(|| Plan::whole(bytes), Plan::mapped);
    let sha256 = signed.as_ref().and_then(|signed| sha256_of_hex(&signed.manifest.raw_sha256));
    Ok(Prepared { image, plan, promise: Promise { sha256, bmap }, signed })
}

/// Where the manifest of an image is looked for.
pub fn manifest_beside(image: &Path) -> PathBuf {
    with_suffix(image, ".manifest.json")
}

/// Where the signature of a manifest is.
pub fn signature_beside(manifest: &Path) -> PathBuf {
    with_suffix(manifest, ".sig")
}

/// Where the map of an image may be: `box.img.zst` has `box.img.bmap`, or `box.bmap`.
pub fn bmap_beside(image: &Path) -> Option<PathBuf> {
    let unpacked = image.with_extension("");
    [with_suffix(image, ".bmap"), with_suffix(&unpacked, ".bmap"), unpacked.with_extension("bmap")]
        .into_iter()
        .find(|path| path.is_file())
}

fn signed(order: &Order) -> Result<Option<Signed>, PrepareError> {
    let required = order.require_signature || order.key.is_some() && !order.unsigned;
    let wanted = order.manifest.is_some() || order.require_signature;
    let Some(key_path) = order.key.as_ref().filter(|_| !order.unsigned) else {
        return if wanted { Err(PrepareError::NoKey) } else { Ok(None) };
    };
    let path = order.manifest.clone().unwrap_or_else(|| manifest_beside(&order.image));
    if required && !path.exists() {
        return Err(PrepareError::NoManifest(path));
    }
    let key = PublicKey::of_pem(&contents(key_path)?, key_path)?;
    let signature = contents(&signature_beside(&path))?;
    let manifest = Manifest::verified(&contents(&path)?, &signature, &key)?;
    Ok(Some(Signed { manifest, fingerprint: key.fingerprint() }))
}

fn check_board(order: &Order, signed: Option<&Signed>) -> Result<(), PrepareError> {
    match (&order.board, signed.map(|signed| &signed.manifest.board)) {
        (Some(wished), Some(image)) if wished != image => {
            Err(PrepareError::Board { image: image.clone(), wished: wished.clone() })
        }
        (Some(_), None) => Err(PrepareError::BoardUnknown),
        (Some(_) | None, Some(_)) | (None, None) => Ok(()),
    }
}

fn map(order: &Order) -> Result<Option<(PathBuf, Vec<u8>)>, PrepareError> {
    let path = order.bmap.clone().or_else(|| bmap_beside(&order.image)).filter(|_| !order.no_bmap);
    path.map(|path| contents(&path).map(|text| (path, text))).transpose()
}

fn parsed(path: &Path, text: &[u8]) -> Result<Bmap, PrepareError> {
    Bmap::parse(&String::from_utf8_lossy(text))
        .map_err(|cause| PrepareError::Bmap { path: path.to_owned(), cause })
}

/// Of the unpacked image. What nobody tells is found out by unpacking it once.
fn size(image: &Image, bmap: Option<&Bmap>, signed: Option<&Signed>) -> Result<u64, PrepareError> {
    let promised = signed.map(|signed| signed.manifest.raw_size).or(bmap.map(|bmap| bmap.image_bytes));
    let known = match (image.format, promised) {
        (Format::Raw, _) => image.file_bytes,
        (Format::Gzip | Format::Xz | Format::Zstd, Some(promised)) => promised,
        (Format::Gzip | Format::Xz | Format::Zstd, None) => image.measure()?.0,
    };
    let promises = [promised, bmap.map(|bmap| bmap.image_bytes)];
    match promises.into_iter().flatten().find(|expected| *expected != known) {
        Some(expected) => Err(PrepareError::Size { expected, found: known }),
        None => Ok(known),
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, PrepareError> {
    let read = || {
        if fs::metadata(path)?.len() > MAX_SIDE_FILE {
            return Err(io::Error::other("far too large"));
        }
        fs::read(path)
    };
    read().map_err(|cause| PrepareError::Read { path: path.to_owned(), cause })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
