//! What happened, for `--json` and for tests: the truth that a collector's records are held against.

use std::fmt;

use serde::{Deserialize, Serialize};

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
            Self::Boot { card_boot } => write!(f, "card boot {card_boot:#010x}"),
            Self::Flipped { count } => write!(f, "flipped {count} times"),
            Self::Lost { events_lost } => write!(f, "{events_lost} events lost for want of room"),
        }
    }
}
