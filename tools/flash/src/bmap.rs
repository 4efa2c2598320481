//! Block maps as bmaptool writes them, versions 1.4 and 2.0: which ranges of an image hold data, each
//! with its SHA-256. Older maps know only SHA-1 and are refused.

use std::num::ParseIntError;
use std::ops::Range;

use ring::digest::{Context, SHA256, digest};
use roxmltree::{Document, Node};
use thiserror::Error;

use crate::words::sha256_of_hex;

/// A map of an image of 256 GiB in which every second block is mapped has 50 MB of text per million.
const MAX_RANGES: usize = 4_000_000;

/// Block sizes that filesystems have.
const BLOCK_SIZES: Range<u64> = 512..1024 * 1024 + 1;

/// Which ranges of an image hold data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmap {
    /// The image's size, which need not be a multiple of the block size.
    pub image_bytes: u64,
    /// Ascending, apart from one another.
    pub ranges: Vec<Mapped>,
}

/// A range that holds data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// From the beginning of the image.
    pub bytes: Range<u64>,
    /// Of the data.
    pub sha256: [u8; 32],
}

/// Why a text is no block map.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BmapError {
    /// Not XML.
    #[error("not XML: {0}")]
    Xml(String),
    /// Something is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A number cannot be read.
    #[error("`{0}` is not a number")]
    Number(String),
    /// SHA-1 or none.
    #[error("version {0} has no SHA-256: make it again with a bmaptool of 3.0 or later")]
    Version(String),
    /// The file was changed after it was made.
    #[error("its own checksum is wrong: the file was changed after it was made")]
    Checksum,
    /// The numbers contradict one another.
    #[error("it contradicts itself: {0}")]
    Contradiction(String),
}

impl Bmap {
    /// Reads a map, having checked its own checksum.
    pub fn parse(text: &str) -> Result<Self, BmapError> {
        let document = Document::parse(text).map_err(|error| BmapError::Xml(error.to_string()))?;
        let root = document.root_element();
        check_version(root)?;
        check_own_checksum(text, root)?;
        let block = number(root, "BlockSize")?;
        let image_bytes = number(root, "ImageSize")?;
        if !BLOCK_SIZES.contains(&block) || !block.is_power_of_two() {
            return Err(BmapError::Contradiction(format!("blocks of {block} bytes")));
        }
        if number(root, "BlocksCount")? != image_bytes.div_ceil(block) {
            return Err(BmapError::Contradiction("BlocksCount is not that of ImageSize".to_owned()));
        }
        let ranges = child(root, "BlockMap")?.children().filter(|node| node.has_tag_name("Range"));
        let ranges: Vec<Mapped> = ranges
            .take(MAX_RANGES + 1)
            .map(|node| mapped(node, block, image_bytes))
            .collect::<Result<_, _>>()?;
        check_order(&ranges)?;
        let blocks: u64 = ranges.iter().map(|r| (r.bytes.end - r.bytes.start).div_ceil(block)).sum();
        if number(root, "MappedBlocksCount")? != blocks {
            return Err(BmapError::Contradiction(
                "MappedBlocksCount is not the sum of the ranges".to_owned(),
            ));
        }
        Ok(Self { image_bytes, ranges })
    }
}

fn check_version(root: Node<'_, '_>) -> Result<(), BmapError> {
    let version = root.attribute("version").ok_or(BmapError::Missing("version"))?;
    let sha256 = child(root, "ChecksumType").is_ok_and(|node| text(node) == "sha256");
    let known = version.starts_with("1.") || version.starts_with("2.");
    if known && sha256 { Ok(()) } else { Err(BmapError::Version(version.to_owned())) }
}

/// The checksum is made over the file with zeros in its own place.
fn check_own_checksum(file: &str, root: Node<'_, '_>) -> Result<(), BmapError> {
    let node = child(root, "BmapFileChecksum")?;
    let written = text(node);
    let expected = sha256_of_hex(written).ok_or(BmapError::Checksum)?;
    let start = node.range().start + file[node.range()].find(written).ok_or(BmapError::Checksum)?;
    let zeroed = format!("{}{}{}", &file[..start], "0".repeat(written.len()), &file[start + written.len()..]);
    if digest(&SHA256, zeroed.as_bytes()).as_ref() == expected { Ok(()) } else { Err(BmapError::Checksum) }
}

/// `<Range chksum="..."> 0-1 </Range>` in blocks, both ends included. The last block may be a part of one.
fn mapped(node: Node<'_, '_>, block: u64, image_bytes: u64) -> Result<Mapped, BmapError> {
    let written = text(node);
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let parse = |number: &str| number.trim().parse::<u64>();
    let unreadable = |_: ParseIntError| BmapError::Number(written.to_owned());
    let (first, last) = (parse(first).map_err(unreadable)?, parse(last).map_err(unreadable)?);
    if first > last || last >= image_bytes.div_ceil(block) {
        return Err(BmapError::Contradiction(format!("range {written} is not in the image")));
    }
    let sha256 = node.attribute("chksum").and_then(sha256_of_hex).ok_or(BmapError::Missing("chksum"))?;
    Ok(Mapped { bytes: first * block..((last + 1) * block).min(image_bytes), sha256 })
}

fn check_order(ranges: &[Mapped]) -> Result<(), BmapError> {
    if ranges.len() > MAX_RANGES {
        return Err(BmapError::Contradiction(format!("more than {MAX_RANGES} ranges")));
    }
    match ranges.windows(2).find(|pair| pair[0].bytes.end > pair[1].bytes.start) {
        Some(pair) => {
            Err(BmapError::Contradiction(format!("ranges overlap at byte {}", pair[1].bytes.start)))
        }
        None => Ok(()),
    }
}

fn child<'a, 'i>(root: Node<'a, 'i>, name: &'static str) -> Result<Node<'a, 'i>, BmapError> {
    root.children().find(|node| node.has_tag_name(name)).ok_or(BmapError::Missing(name))
}

fn number(root: Node<'_, '_>, name: &'static str) -> Result<u64, BmapError> {
    let written = text(child(root, name)?);
    written.parse().map_err(|_| BmapError::Number(written.to_owned()))
}

fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// Compares the data of an image, as it streams by, with its map.
pub struct Checker<'a> {
    ranges: &'a [Mapped],
    context: Context,
}

impl<'a> Checker<'a> {
    /// At the beginning of the image.
    pub fn new(bmap: &'a Bmap) -> Self {
        Self { ranges: &bmap.ranges, context: Context::new(&SHA256) }
    }

    /// The next bytes of the image, which begin at `at`. Tells the range that is not as the map says.
    pub fn feed(&mut self, at: u64, bytes: &[u8]) -> Result<(), Range<u64>> {
        let end = at + bytes.len() as u64;
        while let Some((first, rest)) = self.ranges.split_first() {
            let part = first.bytes.start.max(at)..first.bytes.end.min(end);
            if part.start < part.end {
                // Both are below the length of a slice.
                self.context.update(&bytes[(part.start - at) as usize..(part.end - at) as usize]);
            }
            if end < first.bytes.end {
                return Ok(());
            }
            let context = std::mem::replace(&mut self.context, Context::new(&SHA256));
            if context.finish().as_ref() != first.sha256 {
                return Err(first.bytes.clone());
            }
            self.ranges = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "bmap_tests.rs"]
mod tests;
