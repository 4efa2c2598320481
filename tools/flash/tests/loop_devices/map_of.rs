//! Block maps for tests, made by other code than that which reads them.

use std::fmt::Write as _;
use std::ops::Range;

use ring::digest::{SHA256, digest};

/// A map of an image as bmaptool would write it; holes are blocks of zeros.
pub(crate) fn map_of(image: &[u8], block: usize) -> String {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (i, data) in image.chunks(block).enumerate().filter(|(_, data)| data.iter().any(|byte| *byte != 0)) {
        let end = i * block + data.len();
        match ranges.last_mut() {
            Some(last) if last.end == i * block => last.end = end,
            Some(_) | None => ranges.push(i * block..end),
        }
    }
    let line = |range: &Range<usize>| {
        let sum = hex(digest(&SHA256, &image[range.clone()]).as_ref());
        let (first, last) = (range.start / block, range.end.div_ceil(block) - 1);
        format!("    <Range chksum=\"{sum}\"> {first}-{last} </Range>\n")
    };
    let mapped: usize = ranges.iter().map(|range| range.len().div_ceil(block)).sum();
    let text = |own: &str| {
        format!(
            "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n  <ImageSize> {} </ImageSize>\n  \
             <BlockSize> {block} </BlockSize>\n  <BlocksCount> {} </BlocksCount>\n  \
             <MappedBlocksCount> {mapped} </MappedBlocksCount>\n  <ChecksumType> sha256 </ChecksumType>\n  \
             <BmapFileChecksum> {own} </BmapFileChecksum>\n  <BlockMap>\n{}  </BlockMap>\n</bmap>\n",
            image.len(),
            image.len().div_ceil(block),
            ranges.iter().map(line).collect::<String>(),
        )
    };
    text(&hex(digest(&SHA256, text(&"0".repeat(64)).as_bytes()).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text takes it");
        text
    })
}
