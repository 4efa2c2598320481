//! Mains and battery, from the files of the kernel's power supply class.
//!
//! It refuses to guess: a file that is missing, unreadable or of unknown words is `None`, never "all is
//! well". Which directories to read is the board's to say.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// At or below, a battery is low, percent.
const LOW_PCT: u8 = 20;
/// From here on it no longer is: a gauge that wavers around one mark must not chatter.
const RESTORED_PCT: u8 = 25;

/// No file of the class is longer.
const LONGEST: u64 = 64;

/// What the files say. `None`: not configured, or not to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerReading {
    /// The mains are there.
    pub mains: Option<bool>,
    /// The battery will not last long, or is not there.
    pub battery_low: Option<bool>,
}

/// The supplies of a board, each a directory such as `/sys/class/power_supply/AC`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerSupplies {
    mains: Option<PathBuf>,
    battery: Option<PathBuf>,
    was_low: bool,
}

impl PowerSupplies {
    /// Reads nothing yet.
    #[must_use]
    pub const fn new(mains: Option<PathBuf>, battery: Option<PathBuf>) -> Self {
        Self { mains, battery, was_low: false }
    }

    /// Reads the files; blocks as long as the driver behind them does.
    pub fn read(&mut self) -> PowerReading {
        let mains = self.mains.as_deref().and_then(is_online);
        let battery_low = self.battery.as_deref().and_then(|battery| is_low(battery, self.was_low));
        self.was_low = battery_low.unwrap_or(self.was_low);
        PowerReading { mains, battery_low }
    }
}

/// ABI `power_supply`, `online`: 0 offline, 1 fixed, 2 programmable.
fn is_online(supply: &Path) -> Option<bool> {
    match word(supply, "online")?.as_str() {
        "0" => Some(false),
        "1" | "2" => Some(true),
        _ => None,
    }
}

/// The gauge's own judgement first; many have only the percentage.
fn is_low(battery: &Path, was_low: bool) -> Option<bool> {
    if word(battery, "present").as_deref() == Some("0") {
        return Some(true);
    }
    let level = word(battery, "capacity_level");
    let judged = match level.as_deref() {
        Some("Critical" | "Low") => Some(true),
        Some("Normal" | "High" | "Full") => Some(false),
        Some(_) | None => None,
    };
    judged
        .or_else(|| by_percentage(word(battery, "capacity")?.parse().ok()?, was_low))
        .or_else(|| (word(battery, "status")? == "Full").then_some(false))
}

fn by_percentage(pct: u8, was_low: bool) -> Option<bool> {
    let mark = if was_low { RESTORED_PCT - 1 } else { LOW_PCT };
    (pct <= 100).then_some(pct <= mark)
}

fn word(supply: &Path, name: &str) -> Option<String> {
    let mut text = String::new();
    File::open(supply.join(name)).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Files = &'static [(&'static str, &'static str)];

    fn supply(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            std::fs::write(dir.path().join(name), format!("{text}\n")).expect("a file");
        }
        dir
    }

    #[test]
    fn mains_are_there_gone_or_unknown() {
        for (online, expected) in
            [("1", Some(true)), ("2", Some(true)), ("0", Some(false)), ("", None), ("yes", None)]
        {
            let mains = supply(&[("online", online)]);
            let read = PowerSupplies::new(Some(mains.path().to_owned()), None).read();
            assert_eq!(read, PowerReading { mains: expected, battery_low: None }, "{online:?}");
        }
        let missing = PowerSupplies::new(Some("/nowhere".into()), Some("/nowhere".into())).read();
        assert_eq!(missing, PowerReading::default());
    }

    #[test]
    fn a_battery_is_low_by_its_gauges_word_or_by_its_percentage() {
        let cases: [(Files, Option<bool>); 9] = [
            (&[("capacity_level", "Critical"), ("capacity", "90")], Some(true)),
            (&[("capacity_level", "Low")], Some(true)),
            (&[("capacity_level", "Normal"), ("capacity", "3")], Some(false)),
            (&[("capacity_level", "Unknown"), ("capacity", "20")], Some(true)),
            (&[("capacity", "21")], Some(false)),
            (&[("capacity", "255")], None),
            (&[("status", "Full")], Some(false)),
            (&[("present", "0"), ("capacity", "100")], Some(true)),
            (&[("status", "Discharging")], None),
        ];
        for (files, expected) in cases {
            let battery = supply(files);
            let read = PowerSupplies::new(None, Some(battery.path().to_owned())).read();
            assert_eq!(read.battery_low, expected, "{files:?}");
        }
    }

    #[test]
    fn a_gauge_that_wavers_around_the_mark_does_not_chatter() {
        let battery = supply(&[]);
        let mut supplies = PowerSupplies::new(None, Some(battery.path().to_owned()));
        let low: Vec<_> = ["21", "20", "21", "24", "25", "21", "20"]
            .into_iter()
            .map(|pct| {
                std::fs::write(battery.path().join("capacity"), pct).expect("a file");
                supplies.read().battery_low.expect("a percentage")
            })
            .collect();
        assert_eq!(low, [false, true, true, true, false, false, true]);
    }
}
