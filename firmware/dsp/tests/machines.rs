//! Call tones of fax machines and modems, and what must never pass for one.

use std::f64::consts::TAU;

use dsp::tones::Sequence;
use dsp::{CallTone, Heard, LineEar};
use hal::{Dtmf, Sample};

const RATE: f64 = 8_000.0;
/// The begin of a tone in these tests.
const BEGIN: u32 = 4_130;

/// Two frequencies, and for how many seconds.
type Pair = (u16, u16, f64);

/// Noise of xorshift, sum of twelve uniform numbers.
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

fn amplitude(dbm0: f64) -> f64 {
    32_768.0 * 10_f64.powf((dbm0 - 3.17) / 20.0)
}

/// Silence, a tone of so many milliseconds, silence; noise so many dB below the tone all the time.
fn sent(wave: impl Fn(f64) -> f64, ms: u32, dbm0: f64, snr: f64) -> Vec<i16> {
    let mut noise = Noise(7);
    let hiss = amplitude(dbm0) / 2_f64.sqrt() * 10_f64.powf(-snr / 20.0);
    let end = BEGIN + ms * 8;
    let sample = |n: u32| {
        let tone = if (BEGIN..end).contains(&n) { wave(f64::from(n - BEGIN) / RATE) } else { 0.0 };
        (amplitude(dbm0) * tone + hiss * noise.gauss()).round().clamp(-32_768.0, 32_767.0) as i16
    };
    (0..end + 4_000).map(sample).collect()
}

fn sine(hertz: f64) -> impl Fn(f64) -> f64 {
    move |t| (TAU * hertz * t).sin()
}

/// ANSam: 15 Hz modulation by a fifth, the phase reversed every 450 ms (V.8).
fn ansam(t: f64) -> f64 {
    let sign = if (t / 0.45) as u32 % 2 == 0 { 1.0 } else { -1.0 };
    sign * (1.0 + 0.2 * (TAU * 15.0 * t).sin()) / 1.2 * (TAU * 2_100.0 * t).sin()
}

fn heard(samples: &[i16]) -> Vec<(CallTone, u32)> {
    let mut ear = LineEar::default();
    let mut heard = Vec::new();
    for (frame, chunk) in (0_u32..).zip(samples.chunks(80)) {
        ear.feed(chunk, Sample(frame * 80), |event| match event {
            Heard::Tone { tone, begin } => heard.push((tone, begin.0)),
            Heard::Begun { .. } | Heard::Digit { .. } => {}
        });
    }
    heard
}

fn kinds(samples: &[i16]) -> Vec<CallTone> {
    heard(samples).into_iter().map(|(tone, _)| tone).collect()
}

#[test]
fn both_tones_are_heard_once_at_every_level_and_on_the_edges_of_their_frequencies() {
    let tones = [(CallTone::Calling, 1_100.0, 38.0, 500), (CallTone::Answer, 2_100.0, 15.0, 2_600)];
    for (tone, hertz, edge, ms) in tones {
        for level in [-3.0, -10.0, -20.0, -30.0] {
            for offset in [-edge, 0.0, edge] {
                for snr in [60.0, 15.0] {
                    let told = kinds(&sent(sine(hertz + offset), ms, level, snr));
                    assert_eq!(told, [tone], "{hertz} {offset:+} Hz, {level} dBm0, S/N {snr} dB");
                }
            }
        }
    }
}

#[test]
fn tones_far_off_their_frequencies_are_none() {
    for hertz in [1_000.0, 1_200.0, 2_040.0, 2_160.0, 2_225.0, 1_180.0, 980.0, 1_400.0, 2_300.0, 550.0] {
        for level in [-3.0, -10.0, -30.0] {
            assert_eq!(kinds(&sent(sine(hertz), 3_000, level, 40.0)), [], "{hertz} Hz, {level} dBm0");
        }
    }
}

#[test]
fn the_answer_tone_of_a_modem_is_heard_once_through_its_modulation_and_phase_reversals() {
    for level in [-3.0, -10.0, -30.0] {
        for snr in [60.0, 20.0, 15.0] {
            let told = kinds(&sent(ansam, 4_000, level, snr));
            assert_eq!(told, [CallTone::Answer], "{level} dBm0, S/N {snr} dB");
        }
    }
}

#[test]
fn a_calling_fax_is_told_of_for_each_of_its_tones_with_their_begin() {
    let cycle = |t: f64| if t % 3.5 < 0.5 { sine(1_100.0)(t) } else { 0.0 };
    let told = heard(&sent(cycle, 10_500, -13.0, 40.0));
    assert_eq!(told.len(), 3, "{told:?}");
    for (n, (tone, begin)) in (0_u32..).zip(told) {
        assert_eq!(tone, CallTone::Calling);
        let expected = BEGIN + n * 28_000;
        assert!(begin.abs_diff(expected) <= 400, "tone {n} began at {expected}, told {begin}");
    }
}

#[test]
fn the_shortest_calling_tone_is_heard_and_a_shorter_one_not_wherever_it_begins() {
    for (hertz, tone) in [(1_100.0, CallTone::Calling), (2_100.0, CallTone::Answer)] {
        for (ms, expected) in [(100, &[][..]), (200, &[]), (300, &[]), (425, &[tone]), (575, &[tone])] {
            for snr in [60.0, 15.0] {
                let samples = sent(sine(hertz), ms, -10.0, snr);
                for shift in (0..400).step_by(23) {
                    let told = kinds(&samples[shift..]);
                    assert_eq!(told, expected, "{hertz} Hz for {ms} ms, {shift} samples on, S/N {snr} dB");
                }
            }
        }
    }
}

#[test]
fn ten_thousand_random_digits_are_no_machine() {
    let mut random = Noise(41);
    let mut samples: Vec<i16> = Vec::new();
    for _ in 0..10_000 {
        let digit = Dtmf::at((random.uniform() * 4.0) as usize, (random.uniform() * 4.0) as usize);
        let (low, high) = digit.expect("a key").frequencies();
        let loud = amplitude(-3.0 - 27.0 * random.uniform());
        let on = 320 + (random.uniform() * 640.0) as usize;
        let wave = |n: usize| {
            let t = n as f64 / RATE;
            let tones = (TAU * f64::from(low) * t).sin() + (TAU * f64::from(high) * t).sin();
            if n < on { loud / 2.0 * tones } else { 0.0 }
        };
        samples.extend((0..on + 320).map(|n| wave(n) as i16));
    }
    assert_eq!(heard(&samples), []);
}

#[test]
fn keys_held_down_the_boxs_own_tones_and_noise_are_no_machine() {
    let mut cases: Vec<(String, Vec<Pair>)> = Vec::new();
    for key in "1234567890*#ABCD".chars() {
        let (low, high) = Dtmf::try_from(key).expect("a key").frequencies();
        cases.push((key.to_string(), vec![(low, high, 3.0)]));
    }
    for sequence in Sequence::ALL {
        let step =
            |tone: &dsp::tones::Tone| (tone.frequencies[0], tone.frequencies[1], tone.lasts.as_secs_f64());
        let once: Vec<_> = sequence.steps().tones.iter().map(step).collect();
        cases.push((format!("{sequence:?}"), once.repeat(4)));
    }
    for (name, steps) in cases {
        let tone = |hz: u16, n: u32| (TAU * f64::from(hz) * f64::from(n) / RATE).sin();
        let step = |(a, b, seconds): &(u16, u16, f64)| {
            let (a, b) = (*a, *b);
            (0..(seconds * RATE) as u32).map(move |n| (6_000.0 * (tone(a, n) + tone(b, n))) as i16)
        };
        let samples: Vec<i16> = steps.iter().flat_map(step).collect();
        assert_eq!(heard(&samples), [], "{name}");
    }
    let mut noise = Noise(99);
    let hiss: Vec<i16> =
        (0..1_600_000).map(|_| (noise.gauss() * 3_000.0).clamp(-32_768.0, 32_767.0) as i16).collect();
    assert_eq!(heard(&hiss), []);
}
