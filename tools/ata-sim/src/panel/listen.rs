//! What tones mean to a panel: a handshake, a kiss-off. Times are samples of the panel's own clock.

use super::ear::{SLICE, Tone, tone};
use super::voice::samples;

/// Tone and silence as they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    tone: Option<Tone>,
    since: u64,
    lasts: u64,
}

/// Waits for 1400 Hz, silence, 2300 Hz.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandshakeEar {
    /// What came before the segment that lasts.
    before: [Option<Segment>; 2],
    current: Option<Segment>,
}

impl HandshakeEar {
    /// `at`: the clock at the first sample heard. Some: the handshake was complete at this sample.
    pub(crate) fn hear(&mut self, heard: &[i16], at: u64) -> Option<u64> {
        slices(heard, at).find_map(|(tone, at)| self.slice(tone, at))
    }

    fn slice(&mut self, tone: Option<Tone>, at: u64) -> Option<u64> {
        match &mut self.current {
            Some(segment) if segment.tone == tone => {
                segment.lasts += SLICE as u64;
                None
            }
            current => {
                let ended = current.replace(Segment { tone, since: at, lasts: SLICE as u64 });
                let heard = [self.before[0], self.before[1], ended];
                self.before = [self.before[1], ended];
                is_handshake(heard).then_some(at)
            }
        }
    }
}

fn is_handshake(heard: [Option<Segment>; 3]) -> bool {
    let wanted = [Some(Tone::Low), None, Some(Tone::High)];
    heard.iter().zip(wanted).all(|(segment, tone)| {
        let fits = |segment: &Segment| segment.tone == tone && HANDSHAKE_SEGMENT.contains(&segment.lasts);
        segment.as_ref().is_some_and(fits)
    })
}

/// Waits for a kiss-off after the last digit of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KissOffEar {
    sent_at: u64,
    mute_until: u64,
    must_begin_by: u64,
    tone: Option<Segment>,
}

/// What a panel makes of what followed its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A kiss-off, heard to its end.
    KissedOff {
        /// From the last digit to its begin, as far as the panel was not mute.
        after: u64,
        /// How long it was.
        lasted: u64,
        /// Its end on the panel's clock.
        ended_at: u64,
    },
    /// Nothing in time.
    Nothing,
}

impl KissOffEar {
    /// The last digit ended at `sent_at`.
    pub(crate) fn new(sent_at: u64, mute_ms: u32, begin_within_ms: u32) -> Self {
        let after = |ms: u32| sent_at + samples(ms) as u64;
        Self { sent_at, mute_until: after(mute_ms), must_begin_by: after(begin_within_ms), tone: None }
    }

    /// `at`: the clock at the first sample heard.
    pub(crate) fn hear(&mut self, heard: &[i16], at: u64) -> Option<Verdict> {
        slices(heard, at)
            .filter(|(_, at)| *at >= self.mute_until)
            .collect::<Vec<_>>()
            .into_iter()
            .find_map(|(tone, at)| self.slice(tone == Some(Tone::Low), at))
    }

    fn slice(&mut self, sounds: bool, at: u64) -> Option<Verdict> {
        match &mut self.tone {
            Some(tone) if sounds => {
                tone.lasts += SLICE as u64;
                (tone.lasts > LONGEST_KISS_OFF).then_some(Verdict::Nothing)
            }
            Some(Segment { since, lasts, .. }) if *lasts >= SHORTEST_KISS_OFF => {
                Some(Verdict::KissedOff { after: *since - self.sent_at, lasted: *lasts, ended_at: at })
            }
            Some(_) => {
                self.tone = None;
                self.too_late(at)
            }
            None if sounds && at < self.must_begin_by => {
                self.tone = Some(Segment { tone: Some(Tone::Low), since: at, lasts: SLICE as u64 });
                None
            }
            None => self.too_late(at),
        }
    }

    fn too_late(&self, at: u64) -> Option<Verdict> {
        (at >= self.must_begin_by).then_some(Verdict::Nothing)
    }
}

fn slices(heard: &[i16], at: u64) -> impl Iterator<Item = (Option<Tone>, u64)> {
    let starts = (0..).map(move |n: u64| at + n * SLICE as u64);
    heard.chunks_exact(SLICE).map(tone).zip(starts)
}

/// 70 to 130 ms (DC-05's receivers send 100 ms).
const HANDSHAKE_SEGMENT: std::ops::RangeInclusive<u64> = 70 * 8..=130 * 8;

/// A shorter tone is no kiss-off.
const SHORTEST_KISS_OFF: u64 = 400 * 8;

/// A longer tone is another machine's.
const LONGEST_KISS_OFF: u64 = 1_500 * 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::voice::amplitude;

    /// Frequencies with times in milliseconds, one after the other.
    fn sound(parts: &[(f64, usize)]) -> Vec<i16> {
        let wave = |f: f64, n: usize| {
            ((n as f64 / 8_000.0 * std::f64::consts::TAU * f).sin() * amplitude(-11.0)) as i16
        };
        parts.iter().flat_map(|(f, ms)| (0..ms * 8).map(move |n| wave(*f, n))).collect()
    }

    fn handshake(parts: &[(f64, usize)]) -> Option<u64> {
        let sound = sound(&[parts, &[(0.0, 300)]].concat());
        let mut ear = HandshakeEar::default();
        sound.chunks_exact(80).zip(0..).find_map(|(block, n)| ear.hear(block, n * 80))
    }

    #[test]
    fn a_handshake_is_heard_at_its_end() {
        for parts in [[100, 100, 100], [75, 125, 75], [125, 75, 125]] {
            let [low, gap, high] = parts;
            let ended = handshake(&[(0.0, 900), (1_400.0, low), (0.0, gap), (2_300.0, high)]);
            let end = (900 + low + gap + high) as u64 * 8;
            assert!(ended.is_some_and(|at| (end..=end + 80).contains(&at)), "{parts:?}: {ended:?}");
        }
    }

    #[test]
    fn what_is_no_handshake_is_none() {
        for parts in [
            &[(0.0, 50), (1_400.0, 100), (0.0, 100), (2_300.0, 50)][..],
            &[(0.0, 50), (1_400.0, 850)],
            &[(0.0, 50), (1_400.0, 100), (0.0, 200), (2_300.0, 100)],
            &[(0.0, 50), (2_300.0, 100), (0.0, 100), (1_400.0, 100)],
            &[(0.0, 50), (1_400.0, 100), (0.0, 100), (1_400.0, 100)],
        ] {
            assert_eq!(handshake(parts), None, "{parts:?}");
        }
    }

    #[test]
    fn a_second_handshake_is_heard_after_a_first_one_that_was_broken() {
        let broken = [(1_400.0, 100), (0.0, 100), (0.0, 2_000)];
        let whole = [(1_400.0, 100), (0.0, 100), (2_300.0, 100)];
        assert!(handshake(&[&broken[..], &whole[..]].concat()).is_some());
    }

    fn verdict(parts: &[(f64, usize)]) -> Option<Verdict> {
        let sound = sound(&[parts, &[(0.0, 3_000)]].concat());
        let mut ear = KissOffEar::new(0, 150, 1_250);
        sound.chunks_exact(80).zip(0..).find_map(|(block, n)| ear.hear(block, n * 80))
    }

    #[test]
    fn a_kiss_off_is_told_with_its_begin_and_length() {
        for (wait, lasts) in [(200, 850), (1_200, 850), (500, 450), (500, 1_450)] {
            let Some(Verdict::KissedOff { after, lasted, .. }) = verdict(&[(0.0, wait), (1_400.0, lasts)])
            else {
                panic!("{lasts} ms after {wait} ms is a kiss-off")
            };
            assert!(after.abs_diff(wait as u64 * 8) <= 40, "{after} for {wait} ms");
            assert!(lasted.abs_diff(lasts as u64 * 8) <= 80, "{lasted} for {lasts} ms");
        }
    }

    #[test]
    fn what_came_while_mute_is_not_heard() {
        let Some(Verdict::KissedOff { after, lasted, .. }) = verdict(&[(0.0, 50), (1_400.0, 850)]) else {
            panic!("750 ms were heard")
        };
        assert_eq!((after, lasted), (150 * 8, 750 * 8));
        assert_eq!(verdict(&[(1_400.0, 500)]), Some(Verdict::Nothing));
    }

    #[test]
    fn what_is_too_short_too_long_too_late_or_another_tone_is_nothing() {
        for parts in [
            &[(0.0, 300), (1_400.0, 300)][..],
            &[(0.0, 300), (1_400.0, 1_700)],
            &[(0.0, 1_300), (1_400.0, 850)],
            &[(0.0, 300), (2_300.0, 850)],
            &[],
        ] {
            assert_eq!(verdict(parts), Some(Verdict::Nothing), "{parts:?}");
        }
    }

    #[test]
    fn a_kiss_off_after_a_click_is_heard() {
        let clicked = verdict(&[(0.0, 200), (1_400.0, 60), (0.0, 100), (1_400.0, 850)]);
        assert!(matches!(clicked, Some(Verdict::KissedOff { .. })), "{clicked:?}");
    }
}
