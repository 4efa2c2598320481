//! What the lines say, on its way to the program.

use heapless::Deque;

use crate::limits::{AUDIO_BACKLOG, AUDIO_OCTETS};
use crate::message::Audio;

/// 10 ms of what a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAudio {
    /// The line, from 0.
    pub line: u8,
    /// 0 PCMU, 1 PCMA.
    pub codec: u8,
    /// The card's sample counter at the first octet.
    pub first_sample: u32,
    /// G.711.
    pub octets: [u8; AUDIO_OCTETS],
}

/// Frames that wait; the oldest makes room.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    frames: Deque<LineAudio, AUDIO_BACKLOG>,
}

impl Backlog {
    /// Takes a frame that came while the card's counter stood near `near`. What it pushes out is a
    /// gap like any other: the next frame's number shows it.
    pub(super) fn push(&mut self, audio: &Audio, near: u32) {
        if self.frames.is_full() {
            self.frames.pop_front();
        }
        let frame = LineAudio {
            line: audio.line,
            codec: audio.codec,
            first_sample: widen(audio.sample_low, near),
            octets: audio.octets,
        };
        self.frames.push_back(frame).unwrap_or_else(|_| unreachable!("the oldest made room"));
    }

    pub(super) fn pop(&mut self) -> Option<LineAudio> {
        self.frames.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }
}

/// The number nearest to `near` that ends in `low`.
fn widen(low: u16, near: u32) -> u32 {
    let ahead = low.wrapping_sub(near as u16) as i16;
    near.wrapping_add_signed(i32::from(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_half_is_completed_to_the_nearest_number() {
        for (low, near, full) in [
            (0x2340, 0x0001_2300, 0x0001_2340),
            (0xfff0, 0x0002_0010, 0x0001_fff0),
            (0x0010, 0x0001_fff0, 0x0002_0010),
            (0xfff0, 0x0000_0010, 0xffff_fff0),
            (0x0010, 0xffff_fff0, 0x0000_0010),
        ] {
            assert_eq!(widen(low, near), full, "{low:#x} near {near:#x}");
        }
    }

    #[test]
    fn a_full_backlog_drops_its_oldest_frame() {
        let mut backlog = Backlog::default();
        let audio = |sample_low| Audio { line: 0, codec: 0, sample_low, octets: [0; AUDIO_OCTETS] };
        (0..66).for_each(|n| backlog.push(&audio(n * 80), 0));
        assert_eq!(backlog.pop().map(|frame| frame.first_sample), Some(160));
    }
}
