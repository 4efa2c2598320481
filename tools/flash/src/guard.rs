//! Which disk may be written. All reasons against one are told at once, each with its remedy; no flag
//! opens the disk of the running system.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::disks::{Disk, Number, Transport};
use crate::machine::{Machine, Use};
use crate::words::size;

/// Mount points without which the machine that runs this does not live.
const SYSTEM: &[&str] = &[
    "/",
    "/boot",
    "/boot/efi",
    "/boot/firmware",
    "/efi",
    "/usr",
    "/var",
    "/home",
    "/etc",
    "/nix",
    "/opt",
    "/srv",
];

/// What is wanted of a disk.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wish<'a> {
    /// Built-in disks may be written.
    pub non_removable: bool,
    /// How much has to fit.
    pub image_bytes: Option<u64>,
    /// The image, which must not lie on the disk.
    pub image: Option<&'a Path>,
    /// The serial that the disk must have.
    pub serial: Option<&'a str>,
}

/// Why a disk is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The running system lives on it.
    System(Vec<Use>),
    /// Filesystems of it are mounted.
    Mounted(Vec<PathBuf>),
    /// Other devices are made of it.
    Held(Vec<String>),
    /// Write protected.
    ReadOnly,
    /// A reader without a card.
    NoMedium,
    /// The image does not fit.
    TooSmall {
        /// The disk's size.
        disk: u64,
        /// The image's size.
        image: u64,
    },
    /// A part of a disk.
    Partition {
        /// The disk it is of.
        of: String,
    },
    /// Made by the kernel of other devices or of memory, or not a disk for images.
    Virtual,
    /// A loop device without a file, or one of a machine's memory areas that hold no image.
    NoDisk,
    /// Built in, and that was not wished.
    BuiltIn(Transport),
    /// The image lies on it.
    HoldsImage,
    /// It is another one than meant.
    Serial {
        /// The one that was named.
        wished: String,
        /// The one it has.
        found: Option<String>,
    },
    /// Not a device that this machine has.
    Unknown(Number),
}

/// Every reason against writing that disk; none means that it may be written.
pub fn refusals(machine: &Machine, disk: &Disk, wish: &Wish<'_>) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = uses(machine, disk).into_iter().collect();
    refusals.extend(held(disk));
    refusals.extend(nature(disk, wish));
    if disk.read_only {
        refusals.push(Refusal::ReadOnly);
    }
    if disk.bytes == 0 {
        refusals.push(Refusal::NoMedium);
    }
    let too_big = wish.image_bytes.filter(|image| disk.bytes > 0 && *image > disk.bytes);
    refusals.extend(too_big.map(|image| Refusal::TooSmall { disk: disk.bytes, image }));
    if wish.image.is_some_and(|image| machine.holds(disk, image)) {
        refusals.push(Refusal::HoldsImage);
    }
    let other = wish.serial.filter(|wished| disk.serial.as_deref() != Some(*wished));
    refusals.extend(
        other.map(|wished| Refusal::Serial { wished: wished.to_owned(), found: disk.serial.clone() }),
    );
    refusals
}

/// The disk that a device number names, or why there is none.
pub fn whole_disk(machine: &Machine, number: Number) -> Result<&Disk, Refusal> {
    if let Some((disk, _)) = machine.partition_numbered(number) {
        return Err(Refusal::Partition { of: disk.name.clone() });
    }
    machine.disk_numbered(number).ok_or(Refusal::Unknown(number))
}

/// What else is mounted on the system's disk does not matter: nobody shall unmount it for this.
fn uses(machine: &Machine, disk: &Disk) -> Option<Refusal> {
    let (system, other): (Vec<Use>, Vec<Use>) = machine.uses_of(disk).into_iter().partition(is_system);
    if !system.is_empty() {
        return Some(Refusal::System(system));
    }
    let mounts = other.into_iter().filter_map(|used| match used {
        Use::Mount(point) => Some(point),
        Use::Swap(_) => None,
    });
    let mounts: Vec<PathBuf> = mounts.collect();
    (!mounts.is_empty()).then_some(Refusal::Mounted(mounts))
}

fn is_system(used: &Use) -> bool {
    match used {
        Use::Mount(point) => SYSTEM.iter().any(|system| point == Path::new(system)),
        Use::Swap(_) => true,
    }
}

fn held(disk: &Disk) -> Option<Refusal> {
    let holders = disk.holders.iter().chain(disk.partitions.iter().flat_map(|part| &part.holders));
    let mut holders: Vec<String> = holders.cloned().collect();
    holders.dedup();
    (!holders.is_empty()).then_some(Refusal::Held(holders))
}

fn nature(disk: &Disk, wish: &Wish<'_>) -> Option<Refusal> {
    // eMMC standard, JESD84-B51 6.2: boot areas and RPMB are not the user area.
    let memory_area = disk.name.contains("boot") || disk.name.ends_with("rpmb");
    let unbound = disk.transport == Transport::Loop && disk.backing.is_none();
    if disk.transport == Transport::Virtual {
        Some(Refusal::Virtual)
    } else if memory_area || unbound {
        Some(Refusal::NoDisk)
    } else if !disk.is_removable() && !wish.non_removable {
        Some(Refusal::BuiltIn(disk.transport))
    } else {
        None
    }
}

impl Refusal {
    /// A word that programs can rely on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::System(_) => "system",
            Self::Mounted(_) => "mounted",
            Self::Held(_) => "held",
            Self::ReadOnly => "read_only",
            Self::NoMedium => "no_medium",
            Self::TooSmall { .. } => "too_small",
            Self::Partition { .. } => "partition",
            Self::Virtual => "virtual",
            Self::NoDisk => "no_disk",
            Self::BuiltIn(_) => "built_in",
            Self::HoldsImage => "holds_image",
            Self::Serial { .. } => "serial",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What the technician does about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::System(_) => "choose another disk: no flag opens this one".to_owned(),
            Self::Mounted(points) => format!("umount {}", joined(points.iter().map(|p| p.display()))),
            Self::Held(by) => {
                format!("release {} first (vgchange -an, mdadm --stop, cryptsetup close)", joined(by))
            }
            Self::ReadOnly => "slide the card's lock back, or use another adapter".to_owned(),
            Self::NoMedium => "put a card into the reader".to_owned(),
            Self::TooSmall { image, .. } => format!("use one of {} or more", size(*image)),
            Self::Partition { of } => format!("name the whole disk: --to /dev/{of}"),
            Self::Virtual | Self::NoDisk => "choose a card, a stick or a disk".to_owned(),
            Self::BuiltIn(_) => "add --non-removable if this really is the disk you mean".to_owned(),
            Self::HoldsImage => "copy the image to another disk first".to_owned(),
            Self::Serial { .. } => "look at `holdfast-flash list` and name the disk you mean".to_owned(),
            Self::Unknown(_) => "plug it in again and look at `holdfast-flash list`".to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(uses) => write!(f, "the running system lives on it ({})", joined(uses)),
            Self::Mounted(points) => write!(f, "mounted at {}", joined(points.iter().map(|p| p.display()))),
            Self::Held(by) => write!(f, "held by {}", joined(by)),
            Self::ReadOnly => f.write_str("write protected"),
            Self::NoMedium => f.write_str("no card in the reader"),
            Self::TooSmall { disk, image } => {
                write!(f, "too small: {} for an image of {}", size(*disk), size(*image))
            }
            Self::Partition { of } => write!(f, "only a partition of {of}"),
            Self::Virtual => f.write_str("not a disk of its own: the kernel makes it"),
            Self::NoDisk => f.write_str("not a disk that holds an image"),
            Self::BuiltIn(transport) => write!(f, "built into this machine ({transport})"),
            Self::HoldsImage => f.write_str("the image itself lies on it"),
            Self::Serial { wished, found } => {
                write!(f, "its serial is {}, not {wished}", found.as_deref().unwrap_or("unknown"))
            }
            Self::Unknown(number) => write!(f, "device {number} is not among this machine's disks"),
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mount(point) => write!(f, "{}", point.display()),
            Self::Swap(place) => write!(f, "swap {}", place.display()),
        }
    }
}

fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
