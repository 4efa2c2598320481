//! What is played to the ears: digits of spandsp's sender through copper, and speech.

use std::f64::consts::TAU;

use anyhow::Result;
use peers::copper::{BLOCK, Conditions, Copper, rms};
use peers::g711::Law;
use peers::spandsp::DigitSender;

use super::ears::through;

/// Samples, and the digits that are in them.
pub(super) struct Trial {
    pub(super) name: &'static str,
    pub(super) sent: String,
    pub(super) samples: Vec<i16>,
}

/// How sixteen digits are sent.
#[derive(Clone, Copy)]
struct Sending {
    on_ms: u16,
    off_ms: u16,
    low_dbm0: i8,
    high_above_low_db: i8,
    clock_fast_by: f32,
    /// Noise below both tones together, dB.
    noise_db: Option<f32>,
    /// Each of the two tones of dial tone above the digits' low group, dB.
    dial_tone_db: Option<f32>,
}

const DIGITS: &str = "1234567890*#ABCD";
const PLAIN: Sending = Sending {
    on_ms: 50,
    off_ms: 50,
    low_dbm0: -17,
    high_above_low_db: 0,
    clock_fast_by: 0.0,
    noise_db: None,
    dial_tone_db: None,
};
/// Speech of these voices; the text is one that does not change.
const VOICES: [&str; 6] = ["en", "en+f3", "en-us+m4", "de", "es+f2", "fr"];
const TEXT: &str = include_str!("../../../../../LICENSE-APACHE");

/// All trials of digits.
pub(super) fn all() -> Result<Vec<Trial>> {
    let tenths = |from: i16, to: i16| (from..=to).map(|tenths| f32::from(tenths) / 1_000.0);
    let accepted = tenths(-15, 15).map(|clock_fast_by| Sending { clock_fast_by, ..PLAIN });
    let refused = tenths(-60, -35).chain(tenths(35, 60));
    let refused = refused.map(|clock_fast_by| Sending { clock_fast_by, ..PLAIN });
    let twist = (-8..=4).map(|high_above_low_db| Sending { high_above_low_db, ..PLAIN });
    let range = (-38..=-3).map(|low_dbm0| Sending { low_dbm0, ..PLAIN });
    let long = (40..=49).map(|on_ms| Sending { on_ms, ..PLAIN });
    let short = (10..=23).map(|on_ms| Sending { on_ms, off_ms: 60, ..PLAIN });
    let noise = (0..60).map(|n| Sending { noise_db: Some(12.0 + (n % 15) as f32), ..PLAIN });
    let dial_tone = (-20..=10).map(|db| Sending { dial_tone_db: Some(f32::from(db as i8)), ..PLAIN });
    Ok(vec![
        trial("bandwidth: within 1.5 %", accepted, true)?,
        trial("bandwidth: 3.5 to 6 % off, to be refused", refused, false)?,
        trial("twist: +4 to -8 dB", twist, true)?,
        trial("range: -3 to -38 dBm0", range, true)?,
        trial("guard time: 40 to 49 ms", long, true)?,
        trial("guard time: 10 to 23 ms, to be refused", short, false)?,
        trial("noise: 12 to 26 dB below", noise, true)?,
        trial("dial tone: -20 to +10 dB", dial_tone, true)?,
    ])
}

/// Hours would be better; this is what a packaged voice makes of a page in some minutes.
pub(super) fn speech() -> Result<Trial> {
    let mut samples = Vec::new();
    for voice in VOICES {
        let wav = through("espeak-ng", &["-v", voice, "--stdin", "--stdout"], TEXT.into())?;
        let to_line =
            ["-t", "wav", "-", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-"];
        let octets = through("sox", &to_line, wav)?;
        samples.extend(octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])));
    }
    Ok(Trial { name: "talk-off: digits heard in speech", sent: String::new(), samples })
}

fn trial(name: &'static str, sendings: impl Iterator<Item = Sending>, wanted: bool) -> Result<Trial> {
    let (mut sent, mut samples) = (String::new(), Vec::new());
    for (seed, sending) in (1..).zip(sendings) {
        samples.extend(sending.send(seed)?);
        sent += if wanted { DIGITS } else { "" };
    }
    Ok(Trial { name, sent, samples })
}

impl Sending {
    fn send(self, seed: u64) -> Result<Vec<i16>> {
        let mut sender = DigitSender::new(self.on_ms, self.off_ms, self.low_dbm0, self.high_above_low_db)?;
        sender.put(DIGITS);
        let noise_dbm0 = self.noise_db.map(|below| f32::from(self.low_dbm0) + 3.0 - below);
        let law = if seed % 2 == 0 { Law::A } else { Law::Mu };
        let mut copper = Copper::new(Conditions { clock_fast_by: self.clock_fast_by, noise_dbm0, law, seed });
        let dial_tone = self.dial_tone_db.map_or(0.0, |db| rms(f32::from(self.low_dbm0) + db) * 2_f32.sqrt());
        let blocks = (usize::from(self.on_ms + self.off_ms) * DIGITS.len()).div_ceil(10) + 40;
        let mut samples = Vec::with_capacity(blocks * BLOCK);
        for turn in 0..blocks {
            samples.extend(copper.carry(&mut |block| {
                // A pause first: no digit begins with the recording.
                if turn >= 20 {
                    sender.say(block);
                }
                add_dial_tone(block, turn, f64::from(dial_tone));
            }));
        }
        Ok(samples)
    }
}

fn add_dial_tone(block: &mut [i16; BLOCK], turn: usize, amplitude: f64) {
    for (n, sample) in block.iter_mut().enumerate() {
        let seconds = (turn * BLOCK + n) as f64 / 8_000.0;
        let tone = (TAU * 350.0 * seconds).sin() + (TAU * 440.0 * seconds).sin();
        *sample = sample.saturating_add((amplitude * tone) as i16);
    }
}
