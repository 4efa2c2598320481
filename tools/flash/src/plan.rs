//! Which bytes of an image are written, cut into pieces of equal size.

use std::ops::Range;

use crate::bmap::Bmap;

/// What is read, written and compared at once. The first piece is the one with the partition table.
pub const PIECE: u64 = 1024 * 1024;

/// Which bytes of an image are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    image_bytes: u64,
    ranges: Vec<Range<u64>>,
}

impl Plan {
    /// All of an image.
    pub fn whole(image_bytes: u64) -> Self {
        let all = (image_bytes > 0).then_some(0..image_bytes);
        Self { image_bytes, ranges: all.into_iter().collect() }
    }

    /// The data of an image, without its holes.
    pub fn mapped(bmap: &Bmap) -> Self {
        let ranges = bmap.ranges.iter().map(|range| range.bytes.clone());
        Self { image_bytes: bmap.image_bytes, ranges: ranges.collect() }
    }

    /// The image's size.
    pub fn image_bytes(&self) -> u64 {
        self.image_bytes
    }

    /// How many bytes are written.
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    /// What is written of a piece, relative to its beginning.
    pub fn extents(&self, piece: u64) -> Vec<Range<usize>> {
        let (start, end) = (piece * PIECE, (piece + 1) * PIECE);
        let first = self.ranges.partition_point(|range| range.end <= start);
        let within = self.ranges[first..].iter().take_while(|range| range.start < end);
        // Both ends are within a piece, so they fit.
        let cut = |range: &Range<u64>| {
            (range.start.max(start) - start) as usize..(range.end.min(end) - start) as usize
        };
        within.map(cut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmap::Mapped;

    #[test]
    fn a_whole_image_is_cut_into_pieces_with_a_short_last_one() {
        let plan = Plan::whole(2 * PIECE + 5);
        assert_eq!(plan.extents(0), only(0..PIECE as usize));
        assert_eq!(plan.extents(2), only(0..5));
        assert!(plan.extents(3).is_empty());
        assert!(Plan::whole(0).extents(0).is_empty());
    }

    #[test]
    fn mapped_ranges_are_cut_at_the_ends_of_pieces() {
        let ranges = [0..4096, 8192..2 * PIECE + 4096, 3 * PIECE..3 * PIECE + 1];
        let ranges = ranges.map(|bytes| Mapped { bytes, sha256: [0; 32] }).to_vec();
        let plan = Plan::mapped(&Bmap { image_bytes: 4 * PIECE, ranges });

        assert_eq!(plan.extents(0), [0..4096, 8192..PIECE as usize]);
        assert_eq!(plan.extents(1), only(0..PIECE as usize));
        assert_eq!(plan.extents(2), only(0..4096));
        assert_eq!(plan.extents(3), only(0..1));
        assert_eq!((0..4).flat_map(|p| plan.extents(p)).map(|e| e.len() as u64).sum::<u64>(), plan.bytes());
    }

    fn only(extent: Range<usize>) -> Vec<Range<usize>> {
        vec![extent]
    }
}
