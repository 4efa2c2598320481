//! How the devices of a machine stand on one another, and what stands on them: mounts and swap.
//! It tells; it does not judge.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::disks::{self, Disk, Number, Partition};

/// The kernel's number for filesystems that have no device of their own (btrfs, overlay).
const ANONYMOUS: u64 = 0;

/// Why the machine cannot be looked at.
#[derive(Debug, Error)]
#[error("{}: {cause}; disks cannot be told apart without it: run this on Linux with /sys and /proc", path.display())]
pub struct MachineError {
    path: PathBuf,
    cause: io::Error,
}

/// Disks, mounts and swap at one moment.
#[derive(Debug)]
pub struct Machine {
    root: PathBuf,
    /// All disks, by name.
    pub disks: Vec<Disk>,
    mounts: Vec<Mount>,
    swaps: Vec<PathBuf>,
}

/// A mounted filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    number: Number,
    point: PathBuf,
    source: String,
}

/// A thing that the running system needs a disk for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// A filesystem is mounted there.
    Mount(PathBuf),
    /// Memory is swapped to that file or device.
    Swap(PathBuf),
}

impl Machine {
    /// Looks at the machine whose `/sys`, `/proc` and `/dev` are below `root`.
    pub fn read(root: &Path) -> Result<Self, MachineError> {
        let at = |path: &str| root.join(path);
        let error = |path: PathBuf| move |cause| MachineError { path, cause };
        let disks = disks::read(root).map_err(error(at("sys/block")))?;
        let mounts = at("proc/self/mountinfo");
        let mounts = fs::read_to_string(&mounts).map_err(error(mounts))?;
        // A kernel without swap has no such file.
        let swaps = fs::read_to_string(at("proc/swaps")).unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            disks,
            mounts: mounts.lines().filter_map(mount).collect(),
            swaps: swaps.lines().skip(1).filter_map(|l| l.split_whitespace().next()).map(unescape).collect(),
        })
    }

    /// The disk with that name.
    pub fn disk(&self, name: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.name == name)
    }

    /// The disk with that number.
    pub fn disk_numbered(&self, number: Number) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.number == number)
    }

    /// The partition with that number and its disk.
    pub fn partition_numbered(&self, number: Number) -> Option<(&Disk, &Partition)> {
        let partitions = self.disks.iter().flat_map(|d| d.partitions.iter().map(move |p| (d, p)));
        partitions.into_iter().find(|(_, partition)| partition.number == number)
    }

    /// What the running system uses this disk for: directly, by a partition, or through dm, md and loop.
    pub fn uses_of(&self, disk: &Disk) -> Vec<Use> {
        let stands_on = |number: Option<Number>| number.is_some_and(|n| self.below(n).contains(&disk.number));
        let mounts = self.mounts.iter().filter(|mount| stands_on(self.number_of_mount(mount)));
        let swaps = self.swaps.iter().filter(|swap| stands_on(self.number_of_swap(swap)));
        mounts.map(|m| Use::Mount(m.point.clone())).chain(swaps.cloned().map(Use::Swap)).collect()
    }

    /// Whether the file lies on this disk.
    pub fn holds(&self, disk: &Disk, file: &Path) -> bool {
        self.number_of_file(file).is_some_and(|number| self.below(number).contains(&disk.number))
    }

    /// The numbers of all whole disks that a device stands on, and its own.
    fn below(&self, number: Number) -> BTreeSet<Number> {
        let mut seen = BTreeSet::new();
        let mut open = vec![number];
        while let Some(number) = open.pop() {
            if seen.insert(number) {
                open.extend(self.directly_below(number));
            }
        }
        seen
    }

    fn directly_below(&self, number: Number) -> Vec<Number> {
        if let Some((disk, _)) = self.partition_numbered(number) {
            return vec![disk.number];
        }
        let Some(disk) = self.disk_numbered(number) else { return Vec::new() };
        let slaves = disk.slaves.iter().filter_map(|name| self.number_named(name));
        slaves.chain(disk.backing.as_deref().and_then(|file| self.number_of_file(file))).collect()
    }

    fn number_named(&self, name: &str) -> Option<Number> {
        let partitions = self.disks.iter().flat_map(|disk| &disk.partitions);
        let mut partitions = partitions.filter(|partition| partition.name == name).map(|p| p.number);
        self.disk(name).map(|disk| disk.number).or_else(|| partitions.next())
    }

    /// The device under the file's mount, which is the deepest one above it; the latest covers others.
    fn number_of_file(&self, file: &Path) -> Option<Number> {
        let above = self.mounts.iter().filter(|mount| file.starts_with(&mount.point));
        above.max_by_key(|mount| mount.point.components().count()).and_then(|m| self.number_of_mount(m))
    }

    fn number_of_mount(&self, mount: &Mount) -> Option<Number> {
        if mount.number.major == ANONYMOUS {
            self.number_of_device(Path::new(&mount.source))
        } else {
            Some(mount.number)
        }
    }

    fn number_of_swap(&self, swap: &Path) -> Option<Number> {
        self.number_of_device(swap).or_else(|| self.number_of_file(swap))
    }

    /// Of a path below `/dev`, through links such as `/dev/mapper/root`.
    fn number_of_device(&self, path: &Path) -> Option<Number> {
        let below_root = self.root.join(path.strip_prefix("/").unwrap_or(path));
        let device = fs::canonicalize(below_root).unwrap_or_else(|_| path.to_owned());
        let dev = fs::canonicalize(self.root.join("dev")).unwrap_or_else(|_| PathBuf::from("/dev"));
        let name = device.strip_prefix(dev).or_else(|_| device.strip_prefix("/dev")).ok()?;
        self.number_named(&name.to_string_lossy())
    }
}

/// proc(5): `36 35 98:0 / /mnt rw shared:1 - ext4 /dev/sda1 rw`.
fn mount(line: &str) -> Option<Mount> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(2);
    let number = place.next()?.parse().ok()?;
    let point = unescape(place.nth(1)?);
    let source = unescape(what.split(' ').nth(1)?).to_string_lossy().into_owned();
    Some(Mount { number, point, source })
}

/// The kernel writes blanks and backslashes in octal.
fn unescape(text: &str) -> PathBuf {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    PathBuf::from(codes.iter().fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Tree;

    fn uses(tree: &Tree, disk: &str) -> Vec<Use> {
        let machine = Machine::read(tree.root()).expect("the tree stands");
        machine.uses_of(machine.disk(disk).expect("the disk is there"))
    }

    #[test]
    fn a_mount_is_found_through_encryption_lvm_raid_and_partition() {
        let tree = Tree::new();
        tree.disk("devices/ata1/block/sda", "8:0", 1000);
        tree.partition("sda", "sda3", "8:3");
        for (name, number, slave) in
            [("md0", "9:0", "sda3"), ("dm-0", "253:0", "md0"), ("dm-1", "253:1", "dm-0")]
        {
            tree.disk(&format!("devices/virtual/block/{name}"), number, 900);
            tree.folder(&format!("sys/block/{name}/slaves/{slave}"));
        }
        tree.mounts(&[("253:1", "/", "/dev/mapper/root")]);

        assert_eq!(uses(&tree, "sda"), [Use::Mount("/".into())]);
        assert_eq!(uses(&tree, "dm-0"), [Use::Mount("/".into())]);
    }

    #[test]
    fn a_mount_is_found_through_a_loop_device_whose_file_lies_on_the_disk() {
        let tree = Tree::new();
        tree.disk("devices/usb1/block/sdb", "8:16", 1000);
        tree.partition("sdb", "sdb1", "8:17");
        tree.disk("devices/virtual/block/loop0", "7:0", 900);
        tree.file("sys/block/loop0/loop/backing_file", "/run/live/medium/root.squashfs\n");
        tree.mounts(&[
            ("0:30", "/", "overlay"),
            ("8:17", "/run/live/medium", "/dev/sdb1"),
            ("7:0", "/rofs", "x"),
        ]);

        let expected = [Use::Mount("/run/live/medium".into()), Use::Mount("/rofs".into())];
        assert_eq!(uses(&tree, "sdb"), expected);
    }

    #[test]
    fn a_filesystem_without_a_number_is_found_by_its_source() {
        let tree = Tree::new();
        tree.disk("devices/nvme/block/nvme0n1", "259:0", 1000);
        tree.partition("nvme0n1", "nvme0n1p2", "259:2");
        tree.mounts(&[("0:35", "/", "/dev/nvme0n1p2")]);

        assert_eq!(uses(&tree, "nvme0n1"), [Use::Mount("/".into())]);
    }

    #[test]
    fn swap_is_found_on_a_partition_and_in_a_file() {
        let tree = Tree::new();
        tree.disk("devices/ata1/block/sda", "8:0", 1000);
        tree.partition("sda", "sda1", "8:1");
        tree.disk("devices/ata2/block/sdb", "8:16", 1000);
        tree.mounts(&[("8:16", "/srv", "/dev/sdb")]);
        tree.file("proc/swaps", "Filename Type\n/dev/sda1 partition 1\n/srv/swap\\040file file 1\n");

        assert_eq!(uses(&tree, "sda"), [Use::Swap("/dev/sda1".into())]);
        assert_eq!(uses(&tree, "sdb"), [Use::Mount("/srv".into()), Use::Swap("/srv/swap file".into())]);
    }

    #[test]
    fn a_file_lies_on_the_disk_of_its_deepest_mount() {
        let tree = Tree::new();
        tree.disk("devices/ata1/block/sda", "8:0", 1000);
        tree.disk("devices/usb1/block/sdb", "8:16", 1000);
        tree.mounts(&[("8:0", "/", "/dev/sda"), ("8:16", "/media/my\\040stick", "/dev/sdb")]);
        let machine = Machine::read(tree.root()).expect("the tree stands");

        let holds = |disk: &str, file: &str| {
            machine.holds(machine.disk(disk).expect("the disk is there"), Path::new(file))
        };
        assert!(holds("sdb", "/media/my stick/box.img"));
        assert!(!holds("sda", "/media/my stick/box.img"));
        assert!(holds("sda", "/media/other/box.img"));
    }

    #[test]
    fn devices_that_stand_on_one_another_in_a_ring_end() {
        let tree = Tree::new();
        for (name, number, slave) in [("dm-0", "253:0", "dm-1"), ("dm-1", "253:1", "dm-0")] {
            tree.disk(&format!("devices/virtual/block/{name}"), number, 900);
            tree.folder(&format!("sys/block/{name}/slaves/{slave}"));
        }
        tree.mounts(&[("253:1", "/", "x")]);

        assert_eq!(uses(&tree, "dm-0"), [Use::Mount("/".into())]);
    }
}
