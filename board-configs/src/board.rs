//! Hardware facts.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A board: what the hardware is, after inheritance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Its name, the file's stem.
    pub name: String,
    /// Why this board exists, one sentence.
    pub about: String,
    /// Somebody has run it on real hardware. `check` shows it when not.
    pub proven: bool,
    /// Printed port names (`wan1`, `lan`) to the kernel's interface names.
    pub ports: BTreeMap<String, String>,
    /// The serial port of the line card; `None` on a board without lines.
    pub card: Option<CardPort>,
    /// Where the kernel shows how the box is powered.
    pub power: PowerFolders,
    /// A hardware watchdog; `None` where systemd's is all there is.
    pub watchdog: Option<String>,
}

/// Where the line card is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPort {
    /// The serial device.
    pub device: String,
    /// Bits per second, 8N1.
    pub baud: u32,
    /// How many lines the connector strip has, 1..=8.
    pub lines: u8,
}

/// Where the kernel shows how the box is powered: folders like those of `/sys/class/power_supply`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerFolders {
    /// The mains supply (`online`); `None`: the board does not say.
    pub mains: Option<PathBuf>,
    /// The battery (`capacity_level` or `capacity`); `None`: the board does not say, or has none.
    pub battery: Option<PathBuf>,
}
