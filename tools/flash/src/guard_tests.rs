//! The forbidden targets, one by one.

use super::*;
use crate::fake::Tree;

/// A workstation: an encrypted system on NVMe, a data disk in LVM, a mounted stick, a free stick, a
/// reader without a card, a locked card, a card in the slot, soldered memory, a mapped loop device.
fn workstation() -> Tree {
    let tree = Tree::new();
    tree.disk("devices/pci0/nvme/nvme0/nvme0n1", "259:0", 2_000_000);
    tree.partition("nvme0n1", "nvme0n1p1", "259:1");
    tree.partition("nvme0n1", "nvme0n1p2", "259:2");
    tree.folder("sys/block/nvme0n1/nvme0n1p2/holders/dm-0");
    tree.disk("devices/virtual/block/dm-0", "253:0", 1_900_000);
    tree.folder("sys/block/dm-0/slaves/nvme0n1p2");
    tree.disk("devices/pci0/ata1/host0/block/sda", "8:0", 4_000_000);
    tree.folder("sys/block/sda/holders/dm-1");
    tree.disk("devices/pci0/ata2/host1/block/sdg", "8:96", 4_000_000);
    for (letter, minor, sectors) in
        [("b", 16, 4_000_000), ("c", 32, 4_000_000), ("d", 48, 0), ("e", 64, 4_000_000)]
    {
        tree.disk(
            &format!("devices/pci0/usb1/1-{minor}/host2/block/sd{letter}"),
            &format!("8:{minor}"),
            sectors,
        );
        tree.file(&format!("sys/block/sd{letter}/removable"), "1");
        tree.file(&format!("sys/devices/pci0/usb1/1-{minor}/serial"), &format!("STICK{minor}"));
    }
    tree.partition("sdb", "sdb1", "8:17");
    tree.file("sys/block/sde/ro", "1");
    tree.disk("devices/platform/mmc0/block/mmcblk0", "179:0", 4_000_000);
    tree.file("sys/block/mmcblk0/device/type", "MMC");
    tree.disk("devices/platform/mmc0/block/mmcblk0boot0", "179:8", 8_192);
    tree.disk("devices/platform/mmc1/block/mmcblk1", "179:16", 4_000_000);
    tree.file("sys/block/mmcblk1/device/type", "SD");
    tree.disk("devices/virtual/block/loop0", "7:0", 4_000_000);
    tree.file("sys/block/loop0/loop/backing_file", "/tmp/file\n");
    tree.disk("devices/virtual/block/loop1", "7:1", 4_000_000);
    tree.disk("devices/virtual/block/zram0", "252:0", 4_000_000);
    tree.mounts(&[
        ("253:0", "/", "/dev/mapper/root"),
        ("259:1", "/boot/efi", "/dev/nvme0n1p1"),
        ("8:17", "/media/stick", "/dev/sdb1"),
        ("8:96", "/data", "/dev/sdg"),
    ]);
    tree.file("proc/swaps", "Filename Type\n/dev/zram0 partition\n");
    tree
}

fn codes(disk: &str, wish: &Wish<'_>) -> Vec<&'static str> {
    let tree = workstation();
    let machine = Machine::read(tree.root()).expect("the tree stands");
    let disk = machine.disk(disk).expect("the disk is there");
    let refusals = refusals(&machine, disk, wish);
    assert!(refusals.iter().all(|r| !r.to_string().is_empty() && !r.remedy().is_empty()));
    refusals.iter().map(Refusal::code).collect()
}

#[test]
fn every_forbidden_target_is_refused_with_its_reasons() {
    let table: &[(&str, &[&str])] = &[
        ("nvme0n1", &["system", "held", "built_in"]),
        ("dm-0", &["system", "virtual"]),
        ("zram0", &["system", "virtual"]),
        ("sda", &["held", "built_in"]),
        ("sdg", &["mounted", "built_in"]),
        ("sdb", &["mounted"]),
        ("sdd", &["no_medium"]),
        ("sde", &["read_only"]),
        ("mmcblk0", &["built_in"]),
        ("mmcblk0boot0", &["no_disk"]),
        ("loop0", &["built_in"]),
        ("loop1", &["no_disk"]),
    ];
    for (disk, expected) in table {
        assert_eq!(codes(disk, &Wish::default()), *expected, "{disk}");
    }
}

#[test]
fn a_free_stick_and_a_free_card_are_not_refused() {
    for disk in ["sdc", "mmcblk1"] {
        assert!(codes(disk, &Wish::default()).is_empty(), "{disk}");
    }
}

#[test]
fn the_wish_for_built_in_disks_opens_those_only() {
    let wish = Wish { non_removable: true, ..Wish::default() };
    let table: &[(&str, &[&str])] = &[
        ("nvme0n1", &["system", "held"]),
        ("dm-0", &["system", "virtual"]),
        ("sdg", &["mounted"]),
        ("mmcblk0", &[]),
        ("mmcblk0boot0", &["no_disk"]),
        ("loop0", &[]),
        ("loop1", &["no_disk"]),
    ];
    for (disk, expected) in table {
        assert_eq!(codes(disk, &wish), *expected, "{disk}");
    }
}

#[test]
fn an_image_of_the_disks_size_fits_and_a_byte_more_does_not() {
    let bytes = 4_000_000 * 512;
    for (image_bytes, expected) in [(bytes, &[][..]), (bytes + 1, &["too_small"])] {
        assert_eq!(codes("sdc", &Wish { image_bytes: Some(image_bytes), ..Wish::default() }), expected);
    }
}

#[test]
fn the_disk_of_the_image_is_refused() {
    let image = Path::new("/data/box.img");
    let wish = Wish { image: Some(image), non_removable: true, ..Wish::default() };
    assert_eq!(codes("sdg", &wish), ["mounted", "holds_image"]);
    assert!(codes("sdc", &wish).is_empty());
}

#[test]
fn a_serial_has_to_be_the_disks_own() {
    let wish = |serial| Wish { serial: Some(serial), ..Wish::default() };
    assert!(codes("sdc", &wish("STICK32")).is_empty());
    assert_eq!(codes("sdc", &wish("STICK16")), ["serial"]);
    assert_eq!(codes("mmcblk1", &wish("STICK16")), ["serial"], "a card that tells no serial is not the one");
}

#[test]
fn a_partition_is_refused_and_its_disk_named() {
    let tree = workstation();
    let machine = Machine::read(tree.root()).expect("the tree stands");
    let number = |text: &str| text.parse().expect("a number");

    let partition = whole_disk(&machine, number("8:17")).map(|disk| disk.name.clone());
    assert_eq!(partition, Err(Refusal::Partition { of: "sdb".to_owned() }));
    assert_eq!(whole_disk(&machine, number("8:16")).map(|disk| disk.name.as_str()), Ok("sdb"));
    assert_eq!(
        whole_disk(&machine, number("99:1")).map(|d| d.name.as_str()),
        Err(Refusal::Unknown(number("99:1")))
    );
}
