//! The power supplies' wire: a thread that reads them once a second and tells what changed.
//!
//! A change counts when two readings agree on it: a contactor bounces, a gauge answers nothing now and
//! then. It decides nothing: what an outage means is the appliance's.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use appliance::PowerFacts;
use hal_linux::power::{PowerReading, PowerSupplies};
use tokio::sync::mpsc;

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);

/// The supplies of a board, each a directory such as `/sys/class/power_supply/AC`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerConfig {
    /// Has a file `online`.
    pub mains: Option<PathBuf>,
    /// Has a file `capacity_level` or `capacity`.
    pub battery: Option<PathBuf>,
}

/// Why nobody watches the power.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// No thread could be started.
    #[error(
        "the thread that watches the power could not be started: {0}; raise the limit of tasks (systemd: TasksMax)"
    )]
    Thread(#[source] io::Error),
}

/// Dropping it ends the thread.
#[derive(Debug)]
pub struct PowerHandle {
    _alive: SyncSender<()>,
}

/// Begins to watch; the first facts come at once, also where nothing is to be watched.
///
/// # Errors
/// No thread.
pub fn spawn(config: PowerConfig, facts: mpsc::Sender<PowerFacts>) -> Result<PowerHandle, PowerError> {
    let (alive, gone) = sync_channel(0);
    let watch = move || watch(config, &facts, &gone, EVERY);
    std::thread::Builder::new().name("power".to_owned()).spawn(watch).map_err(PowerError::Thread)?;
    Ok(PowerHandle { _alive: alive })
}

fn watch(config: PowerConfig, facts: &mpsc::Sender<PowerFacts>, gone: &Receiver<()>, every: Duration) {
    let nothing_to_watch = config == PowerConfig::default();
    let mut supplies = PowerSupplies::new(config.mains, config.battery);
    let mut settled = Settled::default();
    loop {
        let told = settled.feed(supplies.read()).is_none_or(|now| facts.blocking_send(now).is_ok());
        if nothing_to_watch || !told || gone.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// What two readings agree on.
#[derive(Debug, Default)]
struct Settled {
    told: Option<PowerReading>,
    last: PowerReading,
}

impl Settled {
    /// The facts, if they differ from what was told.
    fn feed(&mut self, reading: PowerReading) -> Option<PowerFacts> {
        let agreed = reading == self.last || self.told.is_none();
        self.last = reading;
        if !agreed || self.told == Some(reading) {
            return None;
        }
        self.told = Some(reading);
        Some(PowerFacts { mains: reading.mains, battery_low: reading.battery_low })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mains(mains: Option<bool>) -> PowerReading {
        PowerReading { mains, battery_low: None }
    }

    #[test]
    fn the_first_reading_counts_at_once_and_a_change_when_two_agree() {
        let mut settled = Settled::default();
        let readings =
            [Some(true), Some(false), Some(true), None, Some(true), Some(false), Some(false), None, None];
        let told: Vec<_> = readings.map(|m| settled.feed(mains(m)).map(|facts| facts.mains)).into();
        let expected = [Some(Some(true)), None, None, None, None, None, Some(Some(false)), None, Some(None)];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_outage_is_told_while_it_lasts_and_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let online = dir.path().join("online");
        std::fs::write(&online, "1\n").unwrap();
        let config = PowerConfig { mains: Some(dir.path().to_owned()), battery: None };
        let (sender, mut facts) = mpsc::channel(4);
        let (alive, gone) = sync_channel(0);
        let every = Duration::from_millis(5);
        let thread = std::thread::spawn(move || watch(config, &sender, &gone, every));

        for (text, there) in [("1\n", true), ("0\n", false), ("1\n", true)] {
            // Replaced, not rewritten: an empty file is an unknown supply.
            let fresh = dir.path().join("fresh");
            std::fs::write(&fresh, text).unwrap();
            std::fs::rename(&fresh, &online).unwrap();
            assert_eq!(facts.blocking_recv(), Some(PowerFacts { mains: Some(there), battery_low: None }));
        }
        drop(alive);
        thread.join().unwrap();
        assert_eq!(facts.blocking_recv(), None);
    }

    #[test]
    fn a_board_without_supplies_is_told_so_once() {
        let (sender, mut facts) = mpsc::channel(4);
        let _handle = spawn(PowerConfig::default(), sender).unwrap();
        assert_eq!(facts.blocking_recv(), Some(PowerFacts::default()));
        assert_eq!(facts.blocking_recv(), None, "nobody watches");
    }
}
