//! The ear against generated digits. Its comparison with independent decoders is a benchmark.

use std::f64::consts::TAU;

use dsp::{Heard, LineEar};
use hal::{Dtmf, Sample};
use proptest::prelude::*;

/// How digits are sent.
#[derive(Clone, Copy)]
struct Sender {
    on_ms: f64,
    off_ms: f64,
    /// Level of the low group, dBm0.
    level: f64,
    /// High group below the low group, dB.
    twist: f64,
    /// Both tones off by this fraction.
    offset: f64,
    /// Noise below both tones together, dB.
    noise: f64,
    seed: u64,
}

const PLAIN: Sender =
    Sender { on_ms: 50.0, off_ms: 50.0, level: -10.0, twist: 0.0, offset: 0.0, noise: 60.0, seed: 1 };

const ALL: &str = "1234567890*#ABCD";

impl Sender {
    fn send(self, digits: &str) -> Vec<i16> {
        let mut noise = Noise(self.seed);
        let mut out = Vec::new();
        let mut clock = 0.0;
        let amplitude = |dbm0: f64| 32_768.0 * 10_f64.powf((dbm0 - 3.17) / 20.0);
        let (low, high) = (amplitude(self.level), amplitude(self.level - self.twist));
        let hiss = ((low * low + high * high) / 2.0).sqrt() * 10_f64.powf(-self.noise / 20.0);
        let mut put = |ms: f64, tones: Option<(u16, u16)>| {
            clock += ms * 8.0;
            while (out.len() as f64) < clock {
                let t = out.len() as f64 / 8_000.0;
                let tone = |hz: u16| (TAU * f64::from(hz) * (1.0 + self.offset) * t).sin();
                let signal = tones.map_or(0.0, |(l, h)| low * tone(l) + high * tone(h));
                let heard = signal + hiss * noise.gauss();
                out.push(heard.round().clamp(-32_768.0, 32_767.0) as i16);
            }
        };
        put(100.0, None);
        for key in digits.chars() {
            put(self.on_ms, Some(Dtmf::try_from(key).expect("a key").frequencies()));
            put(self.off_ms, None);
        }
        put(100.0, None);
        out
    }

    fn heard(self, digits: &str) -> Vec<(Dtmf, Sample, Sample)> {
        listen(&self.send(digits))
    }

    fn text(self, digits: &str) -> String {
        self.heard(digits).into_iter().map(|(digit, ..)| digit.as_char()).collect()
    }
}

struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn gauss(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn listen(samples: &[i16]) -> Vec<(Dtmf, Sample, Sample)> {
    let mut ear = LineEar::default();
    let mut heard = Vec::new();
    for (frame, chunk) in samples.chunks(80).enumerate() {
        ear.feed(chunk, Sample(frame as u32 * 80), |event| {
            if let Heard::Digit { digit, begin, end } = event {
                heard.push((digit, begin, end));
            }
        });
    }
    heard
}

#[test]
fn all_sixteen_are_heard_at_every_level_twist_and_speed_a_panel_may_use() {
    for level in [-3.0_f64, -10.0, -20.0, -30.0] {
        for twist in [-4.0_f64, 0.0, 4.0, 8.0] {
            for offset in [-0.015, 0.0, 0.015] {
                for (on_ms, off_ms) in
                    [(50.0, 50.0), (60.0, 60.0), (50.0, 60.0), (100.0, 100.0), (40.0, 50.0)]
                {
                    let sender = Sender {
                        on_ms,
                        off_ms,
                        level: level.min(-3.0 - f64::max(0.0, -twist)),
                        twist,
                        offset,
                        ..PLAIN
                    };
                    assert_eq!(
                        sender.text(ALL),
                        ALL,
                        "{level} dBm0, twist {twist}, {offset}, {on_ms}/{off_ms}"
                    );
                }
            }
        }
    }
}

#[test]
fn begin_and_end_are_told_within_three_milliseconds() {
    for (n, (_, begin, end)) in PLAIN.heard(ALL).into_iter().enumerate() {
        let begun = 800 + n as i64 * 800;
        assert!((i64::from(begin.0) - begun).abs() <= 24, "digit {n} began at {begun}, heard {begin}");
        assert!(
            (i64::from(end.0) - begun - 400).abs() <= 24,
            "digit {n} ended at {}, heard {end}",
            begun + 400
        );
    }
}

#[test]
fn a_tone_too_short_is_no_digit_and_one_of_forty_milliseconds_is() {
    for (on_ms, expected) in [(10.0, ""), (20.0, ""), (23.0, ""), (40.0, ALL), (45.0, ALL)] {
        for seed in 1..20 {
            let sender = Sender { on_ms, off_ms: 60.0, noise: 30.0, seed, ..PLAIN };
            assert_eq!(sender.text(ALL), expected, "{on_ms} ms");
        }
    }
}

#[test]
fn tones_off_their_frequency_are_no_digits() {
    for offset in [-0.035, 0.035, -0.05, 0.05] {
        assert_eq!(Sender { offset, ..PLAIN }.text(ALL), "", "{offset}");
    }
}

#[test]
fn an_interruption_of_ten_milliseconds_does_not_split_a_digit() {
    let whole = Sender { on_ms: 80.0, off_ms: 80.0, ..PLAIN };
    let mut samples = whole.send("5");
    samples[800 + 240..800 + 320].fill(0);
    let heard: String = listen(&samples).into_iter().map(|(digit, ..)| digit.as_char()).collect();
    assert_eq!(heard, "5");
}

#[test]
fn digits_are_heard_through_the_echo_of_the_boxs_own_dial_tone() {
    let sender = Sender { level: -10.0, on_ms: 60.0, off_ms: 60.0, ..PLAIN };
    let mut samples = sender.send(ALL);
    for (n, sample) in samples.iter_mut().enumerate() {
        let t = n as f64 / 8_000.0;
        let echo = 2_500.0 * ((TAU * 350.0 * t).sin() + (TAU * 440.0 * t).sin());
        *sample = sample.saturating_add(echo as i16);
    }
    let heard: String = listen(&samples).into_iter().map(|(digit, ..)| digit.as_char()).collect();
    assert_eq!(heard, ALL);
}

#[test]
fn ten_thousand_digits_in_noise_are_all_heard_and_none_is_invented() {
    let mut wrong = 0;
    for seed in 1..=625 {
        let sender = Sender { noise: 15.0, seed: seed * 7_919, on_ms: 50.0, off_ms: 50.0, ..PLAIN };
        wrong += u32::from(sender.text(ALL) != ALL);
    }
    assert_eq!(wrong, 0, "of 625 runs of sixteen digits");
}

#[test]
fn noise_and_the_boxs_own_tones_are_no_digits() {
    let mut noise = Noise(99);
    let hiss: Vec<i16> =
        (0..800_000).map(|_| (noise.gauss() * 3_000.0).clamp(-32_768.0, 32_767.0) as i16).collect();
    assert_eq!(listen(&hiss), []);
    for tones in [[1400.0, 0.0], [2300.0, 0.0], [480.0, 620.0], [350.0, 440.0], [440.0, 480.0]] {
        let tone: Vec<i16> = (0..80_000)
            .map(|n| {
                (tones.iter().map(|hz| (TAU * hz * f64::from(n) / 8_000.0).sin()).sum::<f64>() * 8_000.0)
                    as i16
            })
            .collect();
        assert_eq!(listen(&tone), [], "{tones:?}");
    }
}

proptest! {
    #[test]
    fn any_samples_are_survived(samples in proptest::collection::vec(any::<i16>(), 0..2_000)) {
        listen(&samples);
    }
}
