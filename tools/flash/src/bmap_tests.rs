//! Maps that are right and maps that are not.

use super::*;
use crate::map_of::map_of;
use crate::words::hex;

/// Blocks 0, 2, 3 and the half block 5 hold data.
fn image() -> Vec<u8> {
    let mut image = vec![0; 5 * 4096 + 100];
    for block in [0, 2, 3, 5] {
        image[block * 4096 + 7] = 1;
    }
    image
}

/// Corrects the map's own checksum after a change.
fn resealed(map: &str) -> String {
    let start =
        map.find("<BmapFileChecksum> ").expect("the map has a checksum") + "<BmapFileChecksum> ".len();
    let zeroed = format!("{}{}{}", &map[..start], "0".repeat(64), &map[start + 64..]);
    let sum = hex(digest(&SHA256, zeroed.as_bytes()).as_ref());
    format!("{}{sum}{}", &map[..start], &map[start + 64..])
}

#[test]
fn ranges_are_bytes_and_the_last_one_ends_with_the_image() {
    let bmap = Bmap::parse(&map_of(&image(), 4096)).expect("the map is good");

    assert_eq!(bmap.image_bytes, 20580);
    let ranges: Vec<_> = bmap.ranges.iter().map(|r| r.bytes.clone()).collect();
    assert_eq!(ranges, [0..4096, 8192..16384, 20480..20580]);
}

#[test]
fn a_map_of_bmaptool_is_read() {
    let bmap = Bmap::parse(include_str!("../tests/data/bmaptool-3.6.bmap")).expect("the map is good");

    let ranges: Vec<_> = bmap.ranges.iter().map(|r| r.bytes.clone()).collect();
    assert_eq!((bmap.image_bytes, ranges), (20580, vec![0..4096, 8192..16384, 20480..20580]));
    assert_eq!(check(&bmap, &image(), 1000), Ok(()));
}

#[test]
fn any_changed_byte_is_found_by_the_maps_own_checksum() {
    let map = map_of(&image(), 4096);
    for (from, to) in [(" 2-3 ", " 2-2 "), ("20580", "20579"), ("</bmap>\n", "</bmap>\n\n")] {
        assert_eq!(Bmap::parse(&map.replace(from, to)), Err(BmapError::Checksum), "{from}");
    }
}

#[test]
fn contradictions_are_refused_although_the_checksum_is_right() {
    let map = map_of(&image(), 4096);
    let table = [
        (" 2-3 ", " 3-2 "),
        (" 2-3 ", " 0-3 "),
        (" 5-5 ", " 5-6 "),
        (" 5-5 ", " 5-18446744073709551615 "),
        ("<MappedBlocksCount> 4", "<MappedBlocksCount> 5"),
        ("<BlocksCount> 6", "<BlocksCount> 7"),
        ("<BlockSize> 4096", "<BlockSize> 0"),
        ("<BlockSize> 4096", "<BlockSize> 4097"),
    ];
    for (from, to) in table {
        let map = resealed(&map.replace(from, to));
        assert!(matches!(Bmap::parse(&map), Err(BmapError::Contradiction(_))), "{to}");
    }
}

#[test]
fn maps_without_sha256_or_without_sense_are_refused() {
    let map = map_of(&image(), 4096);
    let old = map.replace(" sha256 ", " sha1 ");
    assert_eq!(Bmap::parse(&old), Err(BmapError::Version("2.0".to_owned())));
    let later = map.replace("version=\"2.0\"", "version=\"3.0\"");
    assert_eq!(Bmap::parse(&later), Err(BmapError::Version("3.0".to_owned())));
    assert!(matches!(Bmap::parse("PK\u{3}\u{4}"), Err(BmapError::Xml(_))));
    let no_sum = resealed(&map.replacen("chksum", "sum", 1));
    assert_eq!(Bmap::parse(&no_sum), Err(BmapError::Missing("chksum")));
    let word = resealed(&map.replace(" 2-3 ", " two "));
    assert_eq!(Bmap::parse(&word), Err(BmapError::Number("two".to_owned())));
}

#[test]
fn data_is_compared_with_the_map_however_it_is_cut() {
    let bmap = Bmap::parse(&map_of(&image(), 4096)).expect("the map is good");
    for cut in [1, 100, 4096, 5000, 100_000] {
        assert_eq!(check(&bmap, &image(), cut), Ok(()), "{cut}");
        let mut other = image();
        other[3 * 4096 + 1] = 9;
        assert_eq!(check(&bmap, &other, cut), Err(8192..16384), "{cut}");
    }
}

#[test]
fn what_stands_in_holes_does_not_matter() {
    let bmap = Bmap::parse(&map_of(&image(), 4096)).expect("the map is good");
    let mut other = image();
    other[4096 + 5] = 9;
    assert_eq!(check(&bmap, &other, 777), Ok(()));
}

fn check(bmap: &Bmap, image: &[u8], cut: usize) -> Result<(), Range<u64>> {
    let mut checker = Checker::new(bmap);
    image.chunks(cut).enumerate().try_for_each(|(i, bytes)| checker.feed((i * cut) as u64, bytes))
}
