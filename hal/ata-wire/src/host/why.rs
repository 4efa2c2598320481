//! Why a card cannot be used, or a control was not taken, in words.

use core::fmt;

use heapless::String;

use crate::VERSIONS;
use crate::limits::{CONTROL_WINDOW, FIRMWARE_TEXT};
use crate::message::Versions;
use crate::timing::CARD_LOST_AFTER_MS;

/// Why a card cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LostWhy {
    /// Nothing valid came for a second.
    Silent,
    /// It speaks, but says that it does not hear us.
    Deaf,
    /// No common version.
    Version {
        /// What it speaks.
        card: Versions,
        /// Its firmware.
        firmware: String<FIRMWARE_TEXT>,
    },
}

impl fmt::Display for LostWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => write!(f, "card silent for more than {CARD_LOST_AFTER_MS} ms"),
            Self::Deaf => write!(f, "card has not heard us for more than {CARD_LOST_AFTER_MS} ms"),
            Self::Version { card, firmware } => write!(
                f,
                "card speaks protocol version {card}, this program {VERSIONS}: \
                 update the card's firmware ({firmware}) or this program"
            ),
        }
    }
}

/// Why a control was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRefused {
    /// No card is linked.
    NotLinked,
    /// So many wait for their acknowledgement already.
    Full,
}

impl fmt::Display for ControlRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinked => f.write_str("no card is linked: say it again after its hello"),
            Self::Full => {
                write!(f, "the card has not acknowledged {CONTROL_WINDOW} controls: say it again later")
            }
        }
    }
}

impl core::error::Error for ControlRefused {}
