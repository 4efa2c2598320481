//! Audio between the lines and the wire: late is worse than lost, so the oldest frame makes room.

use ata_wire::limits::{AUDIO_OCTETS, MAX_LINES};
use ata_wire::{Audio, g711};
use heapless::Deque;

use crate::BLOCK;

/// What the lines say, on its way to the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uplink {
    frames: Deque<Audio, UPLINK_FRAMES>,
}

impl Uplink {
    pub(crate) fn push(&mut self, line: u8, first_sample: u32, said: &[i16; BLOCK]) {
        if self.frames.is_full() {
            self.frames.pop_front();
        }
        let octets = said.map(g711::encode_pcmu);
        let frame = Audio { line, codec: PCMU, sample_low: first_sample as u16, octets };
        self.frames.push_back(frame).unwrap_or_else(|_| unreachable!("the oldest made room"));
    }

    pub(crate) fn pop(&mut self) -> Option<Audio> {
        self.frames.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.frames.clear();
    }
}

/// What a line is to hear, on its way from the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Downlink {
    frames: Deque<[i16; BLOCK], DOWNLINK_FRAMES>,
    flows: bool,
}

impl Downlink {
    /// Takes a frame; one of an unknown codec is refused.
    pub(crate) fn push(&mut self, codec: u8, octets: &[u8; AUDIO_OCTETS]) -> bool {
        let decode = match codec {
            PCMU => g711::decode_pcmu,
            PCMA => g711::decode_pcma,
            _ => return false,
        };
        if self.frames.is_full() {
            self.frames.pop_front();
        }
        self.frames.push_back(octets.map(decode)).unwrap_or_else(|_| unreachable!("the oldest made room"));
        true
    }

    /// The next block. After it ran dry it begins again when enough wait to bridge a late frame.
    pub(crate) fn next(&mut self) -> Option<[i16; BLOCK]> {
        self.flows |= self.frames.len() >= DOWNLINK_START;
        let block = if self.flows { self.frames.pop_front() } else { None };
        self.flows = block.is_some();
        block
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// 40 ms of every line: a wire that is busy for longer carries other things first.
const UPLINK_FRAMES: usize = 4 * MAX_LINES;

/// 40 ms.
const DOWNLINK_FRAMES: usize = 4;

/// 20 ms.
const DOWNLINK_START: usize = 2;

const PCMU: u8 = 0;
const PCMA: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_that_takes_nothing_costs_the_oldest_frames() {
        let mut uplink = Uplink::default();
        for block in 0..40 {
            uplink.push(0, block * 80, &[0; BLOCK]);
        }
        assert_eq!(uplink.pop().map(|frame| frame.sample_low), Some(8 * 80));
    }

    #[test]
    fn a_late_frame_is_bridged_and_a_dry_line_fills_up_again() {
        let mut downlink = Downlink::default();
        let octets = |level| [g711::encode_pcmu(level); BLOCK];
        assert!(downlink.push(0, &octets(1_000)));
        assert_eq!(downlink.next(), None);
        assert!(downlink.push(0, &octets(2_000)));
        let level = |block: Option<[i16; BLOCK]>| block.map(|samples| samples[0] / 900);
        assert_eq!([level(downlink.next()), level(downlink.next())], [Some(1), Some(2)]);
        assert_eq!(downlink.next(), None);
        assert!(!downlink.push(7, &octets(0)));
    }
}
