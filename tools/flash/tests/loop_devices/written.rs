//! What is written, on loop devices. As root.

use std::io::Write as _;

use crate::common::{LoopDisk, MIB, Shelf, SmallFilesystem, command, image, in_the_middle, write};
use crate::map_of::map_of;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DISK: usize = 8 * MIB;

/// More than can be written before somebody pulls the card out.
const LARGE: u64 = 6 * 1024 * MIB as u64;

fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let data = image();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&data).expect("memory takes it");
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).expect("the preset exists");
    xz.write_all(&data).expect("memory takes it");
    vec![
        ("box.img.zst", zstd::encode_all(data.as_slice(), 1).expect("memory takes it")),
        ("box.img.gz", gzip.finish().expect("memory takes it")),
        ("box.img.xz", xz.finish().expect("memory takes it")),
        ("box.img", data),
    ]
}

#[test]
fn every_format_is_written_with_and_without_a_map() {
    for (name, data) in packed() {
        let shelf = Shelf::new(name, &data);
        shelf.put("box.img.bmap", map_of(&image(), 4096).as_bytes());
        for more in [&[][..], &["--no-bmap"]] {
            let disk = LoopDisk::used(DISK);

            let ended = write(&shelf.at(name), &[&disk], more);

            assert_eq!(ended.code, Some(0), "{name} {more:?} {:?}", ended.lines);
            assert_eq!(ended.told("result", "outcome"), ["done"]);
            let (written, hole) = (disk.data(), 2 * MIB..5 * MIB);
            assert!(written[..hole.start] == image()[..hole.start], "{name} {more:?}");
            assert!(written[hole.end..image().len()] == image()[hole.end..], "{name} {more:?}");
            let in_hole = if more.is_empty() { 0xee } else { 0 };
            assert!(written[hole].iter().all(|byte| *byte == in_hole), "{name} {more:?}");
        }
    }
}

#[test]
fn a_signed_image_is_written_and_said_to_be_signed() {
    let shelf = Shelf::new("box.img", &image());
    let key = shelf.sign("box.img");
    let disk = LoopDisk::used(DISK);

    let ended =
        write(&shelf.at("box.img"), &[&disk], &["--key", &key.to_string_lossy(), "--board", "qemu-x86_64"]);

    assert_eq!(ended.code, Some(0), "{:?}", ended.lines);
    assert_eq!(ended.told("result", "signed"), [true]);
    assert!(disk.data()[..image().len()] == image());
}

#[test]
fn several_cards_are_written_at_once() {
    let shelf = Shelf::new("box.img", &image());
    let disks = [LoopDisk::used(DISK), LoopDisk::used(DISK + 4096), LoopDisk::used(2 * DISK)];

    let ended = write(&shelf.at("box.img"), &disks.each_ref(), &[]);

    assert_eq!(ended.told("result", "outcome"), ["done", "done", "done"], "{:?}", ended.lines);
    assert!(disks.iter().all(|disk| disk.data()[..image().len()] == image()));
}

#[test]
fn a_card_that_fails_in_the_middle_does_not_boot_and_does_not_spoil_its_neighbour() {
    let shelf = Shelf::new("box.img", &image());
    let filesystem = SmallFilesystem::new(4 * MIB);
    let disks = [LoopDisk::on_a_full_filesystem(&filesystem, DISK as u64), LoopDisk::used(DISK)];

    let ended = write(&shelf.at("box.img"), &disks.each_ref(), &[]);

    assert_eq!(ended.code, Some(2), "{:?}", ended.lines);
    assert_eq!(ended.told("result", "outcome"), ["failed", "done"], "{:?}", ended.lines);
    assert_eq!(ended.told("result", "bootable"), [false, true]);
    assert!(disks[0].head(MIB).iter().all(|byte| *byte == 0));
    assert!(disks[1].data()[..image().len()] == image());
}

#[test]
fn killed_in_the_middle_the_card_has_no_table() {
    let (shelf, disk) = large();
    let mut child = in_the_middle(command(&shelf.at("box.img"), &[&disk], &[]));

    child.kill().expect("it still runs");

    let status = child.wait().expect("it was started here");
    assert_eq!(status.code(), None, "it ended by itself");
    assert!(disk.head(MIB).iter().all(|byte| *byte == 0));
}

#[test]
fn stopped_in_the_middle_it_says_so_and_the_card_has_no_table() {
    let (shelf, disk) = large();
    let child = in_the_middle(command(&shelf.at("box.img"), &[&disk], &[]));
    let id = i32::try_from(child.id()).expect("ids are small");

    kill(Pid::from_raw(id), Signal::SIGINT).expect("it still runs");

    let output = child.wait_with_output().expect("it was started here");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("\"outcome\":\"interrupted\""), "{text}");
    assert!(disk.head(MIB).iter().all(|byte| *byte == 0));
}

/// An image with a table, and a disk with another.
fn large() -> (Shelf, LoopDisk) {
    let shelf = Shelf::new("box.img", &[1; MIB]);
    let file = std::fs::OpenOptions::new().write(true).open(shelf.at("box.img")).expect("it is there");
    file.set_len(LARGE).expect("a file can have holes");
    let disk = LoopDisk::sparse(LARGE);
    std::fs::write(&disk.path, [2; MIB]).expect("the disk is there");
    (shelf, disk)
}
