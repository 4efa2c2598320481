//! What is refused, on loop devices: exit code 1, the reason, and not one byte written. As root.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Ended, LoopDisk, MIB, Shelf, bare, command, image, run, write};
use nix::libc::O_EXCL;

const DISK: usize = 8 * MIB;

fn assert_refused(ended: &Ended, codes: &[&str]) {
    assert_eq!(ended.code, Some(1), "{:?}", ended.lines);
    assert_eq!(ended.told("refused", "code"), codes, "{:?}", ended.lines);
    assert!(ended.told("result", "outcome").is_empty(), "{:?}", ended.lines);
}

fn reason(ended: &Ended) -> String {
    ended.told("refused", "reason").iter().map(ToString::to_string).collect()
}

#[test]
fn a_disk_that_is_too_small_is_refused_and_with_it_all_others() {
    let shelf = Shelf::new("box.img", &image());
    let disks = [LoopDisk::used(DISK), LoopDisk::used(6 * MIB)];
    assert_refused(&write(&shelf.at("box.img"), &disks.each_ref(), &[]), &["too_small"]);
    assert!(disks.iter().all(LoopDisk::is_untouched));
}

#[test]
fn a_built_in_disk_is_refused_unless_it_is_wished() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);
    let ended = run(&mut bare(&shelf.at("box.img"), &[&disk.path], &["--yes-i-mean", &disk.name()]));
    assert_refused(&ended, &["built_in"]);
    assert!(disk.is_untouched());
}

#[test]
fn without_the_right_name_nothing_is_written() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);
    for more in [&["--non-removable"][..], &["--non-removable", "--yes-i-mean", "sdb"]] {
        let ended = run(&mut bare(&shelf.at("box.img"), &[&disk.path], more));
        assert_refused(&ended, &["order"]);
        assert!(reason(&ended).contains("--yes-i-mean"), "{}", reason(&ended));
    }
    assert!(disk.is_untouched());
}

#[test]
fn a_partition_is_refused_and_so_is_what_is_no_disk() {
    let shelf = Shelf::new("box.img", &image());
    let mut table = vec![0xee; DISK];
    table[..512].fill(0);
    // One Linux partition from sector 2048 over 4096 sectors.
    table[446..462].copy_from_slice(&[0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0]);
    table[510..512].copy_from_slice(&[0x55, 0xaa]);
    let disk = LoopDisk::holding(&table, &["--partscan"]);
    // Not every kernel reads tables itself.
    done("partx", &["--update", &disk.path.to_string_lossy()]);

    let partition = format!("{}p1", disk.path.display());
    let ended = run(&mut bare(&shelf.at("box.img"), &[Path::new(&partition)], &["--non-removable"]));
    assert_refused(&ended, &["partition"]);
    assert!(disk.data() == table);

    for path in [Path::new("/dev/null"), &shelf.at("box.img")] {
        let ended = run(&mut bare(&shelf.at("box.img"), &[path], &["--non-removable"]));
        assert_refused(&ended, &["order"]);
        assert!(reason(&ended).contains("not a block device"), "{}", reason(&ended));
    }
}

#[test]
fn a_mounted_disk_is_refused() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);
    let (device, point) = (disk.path.to_string_lossy().into_owned(), shelf.at("point"));
    std::fs::create_dir(&point).expect("the name is free");
    let point = point.to_string_lossy().into_owned();
    done("mkfs.ext4", &["-q", "-F", &device]);
    done("mount", &["-o", "ro,noload", &device, &point]);
    let before = disk.data();

    let ended = write(&shelf.at("box.img"), &[&disk], &[]);
    let after = disk.data();
    done("umount", &[&point]);

    assert_refused(&ended, &["mounted"]);
    assert!(before == after);
}

#[test]
fn a_disk_that_another_program_holds_is_refused() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);
    let held = OpenOptions::new().read(true).custom_flags(O_EXCL).open(&disk.path).expect("it is free");

    let ended = write(&shelf.at("box.img"), &[&disk], &[]);

    drop(held);
    assert_refused(&ended, &["order"]);
    assert!(reason(&ended).contains("something uses it"), "{}", reason(&ended));
    assert!(disk.is_untouched());
}

#[test]
fn a_write_protected_disk_is_refused() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::holding(&vec![0xee; DISK], &["--read-only"]);
    assert_refused(&write(&shelf.at("box.img"), &[&disk], &[]), &["read_only"]);
}

#[test]
fn a_disk_named_twice_or_with_another_serial_is_refused() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);
    assert_refused(&write(&shelf.at("box.img"), &[&disk, &disk], &[]), &["order"]);
    assert_refused(&write(&shelf.at("box.img"), &[&disk], &["--serial", "X1"]), &["serial"]);
    assert_refused(&write(&shelf.at("box.img"), &[&disk], &["--serial", "X1", "--serial", "X2"]), &["order"]);
    assert!(disk.is_untouched());
}

type Tamper<'a> = &'a dyn Fn(&Shelf);

#[test]
fn tampered_images_manifests_signatures_and_keys_are_refused() {
    let tampered = |name: &'static str| {
        move |shelf: &Shelf| {
            let mut data = std::fs::read(shelf.at(name)).expect("it is there");
            data[40] ^= 1;
            shelf.put(name, &data);
        }
    };
    let other_key = |shelf: &Shelf| {
        let text = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        shelf.put("key.pub.pem", text.as_bytes());
    };
    let table: [(&str, Tamper<'_>); 4] = [
        ("is not the one of the manifest", &tampered("box.img")),
        ("is not signed by this key", &tampered("box.img.manifest.json")),
        ("is not signed by this key", &tampered("box.img.manifest.json.sig")),
        ("is not signed by this key", &other_key),
    ];
    let disk = LoopDisk::used(DISK);
    for (why, tamper) in table {
        let shelf = Shelf::new("box.img", &image());
        let key = shelf.sign("box.img");
        tamper(&shelf);

        let ended = write(&shelf.at("box.img"), &[&disk], &["--key", &key.to_string_lossy()]);

        assert_refused(&ended, &["order"]);
        assert!(reason(&ended).contains(why), "{}", reason(&ended));
    }
    assert!(disk.is_untouched());
}

#[test]
fn an_unsigned_image_is_refused_where_a_key_is_configured_until_it_is_waived() {
    let shelf = Shelf::new("box.img", &image());
    let key = shelf.sign("box.img");
    std::fs::remove_file(shelf.at("box.img.manifest.json")).expect("it is there");
    let disk = LoopDisk::used(DISK);

    let ended = run(command(&shelf.at("box.img"), &[&disk], &[]).env("HOLDFAST_FLASH_KEY", &key));
    assert_refused(&ended, &["order"]);
    assert!(disk.is_untouched());

    let ended = run(command(&shelf.at("box.img"), &[&disk], &["--unsigned"]).env("HOLDFAST_FLASH_KEY", &key));
    assert_eq!(ended.code, Some(0), "{:?}", ended.lines);
    assert_eq!(ended.told("result", "signed"), [false]);
}

#[test]
fn a_truncated_packed_image_is_refused_before_the_first_byte() {
    let data = zstd::encode_all(image().as_slice(), 1).expect("memory takes it");
    let shelf = Shelf::new("box.img.zst", &data[..data.len() - 9]);
    let disk = LoopDisk::used(DISK);

    let ended = write(&shelf.at("box.img.zst"), &[&disk], &[]);

    assert_refused(&ended, &["order"]);
    assert!(disk.is_untouched());
}

#[test]
fn a_dry_run_checks_all_and_writes_nothing() {
    let shelf = Shelf::new("box.img", &image());
    let disk = LoopDisk::used(DISK);

    let ended = write(&shelf.at("box.img"), &[&disk], &["--dry-run"]);

    assert_eq!(ended.code, Some(0), "{:?}", ended.lines);
    assert_eq!(ended.told("end", "dry_run"), [true]);
    assert!(disk.is_untouched());
}

fn done(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).status().expect("the program is installed");
    assert!(status.success(), "{program}");
}
