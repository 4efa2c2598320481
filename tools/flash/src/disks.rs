//! The disks of a machine as sysfs tells them: facts only. Whether one may be written is judged elsewhere.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

/// What sysfs counts `size` in, whatever the disk's own sectors are.
const SECTOR: u64 = 512;

/// The kernel's number of a block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// Of the driver.
    pub major: u64,
    /// Of the device in it.
    pub minor: u64,
}

/// A whole disk, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// As below `/dev`.
    pub name: String,
    /// The kernel's number.
    pub number: Number,
    /// The kernel's count of disks and media: another card in the same reader has another one.
    pub sequence: Option<u64>,
    /// Its size; 0 is a reader without a card.
    pub bytes: u64,
    /// What the kernel says: true for sticks and readers, not for every card.
    pub removable: bool,
    /// Write protected.
    pub read_only: bool,
    /// How it is attached.
    pub transport: Transport,
    /// What the maker calls it.
    pub model: Option<String>,
    /// What tells it from its like.
    pub serial: Option<String>,
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// Devices made of it: dm, md, LVM.
    pub holders: Vec<String>,
    /// Devices it is made of.
    pub slaves: Vec<String>,
    /// The file behind a loop device.
    pub backing: Option<PathBuf>,
}

/// A part of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// As below `/dev`.
    pub name: String,
    /// The kernel's number.
    pub number: Number,
    /// Devices made of it: dm, md, LVM.
    pub holders: Vec<String>,
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A stick, or a reader at USB.
    Usb,
    /// A card in a slot of the machine.
    Sd,
    /// Memory soldered to the board.
    Emmc,
    /// NVMe.
    Nvme,
    /// SATA.
    Ata,
    /// A virtual machine's disk.
    Virtio,
    /// A file seen as a disk.
    Loop,
    /// Made by the kernel of other devices or of memory.
    Virtual,
    /// Anything else.
    Other,
}

impl Disk {
    /// Whether it is made to be taken out. The kernel's flag alone misses cards in built-in readers.
    pub fn is_removable(&self) -> bool {
        self.removable || matches!(self.transport, Transport::Usb | Transport::Sd)
    }
}

impl FromStr for Number {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let parts = text.trim().split_once(':');
        let parsed = parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let (major, minor) =
            parsed.ok_or_else(|| io::Error::other(format!("`{text}` is not MAJOR:MINOR")))?;
        Ok(Self { major, minor })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Usb => "usb",
            Self::Sd => "sd",
            Self::Emmc => "emmc",
            Self::Nvme => "nvme",
            Self::Ata => "ata",
            Self::Virtio => "virtio",
            Self::Loop => "loop",
            Self::Virtual => "virtual",
            Self::Other => "other",
        })
    }
}

/// All disks below `/sys/block` of `root`, by name. A disk pulled out meanwhile is left out.
pub fn read(root: &Path) -> io::Result<Vec<Disk>> {
    let mut disks = Vec::new();
    for entry in fs::read_dir(root.join("sys/block"))? {
        disks.extend(disk(&entry?.path()).ok());
    }
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(disks)
}

fn disk(folder: &Path) -> io::Result<Disk> {
    let name = device_name(folder);
    let place = fs::canonicalize(folder)?;
    let transport = transport(&name, &place);
    let sectors = fs::read_to_string(place.join("size"))?.trim().parse().unwrap_or(0);
    Ok(Disk {
        number: fs::read_to_string(place.join("dev"))?.parse()?,
        sequence: line(&place.join("diskseq")).and_then(|count| count.parse().ok()),
        bytes: SECTOR.saturating_mul(sectors),
        removable: is_set(&place.join("removable")),
        read_only: is_set(&place.join("ro")),
        model: model(&place),
        serial: serial(&place, transport),
        partitions: partitions(&place)?,
        holders: names(&place.join("holders")),
        slaves: names(&place.join("slaves")),
        backing: line(&place.join("loop/backing_file")).map(PathBuf::from),
        transport,
        name,
    })
}

fn transport(name: &str, place: &Path) -> Transport {
    let path = place.to_string_lossy();
    let is = |start: &str| name.starts_with(start);
    if path.contains("/usb") {
        Transport::Usb
    } else if is("mmcblk") {
        let card = line(&place.join("device/type")).is_some_and(|kind| kind == "SD");
        if card { Transport::Sd } else { Transport::Emmc }
    } else if is("loop") {
        Transport::Loop
    } else if ["dm-", "md", "zram", "ram", "zd", "bcache", "drbd", "nbd", "sr", "fd"].iter().any(|s| is(s)) {
        Transport::Virtual
    } else if is("nvme") {
        Transport::Nvme
    } else if is("vd") || path.contains("/virtio") {
        Transport::Virtio
    } else if path.contains("/ata") {
        Transport::Ata
    } else {
        Transport::Other
    }
}

fn model(place: &Path) -> Option<String> {
    let vendor = line(&place.join("device/vendor")).filter(|vendor| !vendor.starts_with("0x"));
    let model = line(&place.join("device/model")).or_else(|| line(&place.join("device/name")));
    let words: Vec<String> = vendor.filter(|v| v != "ATA").into_iter().chain(model).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A stick has its serial at the USB device, some floors up.
fn serial(place: &Path, transport: Transport) -> Option<String> {
    let own = ["device/serial", "serial"].iter().find_map(|file| line(&place.join(file)));
    let at_usb = || place.ancestors().skip(1).find_map(|floor| line(&floor.join("serial")));
    let of_page = || fs::read(place.join("device/vpd_pg80")).ok().and_then(|page| serial_of_page(&page));
    match transport {
        Transport::Usb => own.or_else(at_usb),
        Transport::Sd
        | Transport::Emmc
        | Transport::Nvme
        | Transport::Ata
        | Transport::Virtio
        | Transport::Loop
        | Transport::Virtual
        | Transport::Other => own.or_else(of_page),
    }
}

/// SPC-4, Unit Serial Number VPD page: four bytes, then text.
fn serial_of_page(page: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(page.get(4..)?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Those folders in a disk's folder that say which partition they are.
fn partitions(place: &Path) -> io::Result<Vec<Partition>> {
    let mut partitions = Vec::new();
    for entry in fs::read_dir(place)? {
        let folder = entry?.path();
        if !folder.join("partition").exists() {
            continue;
        }
        let number = fs::read_to_string(folder.join("dev"))?.parse()?;
        partitions.push(Partition {
            name: device_name(&folder),
            number,
            holders: names(&folder.join("holders")),
        });
    }
    partitions.sort_by_key(|partition| partition.number);
    Ok(partitions)
}

/// sysfs writes `/` in names as `!`.
fn device_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().replace('!', "/")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| device_name(&entry.path())).collect();
    names.sort();
    names
}

fn is_set(file: &Path) -> bool {
    line(file).is_some_and(|text| text == "1")
}

fn line(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Tree;

    #[test]
    fn a_stick_has_its_serial_at_the_usb_device_and_a_model_of_two_words() {
        let tree = Tree::new();
        tree.disk("devices/pci0/usb1/1-2/host0/block/sdb", "8:16", 62_333_952);
        tree.file("sys/devices/pci0/usb1/1-2/serial", "4C530001\n");
        tree.file("sys/block/sdb/removable", "1\n");
        tree.file("sys/block/sdb/diskseq", "23\n");
        tree.file("sys/block/sdb/device/vendor", "SanDisk \n");
        tree.file("sys/block/sdb/device/model", "Ultra   \n");

        let disks = read(tree.root()).expect("the tree stands");

        let stick = &disks[0];
        assert_eq!((stick.name.as_str(), stick.transport), ("sdb", Transport::Usb));
        assert_eq!(stick.serial.as_deref(), Some("4C530001"));
        assert_eq!(stick.model.as_deref(), Some("SanDisk Ultra"));
        assert_eq!((stick.bytes, stick.sequence), (62_333_952 * 512, Some(23)));
    }

    #[test]
    fn a_card_in_a_slot_is_removable_without_the_flag_and_soldered_memory_is_not() {
        let tree = Tree::new();
        for (name, kind) in [("mmcblk0", "MMC"), ("mmcblk1", "SD")] {
            tree.disk(&format!("devices/platform/{name}/block/{name}"), "179:0", 1000);
            tree.file(&format!("sys/block/{name}/device/type"), kind);
        }

        let disks = read(tree.root()).expect("the tree stands");

        assert_eq!(disks.iter().map(Disk::is_removable).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn partitions_are_those_folders_that_say_so() {
        let tree = Tree::new();
        tree.disk("devices/virtual/block/sda", "8:0", 1000);
        tree.partition("sda", "sda2", "8:2");
        tree.partition("sda", "sda1", "8:1");
        tree.file("sys/block/sda/queue/rotational", "1");

        let disks = read(tree.root()).expect("the tree stands");

        let names: Vec<&str> = disks[0].partitions.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["sda1", "sda2"]);
    }

    #[test]
    fn the_serial_page_of_a_sata_disk_is_read_without_its_head() {
        assert_eq!(serial_of_page(b"\0\x80\0\x08  WD-12 \0").as_deref(), Some("WD-12"));
        assert_eq!(serial_of_page(b"\0\x80\0\0"), None);
        assert_eq!(serial_of_page(b"\0"), None);
    }
}
