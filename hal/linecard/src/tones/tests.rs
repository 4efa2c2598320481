//! Plays against a clock of blocks.

extern crate std;

use heapless::Vec as Steps;
use std::vec::Vec;

use super::*;

const HOST: u32 = 5;
const QUIET: [i16; BLOCK] = [0; BLOCK];

fn step(hertz: u16, samples: u32) -> Step {
    Step { frequencies: [hertz, 0], level_dbm0: -11, samples }
}

fn play(steps: &[Step], window: Option<Window>) -> Play {
    let steps = Steps::from_slice(steps).unwrap();
    Play { play: 7, endless: false, stop_on_digit: false, window, steps }
}

/// Plays `blocks` blocks from sample `first` on; gives all samples and every end.
fn run(tones: &mut Tones, first: u32, blocks: u32) -> (Vec<i16>, Vec<Ended>) {
    let (mut samples, mut ends) = (Vec::new(), Vec::new());
    for block in 0..blocks {
        let mut out = QUIET;
        ends.extend(tones.block(first.wrapping_add(block * 80), &QUIET, &mut out));
        samples.extend(out);
    }
    (samples, ends)
}

fn ended(end: TonesEnd, begun: u32, sample: u32) -> Ended {
    Ended { host_boot: HOST, play: 7, end, begun, sample }
}

/// The first and the last sample that is not silent.
fn sounding(samples: &[i16]) -> Option<(usize, usize)> {
    let loud = |sample: &i16| *sample != 0;
    Some((samples.iter().position(loud)?, samples.iter().rposition(loud)?))
}

#[test]
fn a_play_begins_with_the_next_block_and_ends_to_the_sample() {
    let mut tones = Tones::default();
    assert_eq!(tones.start(HOST, play(&[step(1_400, 6_801)], None), 3), None);
    let (samples, ends) = run(&mut tones, 160, 100);
    assert_eq!(ends, [ended(TonesEnd::Completed, 160, 160 + 6_801)]);
    // A wave begins at its zero crossing.
    assert_eq!(sounding(&samples), Some((1, 6_800)));
    assert!(tones.is_silent());
}

#[test]
fn a_window_is_kept_to_the_sample_wherever_it_lies_in_a_block() {
    for offset in [0, 1, 41, 79, 80, 1_234] {
        let first = u32::MAX - 500;
        let earliest = first.wrapping_add(offset);
        let window = Window { earliest, latest: earliest.wrapping_add(7_200) };
        let mut tones = Tones::default();
        tones.start(HOST, play(&[step(1_400, 6_800)], Some(window)), first);
        let (samples, ends) = run(&mut tones, first, 120);
        assert_eq!(ends, [ended(TonesEnd::Completed, earliest, earliest.wrapping_add(6_800))]);
        assert_eq!(sounding(&samples).map(|(from, _)| from), Some(offset as usize + 1));
    }
}

#[test]
fn a_play_that_comes_late_but_inside_its_window_begins_at_once() {
    let mut tones = Tones::default();
    tones.start(HOST, play(&[step(1_400, 80)], Some(Window { earliest: 100, latest: 8_000 })), 7_900);
    assert_eq!(run(&mut tones, 8_000, 2).1, [ended(TonesEnd::Completed, 8_000, 8_080)]);
}

#[test]
fn past_its_window_nothing_is_played() {
    let mut tones = Tones::default();
    tones.start(HOST, play(&[step(1_400, 80)], Some(Window { earliest: 100, latest: 7_999 })), 7_900);
    let (samples, ends) = run(&mut tones, 8_000, 2);
    assert_eq!(ends, [ended(TonesEnd::TooLate, 8_000, 8_000)]);
    assert_eq!(sounding(&samples), None);
}

#[test]
fn a_handshake_has_its_tone_its_silence_and_its_tone() {
    let mut tones = Tones::default();
    tones.start(HOST, play(&[step(1_400, 800), step(0, 800), step(2_300, 800)], None), 0);
    let (samples, ends) = run(&mut tones, 0, 40);
    assert_eq!(ends, [ended(TonesEnd::Completed, 0, 2_400)]);
    assert_eq!(sounding(&samples[..800]), Some((1, 799)));
    assert_eq!(sounding(&samples[800..1_600]), None);
    assert_eq!(sounding(&samples[1_600..]).map(|(from, to)| (from, to < 800)), Some((1, true)));
}

#[test]
fn an_endless_tone_runs_without_a_step_in_it_until_it_is_stopped() {
    let mut tones = Tones::default();
    let dial_tone = Step { frequencies: [350, 440], level_dbm0: -16, samples: 777 };
    tones.start(HOST, Play { endless: true, ..play(&[dial_tone], None) }, 0);
    let (samples, ends) = run(&mut tones, 0, 500);
    assert_eq!(ends, []);
    // Two tones of -16 dBm0: a peak of 3618 each, so no two samples are farther apart than this.
    let steepest = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
    assert!(steepest < Some(2_300), "{steepest:?}");
    assert_eq!(tones.stop(40_000), Some(ended(TonesEnd::Stopped, 0, 40_000)));
    assert_eq!((tones.stop(40_000), tones.is_silent()), (None, true));
}

#[test]
fn the_next_play_replaces_one_that_sounds_and_one_that_waits() {
    let mut tones = Tones::default();
    tones.start(HOST, play(&[step(1_400, 8_000)], None), 0);
    run(&mut tones, 0, 1);
    let later = Window { earliest: 9_000, latest: 9_999 };
    assert_eq!(
        tones.start(HOST, play(&[step(1_400, 80)], Some(later)), 85),
        Some(ended(TonesEnd::Stopped, 0, 80))
    );
    assert_eq!(tones.start(HOST, play(&[step(1_400, 80)], None), 90), Some(ended(TonesEnd::Stopped, 90, 90)));
}

#[test]
fn a_digit_stops_what_it_may_stop_and_nothing_else() {
    let mut sources = [Oscillator::default(); 2];
    sources[0].set(770, -20);
    sources[1].set(1_336, -20);
    let mut five = || core::array::from_fn(|_| sources.iter_mut().map(Oscillator::next).sum::<i32>() as i16);
    for (stop_on_digit, expected) in [(true, Some(ended(TonesEnd::Stopped, 0, 80))), (false, None)] {
        let mut tones = Tones::default();
        tones.start(HOST, Play { endless: true, stop_on_digit, ..play(&[step(350, 8_000)], None) }, 0);
        let mut end = None;
        let mut out = QUIET;
        for block in 0..2 {
            out = QUIET;
            end = end.or(tones.block(block * 80, &five(), &mut out));
        }
        assert_eq!(end, expected);
        assert_eq!(sounding(&out).is_none(), stop_on_digit);
    }
}
