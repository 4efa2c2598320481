//! What can be said on the wire. Byte layouts are in `PROTOCOL.md` and in `codec`.

use heapless::{String, Vec};

use crate::Seq;
use crate::control::Control;
use crate::event::Event;
use crate::limits::{AUDIO_OCTETS, FIRMWARE_TEXT, MAX_LINES, SERIAL_TEXT};

/// Everything that can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Host to card: these versions, this boot.
    HostHello(HostHello),
    /// Card to host: who I am, what I choose, how every line is.
    CardHello(CardHello),
    /// Host to card: the hello is taken, events may come.
    HelloAck(HelloAck),
    /// Host to card, every 250 ms.
    HostHeartbeat(Link),
    /// Card to host, every 250 ms.
    CardHeartbeat(CardHeartbeat),
    /// This and all before it are kept; the sender may forget them.
    Ack(Ack),
    /// Card to host: something happened on a line.
    Event(Event),
    /// Host to card: something is to be done on a line.
    Control(Control),
    /// 10 ms of a line's audio.
    Audio(Audio),
}

/// A range of language versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The lowest.
    pub min: u8,
    /// The highest.
    pub max: u8,
}

impl Versions {
    /// The highest version that both speak.
    #[must_use]
    pub fn highest_common(self, other: Self) -> Option<u8> {
        let (min, max) = (self.min.max(other.min), self.max.min(other.max));
        (min <= max && max > 0).then_some(max)
    }

    /// Whether `version` is one of these.
    #[must_use]
    pub fn contains(self, version: u8) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

impl core::fmt::Display for Versions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{}-{}", self.min, self.max) }
    }
}

/// The host's greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostHello {
    /// What the host speaks.
    pub versions: Versions,
    /// Differs after every start of the host's program; never 0.
    pub host_boot: u32,
}

/// The card's answer to a greeting, or its cry for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardHello {
    /// Who the card is. Readable in every version.
    pub greeting: Greeting,
    /// What it chose.
    pub answer: Answer,
}

/// The part of a card's hello that never changes, so that a mismatch can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// What the card speaks.
    pub versions: Versions,
    /// Differs after every reset of the card; never 0.
    pub card_boot: u32,
    /// The boot id of the greeting that this answers; 0: nobody asked.
    pub host_boot: u32,
    /// Firmware name and version, printable ASCII.
    pub firmware: String<FIRMWARE_TEXT>,
    /// Serial number, printable ASCII.
    pub serial: String<SERIAL_TEXT>,
}

/// What the card chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No common version, or nobody asked.
    None,
    /// Version 1, and its state.
    Current(CardState),
    /// A version that this program does not speak.
    Other(u8),
}

/// The card's state in its hello, version 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardState {
    /// 0: passed; a bit for each part that failed.
    pub self_test: u8,
    /// Bit 0 PCMU, bit 1 PCMA.
    pub codecs: u8,
    /// Events waiting for their acknowledgement.
    pub queued: u8,
    /// The oldest of them; with none waiting, the number that the next event will get.
    pub first_seq: Seq,
    /// Events dropped since the card's boot because nobody acknowledged.
    pub events_lost: u32,
    /// The card's 8 kHz sample counter.
    pub sample: u32,
    /// Every line, in order.
    pub lines: Vec<LineState, MAX_LINES>,
}

/// How a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineState {
    /// Loop current flows.
    pub off_hook: bool,
    /// Battery is fed.
    pub feed: bool,
    /// Battery is fed with reversed polarity.
    pub reversed: bool,
    /// The sample counter at the last hook change.
    pub since: u32,
}

/// The pair of boots that a link joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The host's.
    pub host_boot: u32,
    /// The card's.
    pub card_boot: u32,
}

/// The host has taken the card's hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloAck {
    /// What it joins.
    pub link: Link,
    /// The oldest control that the card has not acknowledged; with none waiting, the next one.
    pub first_control: Seq,
}

/// The card lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardHeartbeat {
    /// The card's boot.
    pub card_boot: u32,
    /// Its sample counter.
    pub sample: u32,
    /// Milliseconds since the card heard the host, at most 65535.
    pub host_age_ms: u16,
    /// As in [`CardState`].
    pub events_lost: u32,
    /// As in [`CardState`].
    pub queued: u8,
}

/// Cumulative acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The boot of the side whose messages are acknowledged.
    pub boot: u32,
    /// Inclusive.
    pub seq: Seq,
}

/// 10 ms of a line's audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio {
    /// The line, from 0 to 15.
    pub line: u8,
    /// 0 PCMU, 1 PCMA; up to 15.
    pub codec: u8,
    /// The low half of the sample counter at the first octet.
    pub sample_low: u16,
    /// G.711.
    pub octets: [u8; AUDIO_OCTETS],
}

#[cfg(test)]
mod tests {
    use super::Versions;

    #[test]
    fn the_highest_common_version_is_chosen() {
        let check = |a: (u8, u8), b: (u8, u8), chosen| {
            let (a, b) = (Versions { min: a.0, max: a.1 }, Versions { min: b.0, max: b.1 });
            assert_eq!(a.highest_common(b), chosen, "{a} and {b}");
            assert_eq!(b.highest_common(a), chosen, "{b} and {a}");
        };
        check((1, 1), (1, 1), Some(1));
        check((1, 3), (2, 5), Some(3));
        check((1, 2), (3, 4), None);
        check((0, 0), (0, 1), None);
    }
}
