//! An alarm line, told what a card would tell it; the card's answers are played by `Panel`.

use std::time::Duration;

use dsp::CallTone;
use dsp::tones::Sequence;
use hal::{Dtmf, LineId, Now, Sample, Tick};
use line::{Action, Event, Line, LineConfig, PlayId, Profile, SignalId, Step, TonesEnd, Window};

const BURGLARY: &str = "1234181131010158";
const MS: u32 = 8;

/// A panel and a card on one clock: sample 0 is tick 0.
struct Panel {
    line: Line,
    sample: Sample,
    plays: Vec<(PlayId, Sequence, Option<Window>)>,
    signals: Vec<SignalId>,
    steps: Vec<Step>,
    feeds: Vec<bool>,
}

impl Panel {
    fn new(profile: Profile) -> Self {
        let line = Line::new(LineConfig::new(LineId(0), profile), 1, Now::default());
        Self { line, sample: Sample(0), plays: vec![], signals: vec![], steps: vec![], feeds: vec![] }
    }

    fn now(&self) -> Now {
        Now::at(Tick(u64::from(self.sample.0 / MS)))
    }

    fn tell(&mut self, event: Event) {
        self.line.handle(event, self.now());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.line.poll_action() {
            match action {
                Action::Play { play, sequence, window } => self.plays.push((play, sequence, window)),
                Action::Signal { signal, .. } => self.signals.push(signal),
                Action::Step { step, .. } => self.steps.push(step),
                Action::Feed { on } => self.feeds.push(on),
                Action::Silence => {}
            }
        }
    }

    /// Lets time pass, serving every deadline on the way.
    fn wait(&mut self, ms: u32) {
        let end = self.sample.0 + ms * MS;
        while let Some(at) = self.line.poll_timeout() {
            let at = u32::try_from(at.0).expect("a short test") * MS;
            if at > end {
                break;
            }
            self.sample.0 = self.sample.0.max(at);
            self.line.handle_timeout(self.now());
            self.drain();
        }
        self.sample.0 = end;
    }

    fn hook(&mut self, off_hook: bool) {
        self.tell(Event::Hook { off_hook, sample: self.sample });
    }

    fn dial(&mut self, digits: &str) {
        for key in digits.chars() {
            let begin = self.sample;
            self.tell(Event::DigitBegun { sample: begin });
            self.wait(50);
            let digit = Dtmf::try_from(key).expect("a key");
            self.tell(Event::Digit { digit, begin, end: self.sample });
            self.wait(50);
        }
    }

    /// Off-hook, number, answer, handshake: the panel may speak.
    fn call(&mut self) {
        self.hook(true);
        self.wait(500);
        self.dial("5551234");
        self.wait(1_500);
        self.wait(1_250);
        let (play, sequence, _) = *self.plays.last().expect("a handshake");
        assert_eq!(sequence, Sequence::Handshake);
        self.wait(300);
        self.tell(Event::TonesEnded { play, sample: self.sample, end: TonesEnd::Completed });
        self.wait(250);
    }

    fn asked_kiss_offs(&self) -> Vec<(PlayId, Window)> {
        let kiss_off = |(play, sequence, window): &(PlayId, Sequence, Option<Window>)| {
            (*sequence == Sequence::KissOff).then(|| (*play, window.expect("a kiss-off has a window")))
        };
        self.plays.iter().filter_map(kiss_off).collect()
    }

    /// Plays the latest kiss-off as the card would: at its earliest sample, or now.
    fn hear_kiss_off(&mut self) {
        let (play, window) = *self.asked_kiss_offs().last().expect("a kiss-off");
        let begin = if window.earliest.is_after(self.sample) { window.earliest } else { self.sample };
        assert!(!begin.is_after(window.latest), "the test came too late itself");
        self.wait(begin.since(self.sample).as_millis() as u32 + 850);
        self.tell(Event::TonesEnded { play, sample: self.sample, end: TonesEnd::Completed });
    }

    fn hang_up(&mut self) {
        self.hook(false);
        self.wait(400);
    }

    fn deliver(&mut self, signal: SignalId) {
        self.tell(Event::Delivered { signal });
    }
}

#[test]
fn a_delivered_signal_is_kissed_off_while_the_panel_listens() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    let last_digit_ended = Sample(panel.sample.0 - 50 * MS);
    assert_eq!(panel.signals.len(), 1);
    assert_eq!(panel.asked_kiss_offs(), [], "not before the station has it");

    panel.deliver(panel.signals[0]);
    let window = panel.asked_kiss_offs()[0].1;
    assert_eq!(window.earliest.since(last_digit_ended), Duration::from_millis(200));
    assert_eq!(window.latest.since(last_digit_ended), Duration::from_millis(1_100));

    panel.hear_kiss_off();
    let after = Duration::from_millis(200);
    assert!(panel.steps.contains(&Step::KissedOff { signal: panel.signals[0], after }));
    panel.hang_up();
    assert_eq!(panel.steps.last(), Some(&Step::HungUp { not_kissed_off: 0 }));
}

#[test]
fn an_acknowledgement_while_digits_run_waits_for_the_end_of_the_repeat() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    panel.wait(1_250);
    panel.dial(&BURGLARY[..8]);
    panel.deliver(panel.signals[0]);
    assert_eq!(panel.asked_kiss_offs(), []);

    panel.dial(&BURGLARY[8..]);
    assert_eq!(panel.asked_kiss_offs().len(), 1, "and then at once");
    assert_eq!(panel.signals.len(), 1, "a repeat is the same signal");
}

#[test]
fn a_kiss_off_that_the_card_could_not_begin_in_time_waits_for_the_next_repeat() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    panel.wait(1_150);
    panel.deliver(panel.signals[0]);
    let (play, _) = panel.asked_kiss_offs()[0];
    panel.tell(Event::TonesEnded { play, sample: panel.sample, end: TonesEnd::TooLate });
    panel.wait(100);
    assert_eq!(panel.asked_kiss_offs().len(), 1, "no second try into the panel's repeat");

    panel.dial(BURGLARY);
    assert_eq!(panel.asked_kiss_offs().len(), 2);
    panel.hear_kiss_off();
    assert!(panel.steps.contains(&Step::NotKissedOff { signal: panel.signals[0] }));
    panel.hang_up();
    assert_eq!(panel.steps.last(), Some(&Step::HungUp { not_kissed_off: 0 }));
}

#[test]
fn no_kiss_off_before_station_ack() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    for _ in 0..4 {
        panel.dial(BURGLARY);
        panel.wait(1_250);
    }
    panel.hang_up();
    assert_eq!(panel.asked_kiss_offs(), []);
    assert_eq!(panel.signals.len(), 1);
    assert_eq!(panel.steps.last(), Some(&Step::HungUp { not_kissed_off: 1 }));
}

#[test]
fn a_signal_delivered_between_two_calls_is_kissed_off_at_once_and_not_sent_again() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    panel.hang_up();
    panel.deliver(panel.signals[0]);
    assert_eq!(panel.asked_kiss_offs(), [], "nobody listens");

    panel.wait(20_000);
    panel.call();
    panel.dial(BURGLARY);
    assert_eq!(panel.signals.len(), 1, "nothing is sent again");
    panel.hear_kiss_off();
    panel.hang_up();

    panel.call();
    panel.dial(BURGLARY);
    assert_eq!(panel.signals.len(), 2, "kissed off and dialled again is another event");
    assert_ne!(panel.signals[0], panel.signals[1]);
}

#[test]
fn digits_that_are_no_message_are_met_with_silence() {
    for (digits, heard) in [("1234181131010157", 1), ("123418113101015", 0), ("D234181131010158", 1)] {
        let mut panel = Panel::new(Profile::Alarm);
        panel.call();
        panel.dial(digits);
        panel.wait(1_250);
        assert_eq!((panel.signals.len(), panel.asked_kiss_offs().len()), (0, 0), "{digits}");
        let faulty = |panel: &Panel| panel.steps.iter().filter(|s| matches!(s, Step::Faulty { .. })).count();
        assert_eq!(faulty(&panel), heard, "{digits}");

        // The repeat is read although a fragment lay in the way.
        panel.dial(BURGLARY);
        assert_eq!(panel.signals.len(), 1, "{digits}");
        assert_eq!(faulty(&panel), 1, "{digits}");
    }
}

#[test]
fn a_seventeenth_digit_keeps_the_kiss_off_back() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    panel.dial("7");
    panel.deliver(panel.signals[0]);
    assert_eq!(panel.asked_kiss_offs(), []);
}

#[test]
fn a_silent_panel_is_asked_eight_times_and_then_told_to_hang_up() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.hook(true);
    panel.wait(500);
    panel.dial("1");
    panel.wait(2_750);
    for _ in 0..8 {
        let (play, sequence, _) = *panel.plays.last().expect("a handshake");
        assert_eq!(sequence, Sequence::Handshake);
        panel.wait(300);
        panel.tell(Event::TonesEnded { play, sample: panel.sample, end: TonesEnd::Completed });
        panel.wait(2_000);
    }
    assert_eq!(panel.plays.last().map(|(_, sequence, _)| *sequence), Some(Sequence::Reorder));
    panel.wait(30_000);
    assert_eq!(panel.plays.last().map(|(_, sequence, _)| *sequence), Some(Sequence::Howler));
    panel.wait(60_000);
    assert_eq!(panel.line.status().state, "parked");
}

#[test]
fn a_bounce_of_the_hook_is_no_hang_up_and_a_real_one_ends_the_call() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.hook(false);
    panel.wait(250);
    panel.hook(true);
    panel.dial(BURGLARY);
    assert_eq!(panel.signals.len(), 1);

    panel.hang_up();
    assert_eq!(panel.line.status().state, "on_hook");
}

#[test]
fn a_phone_gets_dial_tone_and_after_its_number_reorder() {
    let mut panel = Panel::new(Profile::Phone);
    panel.hook(true);
    panel.wait(300);
    panel.dial("0123");
    panel.wait(1_500);
    let played: Vec<_> = panel.plays.iter().map(|(_, sequence, _)| *sequence).collect();
    assert_eq!(played, [Sequence::DialTone, Sequence::Reorder]);
    assert!(panel.steps.contains(&Step::Number { digits: "0123".to_owned() }));
}

#[test]
fn voltage_is_withdrawn_when_nothing_can_be_delivered_but_never_in_mid_call() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.tell(Event::Path { works: false });
    panel.wait(20_000);
    panel.dial(BURGLARY);
    panel.wait(25_000);
    panel.dial(BURGLARY);
    panel.wait(25_000);
    assert_eq!(panel.feeds, [], "in mid-call");
    panel.hang_up();
    assert_eq!(panel.feeds, [false]);

    panel.tell(Event::Path { works: true });
    panel.wait(29_000);
    assert_eq!(panel.feeds, [false]);
    panel.wait(2_000);
    assert_eq!(panel.feeds, [false, true]);
}

#[test]
fn a_card_that_is_lost_ends_the_call_and_the_signal_stays() {
    let mut panel = Panel::new(Profile::Alarm);
    panel.call();
    panel.dial(BURGLARY);
    panel.tell(Event::CardLost);
    assert_eq!(panel.line.status().state, "on_hook");
    assert!(panel.line.waits_for(panel.signals[0]));
}

#[test]
fn a_fax_or_modem_on_the_line_is_told_once_in_a_call_for_each_tone_and_changes_nothing() {
    let mut panel = Panel::new(Profile::Alarm);
    let told = |panel: &Panel| {
        panel
            .steps
            .iter()
            .filter(|step| matches!(step, Step::MachineTone { .. }))
            .cloned()
            .collect::<Vec<_>>()
    };
    let tone = |panel: &mut Panel, tone| panel.tell(Event::Tone { tone, begin: panel.sample });
    tone(&mut panel, CallTone::Calling);
    assert_eq!(told(&panel), [], "no call, no step");
    let (calling, answer) = (CallTone::Calling, CallTone::Answer);
    panel.call();
    let (status, deadline) = (panel.line.status(), panel.line.poll_timeout());
    for kind in [calling, calling, answer, calling, answer] {
        tone(&mut panel, kind);
    }
    let both = [Step::MachineTone { tone: calling }, Step::MachineTone { tone: answer }];
    assert_eq!(told(&panel), both);
    assert_eq!((panel.line.status(), panel.line.poll_timeout()), (status, deadline));
    panel.dial(BURGLARY);
    assert_eq!(panel.signals.len(), 1, "a panel beside the machine is heard as ever");
    panel.hang_up();
    panel.hook(true);
    tone(&mut panel, calling);
    assert_eq!(told(&panel).len(), 3, "a further call tells of it again");
}
