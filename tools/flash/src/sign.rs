//! `sign`: the manifest of an image and its signature, beside the image.

use std::fs;

use anyhow::{Context, Result};
use holdfast_flash::image::Image;
use holdfast_flash::manifest::{Manifest, SigningKey};
use holdfast_flash::prepare::{bmap_beside, manifest_beside, signature_beside};

use crate::args::Sign;

/// Writes `IMAGE.manifest.json` and its `.sig`.
pub(crate) fn run(sign: &Sign) -> Result<()> {
    let read = |path: &std::path::Path| {
        fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))
    };
    let key = SigningKey::of_pem(&read(&sign.key)?, &sign.key)?;
    let image = Image::look(&sign.image)?;
    let bmap = sign.bmap.clone().or_else(|| bmap_beside(&sign.image));
    let bmap = bmap.as_deref().map(read).transpose()?;
    let manifest = Manifest::of(&image, bmap.as_deref(), &sign.board, &sign.version)?;
    let mut text = serde_json::to_vec_pretty(&manifest).context("the manifest is not JSON")?;
    text.push(b'\n');
    let path = manifest_beside(&sign.image);
    for (path, data) in [(path.clone(), &text), (signature_beside(&path), &key.sign(&text))] {
        fs::write(&path, data).with_context(|| format!("{}: cannot be written", path.display()))?;
        println!("{}", path.display());
    }
    println!("signed by {}", key.public().fingerprint());
    Ok(())
}
