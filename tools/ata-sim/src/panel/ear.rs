//! What a panel hears: which of the receiver's tones sounds, 5 ms by 5 ms, and whether there is dial tone.

/// The tones by which a receiver speaks to a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// 1400 Hz.
    Low,
    /// 2300 Hz.
    High,
}

/// Samples judged at a time: 5 ms. Wide enough in frequency for the 5 % that DC-05 demands.
pub(crate) const SLICE: usize = 40;

/// Which tone sounds in a slice.
pub(crate) fn tone(slice: &[i16]) -> Option<Tone> {
    let loudest = [(Tone::Low, 1_400.0), (Tone::High, 2_300.0)];
    let heard = loudest.into_iter().map(|(tone, frequency)| (tone, share(slice, frequency)));
    let (tone, share) = heard.max_by(|a, b| a.1.total_cmp(&b.1))?;
    (is_loud(slice) && share >= TONE_SHARE).then_some(tone)
}

/// Listens for dial tone, 350 and 440 Hz, and little else.
#[derive(Clone, Debug, Default)]
pub(crate) struct DialToneEar {
    samples: Vec<i16>,
    windows: usize,
}

impl DialToneEar {
    /// Dial tone has sounded for [`DIAL_TONE_WINDOWS`] windows on end.
    pub(crate) fn hear(&mut self, heard: &[i16]) -> bool {
        self.samples.extend(heard);
        while self.samples.len() >= DIAL_TONE_WINDOW {
            let window: Vec<i16> = self.samples.drain(..DIAL_TONE_WINDOW).collect();
            let [low, high] = [share(&window, 350.0), share(&window, 440.0)];
            let sounds = is_loud(&window) && low.min(high) >= 0.2 && low + high >= 0.7;
            self.windows = if sounds { self.windows + 1 } else { 0 };
        }
        self.windows >= DIAL_TONE_WINDOWS
    }
}

/// The share of the energy that lies at a frequency: 1 for a pure tone, by Goertzel's recurrence.
fn share(samples: &[i16], frequency: f64) -> f64 {
    let turn = 2.0 * (std::f64::consts::TAU * frequency / 8_000.0).cos();
    let (mut one, mut two, mut energy) = (0.0, 0.0, 0.0);
    for sample in samples {
        let sample = f64::from(*sample);
        (one, two) = (sample + turn * one - two, one);
        energy += sample * sample;
    }
    let power = one * one + two * two - turn * one * two;
    if energy > 0.0 { 2.0 * power / (energy * samples.len() as f64) } else { 0.0 }
}

fn is_loud(samples: &[i16]) -> bool {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let faintest = super::voice::amplitude(FAINTEST_DBM0);
    energy / samples.len() as f64 >= faintest * faintest / 2.0
}

/// What the weakest receiver at the end of a long line sounds like.
const FAINTEST_DBM0: f64 = -42.0;

/// A tone that is 5 % off still has more than this in its bin; speech and DTMF have less.
const TONE_SHARE: f64 = 0.25;

/// 100 ms: 350 and 440 Hz are told apart.
const DIAL_TONE_WINDOW: usize = 800;

/// A panel believes dial tone after half a second.
const DIAL_TONE_WINDOWS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::voice::amplitude;

    fn sound(frequencies: &[f64], dbm0: f64, samples: usize) -> Vec<i16> {
        let wave = |n: usize| {
            let turns = n as f64 / 8_000.0 * std::f64::consts::TAU;
            frequencies.iter().map(|f| (turns * f).sin() * amplitude(dbm0)).sum::<f64>() as i16
        };
        (0..samples).map(wave).collect()
    }

    #[test]
    fn the_tones_are_heard_at_every_level_and_five_per_cent_off() {
        for dbm0 in [-3.0, -20.0, -41.0] {
            for off in [0.95, 1.0, 1.05] {
                for (hertz, heard) in [(1_400.0, Tone::Low), (2_300.0, Tone::High)] {
                    let sound = sound(&[hertz * off], dbm0, 400);
                    let all = sound.chunks(SLICE).all(|slice| tone(slice) == Some(heard));
                    assert!(all, "{hertz} x {off} at {dbm0}");
                }
            }
        }
    }

    #[test]
    fn other_sounds_are_no_tone() {
        let sounds = [
            sound(&[], 0.0, 400),
            sound(&[1_400.0], -46.0, 400),
            sound(&[350.0, 440.0], -16.0, 400),
            sound(&[1_850.0], -16.0, 400),
            sound(&[1_100.0], -16.0, 400),
        ];
        for (n, sound) in sounds.iter().enumerate() {
            assert!(sound.chunks(SLICE).all(|slice| tone(slice).is_none()), "sound {n}");
        }
    }

    #[test]
    fn dial_tone_is_believed_after_half_a_second_and_nothing_else_is() {
        let believed = |sound: &[i16]| {
            let mut ear = DialToneEar::default();
            sound.chunks(80).position(|block| ear.hear(block))
        };
        assert_eq!(believed(&sound(&[350.0, 440.0], -16.0, 16_000)), Some(49));
        for other in [&[480.0, 620.0][..], &[440.0], &[350.0], &[440.0, 480.0], &[697.0, 1_209.0], &[]] {
            assert_eq!(believed(&sound(other, -16.0, 16_000)), None, "{other:?}");
        }
    }
}
