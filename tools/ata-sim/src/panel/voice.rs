//! What a panel says: the two tones of each key, sample by sample.

use linecard::BLOCK;

use super::settings::PanelSettings;

/// Keys being sounded.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    keys: Vec<[f64; 2]>,
    on: usize,
    off: usize,
    amplitudes: [f64; 2],
    at: usize,
}

impl Voice {
    /// Begins with the next sample that is said.
    pub(crate) fn new(keys: impl Iterator<Item = char>, settings: &PanelSettings) -> Self {
        let low = settings.level_dbm0;
        Self {
            keys: keys.map(tones).collect(),
            on: samples(settings.digit_ms),
            off: samples(settings.gap_ms),
            amplitudes: [amplitude(low), amplitude(low + settings.twist_db)],
            at: 0,
        }
    }

    /// The next 10 ms. Some: the last tone ended so many samples into them.
    pub(crate) fn say(&mut self, block: &mut [i16; BLOCK]) -> Option<usize> {
        let end = self.keys.len() * (self.on + self.off) - self.off;
        let ended = end.checked_sub(self.at).filter(|left| *left <= BLOCK);
        for sample in block.iter_mut() {
            *sample = self.sample();
            self.at += 1;
        }
        ended
    }

    fn sample(&self) -> i16 {
        let (key, within) = (self.at / (self.on + self.off), self.at % (self.on + self.off));
        let Some(frequencies) = self.keys.get(key).filter(|_| within < self.on) else { return 0 };
        let turns = within as f64 / f64::from(RATE) * std::f64::consts::TAU;
        let tone = |(frequency, amplitude): (&f64, f64)| (turns * frequency).sin() * amplitude;
        let both: f64 = frequencies.iter().zip(self.amplitudes).map(tone).sum();
        both.clamp(-f64::from(i16::MAX), f64::from(i16::MAX)) as i16
    }
}

/// ITU-T Q.23.
fn tones(key: char) -> [f64; 2] {
    let place = KEYS.find(key).expect("the settings and messages were checked");
    [[697.0, 770.0, 852.0, 941.0][place / 4], [1209.0, 1336.0, 1477.0, 1633.0][place % 4]]
}

/// A full-scale sine is +3.17 dBm0 (ITU-T G.711).
pub(crate) fn amplitude(dbm0: f64) -> f64 {
    f64::from(i16::MAX) * 10_f64.powf((dbm0 - 3.17) / 20.0)
}

pub(crate) fn samples(ms: u32) -> usize {
    (ms * (RATE / 1_000)) as usize
}

const RATE: u32 = 8_000;
const KEYS: &str = "123A456B789C*0#D";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sound_and_rest_for_their_times_to_the_sample() {
        let settings = PanelSettings { digit_ms: 51, gap_ms: 53, ..PanelSettings::default() };
        let mut voice = Voice::new("1*D".chars(), &settings);
        let mut said = Vec::new();
        let end = loop {
            let mut block = [0; BLOCK];
            let end = voice.say(&mut block);
            said.extend(block);
            if let Some(end) = end {
                break said.len() - BLOCK + end;
            }
        };
        assert_eq!(end, 8 * (3 * 51 + 2 * 53));
        let loud = |from_ms: usize, to_ms: usize| {
            said[8 * from_ms..8 * to_ms].chunks(8).all(|ms| ms.iter().any(|s| s.abs() > 1_000))
        };
        assert!(loud(0, 51) && loud(104, 155) && loud(208, 259));
        assert!(said[8 * 51..8 * 104].iter().chain(&said[8 * 155..8 * 208]).all(|s| *s == 0));
        assert!(said[end..].iter().all(|s| *s == 0));
    }
}
