//! Tone sequences as data. The card plays them with sample-exact timing; nobody streams them.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// One step of a sequence: up to two frequencies for a time. No frequency is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tone {
    /// Hz; 0 for none.
    pub frequencies: [u16; 2],
    /// Level of each frequency, dBm0.
    pub level_dbm0: i8,
    /// How long.
    pub lasts: Duration,
}

/// A named sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// Dial tone of the precise tone plan, 350 + 440 Hz, for ever.
    DialTone,
    /// Reorder (fast busy), 480 + 620 Hz, 0.25 s on and off, for ever.
    Reorder,
    /// Off-hook warning (howler), 1400 Hz loud, 0.1 s on and off, for ever.
    Howler,
    /// Contact ID handshake: 1400 Hz 100 ms, silence 100 ms, 2300 Hz 100 ms (DC-05).
    Handshake,
    /// Contact ID kiss-off: 1400 Hz, 850 ms (DC-05: 750 to 1000 ms).
    KissOff,
}

/// The steps of a sequence and whether they are repeated until stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// In order.
    pub tones: &'static [Tone],
    /// Repeated until stopped.
    pub endless: bool,
}

impl Sequence {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::DialTone, Self::Reorder, Self::Howler, Self::Handshake, Self::KissOff];

    /// What is played.
    #[must_use]
    pub const fn steps(self) -> Steps {
        match self {
            Self::DialTone => Steps { tones: DIAL_TONE, endless: true },
            Self::Reorder => Steps { tones: REORDER, endless: true },
            Self::Howler => Steps { tones: HOWLER, endless: true },
            Self::Handshake => Steps { tones: HANDSHAKE, endless: false },
            Self::KissOff => Steps { tones: KISS_OFF, endless: false },
        }
    }

    /// How long it lasts; `None` for an endless one.
    #[must_use]
    pub fn lasts(self) -> Option<Duration> {
        let steps = self.steps();
        if steps.endless { None } else { Some(steps.tones.iter().map(|tone| tone.lasts).sum()) }
    }
}

const DIAL_TONE: &[Tone] = &[tone([350, 440], -16, 1000)];
const REORDER: &[Tone] = &[tone([480, 620], -24, 250), silence(250)];
const HOWLER: &[Tone] = &[tone([1400, 0], -3, 100), silence(100)];
const HANDSHAKE: &[Tone] = &[tone([1400, 0], -11, 100), silence(100), tone([2300, 0], -11, 100)];
const KISS_OFF: &[Tone] = &[tone([1400, 0], -11, 850)];

const fn tone(frequencies: [u16; 2], level_dbm0: i8, ms: u64) -> Tone {
    Tone { frequencies, level_dbm0, lasts: Duration::from_millis(ms) }
}

const fn silence(ms: u64) -> Tone {
    tone([0, 0], 0, ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tones_a_panel_measures_are_as_dc05_has_them() {
        let handshake = Sequence::Handshake.steps();
        let heard: Vec<_> = handshake.tones.iter().map(|t| (t.frequencies[0], t.lasts.as_millis())).collect();
        assert_eq!(heard, [(1400, 100), (0, 100), (2300, 100)]);
        let kiss_off = Sequence::KissOff.lasts().unwrap();
        assert!((750..=1000).contains(&kiss_off.as_millis()));
        assert_eq!(Sequence::DialTone.lasts(), None);
    }
}
