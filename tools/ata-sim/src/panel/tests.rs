//! A panel against a receiver that goes by what the panel reports.

use super::*;
use crate::panel::voice::amplitude;

/// When the receiver does what.
#[derive(Clone, Copy, Debug)]
struct Manners {
    feed: bool,
    dial_tone: bool,
    handshake: bool,
    /// Kisses off so long after the last digit of this and later attempts.
    kiss_off: Option<(u8, u64)>,
}

const GOOD: Manners = Manners { feed: true, dial_tone: true, handshake: true, kiss_off: Some((1, 200)) };

/// Frequencies, and for how many milliseconds.
type Part = ([f64; 2], u64);

/// A panel on a line; a turn is 10 ms.
struct Line {
    panel: Panel,
    turns: u64,
    /// A sequence of frequencies with their times, and the turn at which it began.
    plays: Option<(Vec<Part>, u64)>,
    heard: [i16; BLOCK],
    off_hook: bool,
    /// Milliseconds with what happened.
    happened: Vec<(u64, PanelEvent)>,
}

impl Line {
    fn new(settings: PanelSettings, signals: &[(&str, &str, &str)]) -> Self {
        let mut panel = Panel::new(settings).unwrap();
        for (code, group, zone) in signals {
            panel.queue(Signal::new(code, group, zone).unwrap()).unwrap();
        }
        Self { panel, turns: 0, plays: None, heard: [0; BLOCK], off_hook: false, happened: Vec::new() }
    }

    fn run(&mut self, ms: u64, manners: Manners) -> &mut Self {
        for _ in 0..ms / 10 {
            let turn = self.panel.turn(&self.heard, manners.feed, (self.turns * 80) as u32);
            self.off_hook = turn.off_hook;
            while let Some((_, event)) = self.panel.poll_happened() {
                self.react(&event, manners);
                self.happened.push((self.turns * 10, event));
            }
            self.heard = self.play();
            self.turns += 1;
        }
        self
    }

    fn react(&mut self, event: &PanelEvent, manners: Manners) {
        let tone = |hertz: f64, ms: u64| ([hertz, 0.0], ms);
        self.plays = match event {
            PanelEvent::Seized {} if manners.dial_tone => Some(vec![([350.0, 440.0], 60_000)]),
            PanelEvent::Dialled { .. } if manners.handshake => {
                Some(vec![tone(0.0, 900), tone(1_400.0, 100), tone(0.0, 100), tone(2_300.0, 100)])
            }
            PanelEvent::Sent { attempt, .. } => {
                let due = manners.kiss_off.filter(|(from, _)| attempt >= from);
                due.map(|(_, after_ms)| vec![tone(0.0, after_ms), tone(1_400.0, 850)])
            }
            PanelEvent::Seized {}
            | PanelEvent::DialTone { .. }
            | PanelEvent::Dialled { .. }
            | PanelEvent::Handshake {}
            | PanelEvent::KissedOff { .. }
            | PanelEvent::NoKissOff { .. }
            | PanelEvent::HungUp { .. }
            | PanelEvent::GaveUp { .. }
            | PanelEvent::Trouble { .. } => None,
        }
        .map(|parts| (parts, self.turns));
    }

    fn play(&self) -> [i16; BLOCK] {
        let Some((parts, began)) = &self.plays else { return [0; BLOCK] };
        let mut ms = (self.turns - began) * 10;
        let part = parts.iter().find(|(_, lasts)| {
            let within = ms < *lasts;
            ms = ms.saturating_sub(*lasts);
            within
        });
        let Some(([low, high], _)) = part else { return [0; BLOCK] };
        let wave = |hertz: f64, n: usize| {
            let turns = (self.turns * 80 + n as u64) as f64 / 8_000.0 * std::f64::consts::TAU;
            (turns * hertz).sin() * amplitude(-11.0)
        };
        std::array::from_fn(|n| (wave(*low, n) + wave(*high, n)) as i16)
    }

    fn times_of(&self, wanted: impl Fn(&PanelEvent) -> bool) -> Vec<u64> {
        self.happened.iter().filter(|(_, event)| wanted(event)).map(|(ms, _)| *ms).collect()
    }

    fn hang_ups(&self) -> Vec<&str> {
        let events = self.happened.iter().map(|(_, event)| event);
        events
            .filter_map(|e| if let PanelEvent::HungUp { why } = e { Some(why.as_str()) } else { None })
            .collect()
    }
}

const FIRE: (&str, &str, &str) = ("1110", "01", "001");
const BURGLARY: (&str, &str, &str) = ("1131", "01", "015");

fn is_seizure(event: &PanelEvent) -> bool {
    matches!(event, PanelEvent::Seized {})
}

fn is_sent(event: &PanelEvent) -> bool {
    matches!(event, PanelEvent::Sent { .. })
}

fn is_kissed_off(event: &PanelEvent) -> bool {
    matches!(event, PanelEvent::KissedOff { .. })
}

#[test]
fn two_events_go_in_one_call_each_kissed_off_once() {
    let mut line = Line::new(PanelSettings::default(), &[FIRE, BURGLARY]);
    line.run(20_000, GOOD);
    let words: Vec<String> = line.happened.iter().map(|(_, event)| event.to_string()).collect();
    let begins = ["seized", "dial tone", "dialled 5550100", "handshake", "sent 123418111001001B, attempt 1"];
    assert!(begins.iter().zip(&words).all(|(begin, word)| word.starts_with(begin)), "{words:#?}");
    assert_eq!(line.times_of(is_kissed_off).len(), 2);
    assert_eq!((line.hang_ups(), line.off_hook), (vec!["all is told"], false));
    let [first, second] = line.times_of(is_sent)[..] else { panic!("two messages: {words:#?}") };
    // Kiss-off wait and length, pause, sixteen digits.
    let between = 200 + 850 + 275 + 16 * 110 - 55;
    assert!((second - first).abs_diff(between) <= 50, "{} instead of {between}", second - first);
}

#[test]
fn a_kiss_off_on_the_third_attempt_delivers_one_event() {
    let mut line = Line::new(PanelSettings::default(), &[BURGLARY]);
    line.run(30_000, Manners { kiss_off: Some((3, 600)), ..GOOD });
    assert_eq!((line.times_of(is_sent).len(), line.times_of(is_kissed_off).len()), (3, 1));
    assert_eq!(line.panel.status(0).queued, 0);
}

#[test]
fn without_kiss_offs_it_sends_four_times_a_call_and_gives_up_after_its_calls_until_the_next_event() {
    let settings = PanelSettings { redial_ms: 500, dial_attempts: 3, ..PanelSettings::default() };
    let mut line = Line::new(settings, &[BURGLARY]);
    line.run(120_000, Manners { kiss_off: None, ..GOOD });
    assert_eq!((line.times_of(is_seizure).len(), line.times_of(is_sent).len()), (3, 12));
    assert_eq!(line.hang_ups(), ["no kiss-off"; 3]);
    let status = line.panel.status(0);
    assert!(status.gave_up && status.queued == 1 && !line.off_hook, "{status:?}");
    line.panel.queue(Signal::new("1110", "01", "001").unwrap()).unwrap();
    line.run(30_000, GOOD);
    assert_eq!((line.panel.status(0).queued, line.times_of(is_kissed_off).len()), (0, 2));
}

#[test]
fn repeats_follow_each_other_as_dc05_has_them() {
    let mut line = Line::new(PanelSettings::default(), &[BURGLARY]);
    line.run(20_000, Manners { kiss_off: None, ..GOOD });
    let sent = line.times_of(is_sent);
    let between = 1_250 + 16 * 110 - 55;
    assert_eq!(sent.len(), 4);
    assert!(sent.windows(2).all(|two| (two[1] - two[0]).abs_diff(between) <= 30), "{sent:?}");
}

#[test]
fn no_dial_tone_and_no_handshake_end_a_call_and_a_blind_dialler_dials() {
    let settings = PanelSettings { handshake_ms: 3_000, ..PanelSettings::default() };
    for (blind_dial, manners, why) in [
        (false, Manners { dial_tone: false, ..GOOD }, "no dial tone"),
        (false, Manners { handshake: false, ..GOOD }, "no handshake"),
        (true, Manners { dial_tone: false, ..GOOD }, "all is told"),
    ] {
        let mut line = Line::new(PanelSettings { blind_dial, ..settings.clone() }, &[BURGLARY]);
        line.run(14_000, manners);
        assert_eq!(line.hang_ups()[0], why);
    }
}

#[test]
fn without_voltage_it_shows_trouble_dials_nothing_and_delivers_when_it_is_back() {
    let mut line = Line::new(PanelSettings::default(), &[]);
    line.run(50_000, Manners { feed: false, ..GOOD });
    let light = |line: &Line, on: bool| line.times_of(|event| *event == PanelEvent::Trouble { on });
    assert_eq!(light(&line, true).len(), 1);
    assert!((30_000..=60_000).contains(&light(&line, true)[0]));
    line.panel.queue(Signal::new("1131", "01", "015").unwrap()).unwrap();
    line.run(10_000, Manners { feed: false, ..GOOD });
    assert!(line.times_of(is_seizure).is_empty());
    line.run(15_000, GOOD);
    assert_eq!((light(&line, false).len(), line.times_of(is_kissed_off).len()), (1, 1));
}

#[test]
fn a_short_gap_of_voltage_is_no_trouble_but_ends_a_call() {
    let mut line = Line::new(PanelSettings::default(), &[BURGLARY]);
    line.run(3_000, GOOD).run(100, Manners { feed: false, ..GOOD });
    assert_eq!((line.hang_ups(), line.off_hook), (vec!["no voltage"], false));
    line.run(20_000, GOOD);
    assert_eq!(line.times_of(is_kissed_off).len(), 1);
    assert!(line.times_of(|event| matches!(event, PanelEvent::Trouble { .. })).is_empty());
}

#[test]
fn a_panel_that_hangs_up_early_does_so_once() {
    let settings = PanelSettings { hang_up_after_ms: Some(100), redial_ms: 500, ..PanelSettings::default() };
    let mut line = Line::new(settings, &[BURGLARY]);
    line.run(25_000, GOOD);
    assert_eq!(line.hang_ups(), ["of its own accord", "all is told"]);
    let [sent, ..] = line.times_of(is_sent)[..] else { panic!("it sends") };
    let [hung_up, _] = line.times_of(|event| matches!(event, PanelEvent::HungUp { .. }))[..] else {
        panic!("twice")
    };
    assert!((hung_up - sent).abs_diff(100) <= 20, "{}", hung_up - sent);
}

#[test]
fn a_full_queue_refuses() {
    let mut line = Line::new(PanelSettings::default(), &[BURGLARY; MAX_QUEUE]);
    let error = line.panel.queue(Signal::new("1131", "01", "015").unwrap()).unwrap_err();
    assert!(error.contains("256"), "{error}");
}
