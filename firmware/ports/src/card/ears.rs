//! One ear for each line, and how much of what the lines said never came.
//!
//! It refuses to let an ear hear across a gap: half a digit and half another make a third.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use appliance::CardEvent;
use ata_wire::limits::{AUDIO_OCTETS, MAX_LINES};
use ata_wire::{LineAudio, g711};
use dsp::LineEar;
use hal::{LineId, Sample};

/// The ears of a card.
#[derive(Debug, Default)]
pub(super) struct Ears {
    lines: [Ear; MAX_LINES],
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Ear {
    ear: LineEar,
    /// The next frame's first sample; `None` at the beginning of a call.
    expected: Option<u32>,
}

impl Ears {
    /// Ears that count lost frames there.
    pub(super) fn new(lost: Arc<AtomicU64>) -> Self {
        Self { lost, ..Self::default() }
    }

    /// A card is there, or is another one: what was heard so far leads nowhere.
    pub(super) fn begin_anew(&mut self) {
        self.lines = Default::default();
    }

    /// A call begins or ends.
    pub(super) fn hook_changed(&mut self, line: u8) {
        if let Some(ear) = self.lines.get_mut(usize::from(line)) {
            *ear = Ear::default();
        }
    }

    /// 10 ms of a line; `each` is told what was heard. A frame of an unknown codec is a gap.
    pub(super) fn hear(&mut self, audio: &LineAudio, card_boot: u32, mut each: impl FnMut(CardEvent)) {
        let Some(samples) = decode(audio) else { return };
        let Some(ear) = self.lines.get_mut(usize::from(audio.line)) else { return };
        let missing = ear.expected.map_or(0, |expected| audio.first_sample.wrapping_sub(expected));
        if missing != 0 {
            // A counter that went back tells of no loss.
            let lost = if missing > u32::MAX / 2 { 0 } else { u64::from(missing) / FRAME };
            self.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::debug!(line = audio.line, samples = missing, "audio of a line was lost");
            ear.ear = LineEar::default();
        }
        ear.expected = Some(audio.first_sample.wrapping_add(AUDIO_OCTETS as u32));
        let line = LineId(audio.line);
        ear.ear.feed(&samples, Sample(audio.first_sample), |heard| {
            each(CardEvent::Heard { line, card_boot, heard });
        });
    }
}

fn decode(audio: &LineAudio) -> Option<[i16; AUDIO_OCTETS]> {
    match audio.codec {
        0 => Some(audio.octets.map(g711::decode_pcmu)),
        1 => Some(audio.octets.map(g711::decode_pcma)),
        _ => None,
    }
}

/// Samples of a frame.
const FRAME: u64 = AUDIO_OCTETS as u64;

#[cfg(test)]
mod tests {
    use dsp::Heard;
    use hal::Dtmf;

    use super::*;

    /// Frames of `5`, 60 ms from sample `begin` on and 40 ms of silence, as a card says them.
    fn five(begin: u32) -> Vec<LineAudio> {
        let wave = |n: u32, hertz: f64| (f64::from(n) / 8_000.0 * hertz * core::f64::consts::TAU).sin();
        let sample = |n: u32| if n < 480 { 3_000.0 * (wave(n, 770.0) + wave(n, 1_336.0)) } else { 0.0 };
        let octet = |n: u32| g711::encode_pcmu(sample(n) as i16);
        let frame = |block: u32| LineAudio {
            line: 1,
            codec: 0,
            first_sample: begin.wrapping_add(block * 80),
            octets: core::array::from_fn(|n| octet(block * 80 + n as u32)),
        };
        (0..10).map(frame).collect()
    }

    fn heard(frames: &[LineAudio]) -> (Vec<Dtmf>, u64) {
        let lost = Arc::new(AtomicU64::new(0));
        let mut ears = Ears::new(lost.clone());
        let mut digits = Vec::new();
        for frame in frames {
            ears.hear(frame, 9, |event| {
                let CardEvent::Heard { line, card_boot, heard } = event else { panic!("{event:?}") };
                assert_eq!((line, card_boot), (LineId(1), 9));
                if let Heard::Digit { digit, .. } = heard {
                    digits.push(digit);
                }
            });
        }
        (digits, lost.load(Ordering::Relaxed))
    }

    #[test]
    fn a_digit_is_heard_across_frames_and_across_the_wrap_of_the_counter() {
        let five_digit = Dtmf::try_from('5').unwrap();
        assert_eq!(heard(&five(4_000)), (vec![five_digit], 0));
        assert_eq!(heard(&five(u32::MAX - 200)), (vec![five_digit], 0));
    }

    #[test]
    fn what_stands_on_both_sides_of_a_gap_is_not_put_together() {
        let mut frames = five(4_000);
        frames.drain(2..4);
        let (digits, lost) = heard(&frames);
        assert_eq!((digits, lost), (vec![], 2));
    }

    #[test]
    fn the_pause_between_two_calls_is_no_gap() {
        let mut ears = Ears::default();
        for frame in five(4_000) {
            ears.hear(&frame, 9, |_| {});
        }
        ears.hook_changed(1);
        for frame in five(400_000) {
            ears.hear(&frame, 9, |_| {});
        }
        assert_eq!(ears.lost.load(Ordering::Relaxed), 0);
    }
}
