//! What a host asks of lines, over a wire that damages and goes away.

mod common;

use ata_wire::{
    ControlKind, EventKind, Feed, HostEvent, LineTest, Play, Seq, Step, TestOutcome, TonesEnd, Window,
};
use common::Bench;

const LINE: u8 = 1;

fn linked() -> Bench {
    let mut bench = Bench::new(2);
    bench.run(10);
    assert!(bench.host.is_linked());
    bench
}

/// Linked, with the telephone of [`LINE`] lifted.
fn in_call() -> Bench {
    let mut bench = linked();
    bench.card.hook(LINE, true, bench.sample());
    bench.run(10);
    bench
}

fn ask(bench: &mut Bench, line: u8, kind: ControlKind) -> Seq {
    bench.host.control(line, kind, bench.now_ms).expect("linked, and the window has room")
}

fn play(play: u16, samples: u32, window: Option<Window>) -> ControlKind {
    let step = Step { frequencies: [1_400, 0], level_dbm0: -11, samples };
    let steps = core::iter::once(step).collect();
    ControlKind::Play(Play { play, endless: false, stop_on_digit: false, window, steps })
}

fn feed(feed: Feed, withdraw_when_dead: bool) -> ControlKind {
    ControlKind::Feed { feed, withdraw_when_dead }
}

/// Every end of a play that the host was told: its name, how, its first sample and the one after its last.
fn ends(bench: &Bench) -> Vec<(u16, TonesEnd, u32, u32)> {
    kinds(bench)
        .into_iter()
        .filter_map(|(kind, sample)| match kind {
            EventKind::TonesEnded { play, end, begun, .. } => Some((play, end, begun, sample)),
            EventKind::HookChange { .. }
            | EventKind::RingTrip
            | EventKind::LineFault { .. }
            | EventKind::TestResult { .. }
            | EventKind::Other(_) => None,
        })
        .collect()
}

fn kinds(bench: &Bench) -> Vec<(EventKind, u32)> {
    let event = |told: &HostEvent| match told {
        HostEvent::Line { event, .. } => Some((event.kind, event.sample)),
        HostEvent::Linked(..) | HostEvent::Lost(_) => None,
    };
    bench.told.iter().filter_map(event).collect()
}

/// The card's numbers of the first and the last sample that the telephone heard.
fn heard(bench: &Bench, line: u8) -> Option<(u32, u32)> {
    let loud = |(_, sample): &&(u32, i16)| *sample != 0;
    let all = &bench.heard[usize::from(line)];
    Some((all.iter().find(loud)?.0, all.iter().rfind(loud)?.0))
}

#[test]
fn a_kiss_off_lies_in_its_window_to_the_sample() {
    let mut bench = in_call();
    let earliest = bench.sample() + 1_613;
    ask(&mut bench, LINE, play(4, 6_800, Some(Window { earliest, latest: earliest + 7_200 })));
    bench.run(1_500);
    assert_eq!(ends(&bench), [(4, TonesEnd::Completed, earliest, earliest + 6_800)]);
    // The first sample of a wave is its zero crossing.
    assert_eq!(heard(&bench, LINE), Some((earliest + 1, earliest + 6_800 - 1)));
    assert_eq!(heard(&bench, 0), None);
}

#[test]
fn a_kiss_off_that_comes_too_late_is_not_given() {
    let mut bench = in_call();
    bench.run(500);
    let latest = bench.sample() - 1;
    ask(&mut bench, LINE, play(4, 6_800, Some(Window { earliest: latest - 800, latest })));
    bench.run(100);
    assert!(matches!(ends(&bench)[..], [(4, TonesEnd::TooLate, begun, ended)] if begun == ended));
    assert_eq!(heard(&bench, LINE), None);
}

#[test]
fn putting_the_receiver_down_ends_what_plays_and_nothing_plays_on_hook() {
    let mut bench = in_call();
    ask(&mut bench, LINE, play(1, 80_000, None));
    bench.run(200);
    bench.card.hook(LINE, false, bench.sample());
    ask(&mut bench, LINE, play(2, 80_000, None));
    bench.run(200);
    let ends: Vec<_> = ends(&bench).into_iter().map(|(play, end, ..)| (play, end)).collect();
    assert_eq!(ends, [(1, TonesEnd::Stopped), (2, TonesEnd::Stopped)]);
}

#[test]
fn on_a_wire_that_damages_every_play_ends_once_in_order() {
    for errors_ppm in [0, 1_000, 10_000] {
        let mut bench = in_call();
        bench.errors_ppm = errors_ppm;
        let mut asked = 0;
        while asked < 300 {
            while asked < 300 && bench.host.control(LINE, play(asked, 80, None), bench.now_ms).is_ok() {
                asked += 1;
            }
            bench.run(1);
            assert!(bench.now_ms < 600_000, "stuck after {asked} plays at {errors_ppm} ppm");
        }
        bench.run(5_000);
        assert_eq!(bench.links(), 1, "the wire was never so bad that the link fell");
        let ends: Vec<_> = ends(&bench).into_iter().map(|(play, ..)| play).collect();
        assert_eq!(ends, (0..300).collect::<Vec<_>>(), "at {errors_ppm} ppm");
    }
}

#[test]
fn a_control_whose_acknowledgement_is_lost_is_done_once() {
    let mut bench = in_call();
    bench.cut_to_host = true;
    ask(&mut bench, LINE, play(1, 800, None));
    bench.run(300);
    bench.cut_to_host = false;
    bench.run(700);
    assert_eq!(ends(&bench).len(), 1);
    assert_eq!(bench.links(), 1);
}

#[test]
fn a_host_that_restarts_hears_nothing_of_the_plays_before_it() {
    let mut bench = in_call();
    bench.keeps = false;
    ask(&mut bench, LINE, play(1, 80_000, None));
    bench.run(300);
    bench.told.clear();
    bench.restart_host(0x41);
    bench.keeps = true;
    bench.run(300);
    assert_eq!(ends(&bench), []);
    assert_eq!(bench.card.status().queued, 0, "it is acknowledged all the same");
    ask(&mut bench, LINE, play(1, 800, None));
    bench.run(300);
    assert!(matches!(ends(&bench)[..], [(1, TonesEnd::Completed, ..)]));
}

#[test]
fn a_hello_silences_the_lines_and_leaves_their_voltage() {
    let mut bench = in_call();
    ask(&mut bench, 0, feed(Feed::Reversed, false));
    ask(&mut bench, LINE, play(1, 800_000, None));
    bench.run(100);
    let silent_from = bench.sample();
    bench.host.reopened(bench.now_ms);
    bench.run(300);
    assert!(matches!(ends(&bench)[..], [(1, TonesEnd::Stopped, ..)]));
    assert!(heard(&bench, LINE).is_some_and(|(_, last)| last < silent_from + 240));
    let state = bench.card.line(0).expect("the card has two");
    assert!(state.feed && state.reversed);
}

#[test]
fn without_voltage_a_lifted_telephone_is_on_hook() {
    let mut bench = in_call();
    ask(&mut bench, LINE, play(1, 80_000, None));
    ask(&mut bench, LINE, feed(Feed::Off, false));
    bench.run(50);
    bench.card.hook(0, true, bench.sample());
    ask(&mut bench, LINE, feed(Feed::Normal, false));
    bench.run(50);
    let hooks: Vec<_> = bench.hooks().into_iter().map(|(_, line, off_hook)| (line, off_hook)).collect();
    assert_eq!(hooks, [(LINE, true), (LINE, false), (0, true), (LINE, true)]);
    assert!(matches!(ends(&bench)[..], [(1, TonesEnd::Stopped, ..)]));
}

#[test]
fn a_dead_host_costs_the_voltage_of_marked_lines_and_in_mid_call_only_after_it() {
    let mut bench = Bench::new(3);
    bench.run(10);
    for line in 0..2 {
        ask(&mut bench, line, feed(Feed::Normal, true));
    }
    bench.card.hook(LINE, true, bench.sample());
    bench.run(10);
    (bench.cut_to_card, bench.cut_to_host) = (true, true);
    let fed = |bench: &Bench| [0, 1, 2].map(|line| bench.card.line(line).expect("three").feed);
    bench.run(29_900);
    assert_eq!(fed(&bench), [true; 3]);
    bench.run(200);
    assert_eq!(fed(&bench), [false, true, true]);
    bench.card.hook(LINE, false, bench.sample());
    bench.run(1);
    assert_eq!(fed(&bench), [false, false, true]);
    (bench.cut_to_card, bench.cut_to_host) = (false, false);
    bench.run(1_000);
    ask(&mut bench, 0, feed(Feed::Normal, true));
    bench.run(10);
    assert_eq!(fed(&bench), [true, false, true], "a hello gives no voltage back, the host does");
}

#[test]
fn a_line_rings_until_it_is_answered() {
    let mut bench = linked();
    ask(&mut bench, 0, ControlKind::Ring { on_ms: 200, off_ms: 400, bursts: 3 });
    bench.run(100);
    assert!(bench.card.ringing(0) && !bench.card.ringing(1));
    bench.run(200);
    assert!(!bench.card.ringing(0));
    bench.card.hook(0, true, bench.sample());
    bench.run(400);
    assert!(!bench.card.ringing(0));
    let told: Vec<_> = kinds(&bench).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, [EventKind::HookChange { off_hook: true }, EventKind::RingTrip]);
}

#[test]
fn a_test_has_one_result_and_a_line_in_use_has_none() {
    let mut bench = in_call();
    for (line, test) in [(0, LineTest::Resistance), (LINE, LineTest::Ringer), (0, LineTest::Other(9))] {
        ask(&mut bench, line, ControlKind::Test(test));
    }
    bench.run(10);
    assert_eq!(bench.card.pending_test(0), Some(LineTest::Resistance));
    bench.card.answer_test(0, TestOutcome::Measured(1_200_000));
    bench.card.answer_test(0, TestOutcome::Measured(5));
    bench.run(10);
    let result = |test, outcome| EventKind::TestResult { test, outcome };
    let told: Vec<_> = kinds(&bench).into_iter().skip(1).map(|(kind, _)| kind).collect();
    assert_eq!(
        told,
        [
            result(LineTest::Ringer, TestOutcome::InUse),
            result(LineTest::Other(9), TestOutcome::InUse),
            result(LineTest::Resistance, TestOutcome::Measured(1_200_000)),
        ]
    );
}
