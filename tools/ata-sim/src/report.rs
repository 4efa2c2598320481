//! What happened, for `--json` and for tests: the truth that a collector's records are held against.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::panel::PanelEvent;

/// Something that happened on the card or its wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// The device is there.
    Plugged {
        /// The pseudo-terminal.
        device: String,
        /// The link that points at it.
        link: Option<String>,
    },
    /// The device is gone.
    Unplugged,
    /// A hook changed, and the card keeps the event until it is acknowledged.
    Hook {
        /// Which line.
        line: u8,
        /// `true`: lifted.
        off_hook: bool,
        /// The card's sample counter.
        sample: u32,
        /// The card's boot id.
        card_boot: u32,
        /// The event's number.
        card_seq: u16,
    },
    /// The card's link changed: `apart`, `greeted`, `linked`.
    Link {
        /// To what.
        to: String,
    },
    /// The card began or ceased to hold its host for dead.
    HostDead {
        /// It does.
        dead: bool,
    },
    /// The card started.
    Boot {
        /// Its boot id.
        card_boot: u32,
        /// The machine's monotonic clock at sample 0, microseconds; 125 to a sample.
        at_us: u64,
    },
    /// A `flip` made its last change.
    Flipped {
        /// How many.
        count: u32,
    },
    /// Events were lost for want of room.
    Lost {
        /// In all since the card's boot.
        events_lost: u32,
    },
    /// Something happened at a panel.
    Panel {
        /// On which line.
        line: u8,
        /// The card's counter, to 10 ms.
        sample: u32,
        /// What.
        #[serde(flatten)]
        what: PanelEvent,
    },
    /// A recording began.
    Recording {
        /// Of which line.
        line: u8,
        /// Where it is.
        file: String,
        /// The card's counter at its first sample.
        first_sample: u32,
    },
    /// A recording ended against somebody's will.
    RecordingEnded {
        /// Of which line.
        line: u8,
        /// Why.
        why: String,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugged { device, link: Some(link) } => write!(f, "card at {device}, linked from {link}"),
            Self::Plugged { device, link: None } => write!(f, "card at {device}"),
            Self::Unplugged => f.write_str("card unplugged"),
            Self::Hook { line, off_hook, sample, card_seq, .. } => {
                let to = if *off_hook { "off" } else { "on" };
                write!(f, "line {line} {to}-hook at sample {sample}, event {card_seq}")
            }
            Self::Link { to } => write!(f, "link {to}"),
            Self::HostDead { dead: true } => f.write_str("card holds its host for dead"),
            Self::HostDead { dead: false } => f.write_str("card hears its host again"),
            Self::Boot { card_boot, .. } => write!(f, "card boot {card_boot:#010x}"),
            Self::Flipped { count } => write!(f, "flipped {count} times"),
            Self::Lost { events_lost } => write!(f, "{events_lost} events lost for want of room"),
            Self::Panel { line, what, .. } => write!(f, "panel on line {line}: {what}"),
            Self::Recording { line, file, first_sample } => {
                write!(f, "line {line} is recorded to {file} from sample {first_sample}")
            }
            Self::RecordingEnded { line, why } => write!(f, "recording of line {line} ended: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_s_report_is_one_flat_object() {
        let what = PanelEvent::NoKissOff { attempt: 2 };
        let report = Report::Panel { line: 1, sample: 800, what };
        let json = serde_json::to_value(&report).unwrap();
        let flat = serde_json::json!({
            "event": "panel", "line": 1, "sample": 800, "what": "no_kiss_off", "attempt": 2,
        });
        assert_eq!(json, flat);
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
}
