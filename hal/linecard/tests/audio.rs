//! Eight lines that talk at once over 921600 baud.

mod common;

use ata_wire::g711;
use ata_wire::{Audio, Message, encode};
use common::Bench;
use linecard::BLOCK;

const LINES: u8 = 8;

fn all_in_call(errors_ppm: u64) -> Bench {
    let mut bench = Bench::new(LINES);
    bench.run(10);
    for line in 0..LINES {
        bench.card.hook(line, true, bench.sample());
    }
    bench.errors_ppm = errors_ppm;
    bench
}

/// Frames that are missing between the first and the last of each line.
fn missing(bench: &Bench) -> usize {
    let of_line = |line: u8| {
        let firsts: Vec<u32> =
            bench.audio.iter().filter(|frame| frame.line == line).map(|frame| frame.first_sample).collect();
        let (Some(from), Some(to)) = (firsts.first(), firsts.last()) else { return usize::MAX };
        assert!(firsts.is_sorted(), "line {line}");
        (to - from) as usize / BLOCK + 1 - firsts.len()
    };
    (0..LINES).map(of_line).sum()
}

#[test]
fn a_minute_of_eight_lines_has_no_gap_and_says_what_was_said() {
    let mut bench = all_in_call(0);
    bench.run(60_000);
    assert_eq!(missing(&bench), 0);
    // A block that ends with the last millisecond is still on the wire.
    let frames = usize::from(LINES) * 6_000;
    assert!((frames - 16..=frames).contains(&bench.audio.len()), "{}", bench.audio.len());
    for frame in &bench.audio {
        let said = 1_000 * (i16::from(frame.line) + 1);
        assert_eq!((frame.codec, frame.octets), (0, [g711::encode_pcmu(said); BLOCK]));
    }
}

#[test]
fn a_hook_change_waits_for_no_more_than_a_frame() {
    let mut bench = all_in_call(0);
    bench.run(1_000);
    for change in 0..500_u64 {
        // At every place of the burst that eight lines make.
        bench.run(17);
        let before = bench.hooks().len();
        let (line, since_ms) = ((change % 8) as u8, bench.now_ms);
        let off_hook = bench.card.line(line).is_some_and(|state| state.off_hook);
        bench.card.hook(line, !off_hook, bench.sample());
        while bench.hooks().len() == before {
            bench.run(1);
            // What the wire holds already, one frame, the event itself.
            assert!(bench.now_ms - since_ms <= 4, "change {change} under way for too long");
        }
    }
}

#[test]
fn each_damaged_octet_costs_at_most_two_frames_and_no_event() {
    let mut bench = all_in_call(10);
    let mut changes = usize::from(LINES);
    for second in 0..120_u32 {
        bench.run(500);
        let line = (second % 8) as u8;
        for off_hook in [false, true] {
            bench.card.hook(line, off_hook, bench.sample());
            changes += 1;
        }
    }
    (bench.errors_ppm, bench.keeps) = (0, true);
    bench.run(2_000);
    assert!(bench.hits > 20, "{} octets were damaged: too few to show anything", bench.hits);
    assert_eq!((bench.hooks().len(), bench.links()), (changes, 1));
    assert!(missing(&bench) <= 2 * bench.hits, "{} frames for {} hits", missing(&bench), bench.hits);
}

#[test]
fn what_the_host_says_is_heard_in_order_and_a_tone_goes_before_it() {
    let mut bench = all_in_call(0);
    bench.run(20);
    let from = bench.heard[0].len();
    let mut out = [0; ata_wire::limits::MAX_WIRE];
    for (count, level) in (1_u16..).zip([4_000_i16, 8_000, 16_000]) {
        let octets = [g711::encode_pcmu(level); BLOCK];
        let frame = Audio { line: 0, codec: 0, sample_low: count * 80, octets };
        let len = encode(&Message::Audio(frame), &mut out);
        out[..len].iter().for_each(|octet| bench.card.receive(*octet));
    }
    bench.run(60);
    let heard: Vec<i16> = bench.heard[0][from..].iter().map(|(_, sample)| *sample).collect();
    let levels: Vec<i16> =
        heard.chunks(BLOCK).map(|block| (f32::from(block[40]) / 4_000.0).round() as i16).collect();
    assert_eq!(levels, [1, 2, 4, 0, 0, 0]);
    assert!(bench.heard[1].iter().all(|(_, sample)| *sample == 0));
}
