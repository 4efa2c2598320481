//! Eight telephones that dial all the time, over a real pseudo-terminal at 921600 baud: what the
//! daemon's card thread hears of them, and when.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver as Heard80, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use appliance::{CardCommand, CardEvent};
use ata_sim::{Handle, Options, Report, Settings, Telephone, Turn, spawn_with};
use dsp::Heard;
use dsp::tones::Sequence;
use hal::{Dtmf, LineId, Sample};
use line::{PlayId, TonesEnd, Window};
use ports::card::{CardConfig, CardHandle};
use tokio::sync::mpsc::Receiver;

const LINES: u8 = 8;
/// Samples of a digit and of the pause behind it.
const DIGIT: u32 = 480;
/// The telephones are lifted here: a second after the card's boot.
const LIFTED: u32 = 8_000;
/// The first digit begins here, in the middle of a block.
const FIRST_DIGIT: u32 = 10_437;
const BLOCK: usize = 80;
/// Nothing here takes nearly so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lifts the receiver and dials, digit after digit, without an end.
struct Dialler {
    line: u8,
    /// Where what the line plays begins to sound.
    sounds: SyncSender<u32>,
}

impl Telephone for Dialler {
    fn turn(&mut self, heard: &[i16; BLOCK], _: bool, sample: u32) -> Turn {
        if let Some(first) = heard.iter().position(|sample| *sample != 0) {
            // Only the first one is looked at.
            let _full = self.sounds.try_send(sample - 80 + first as u32);
        }
        let said = core::array::from_fn(|n| tone_at(self.line, sample + n as u32));
        Turn { off_hook: sample >= LIFTED, said }
    }
}

/// The digit that a line dials in its turn `count`.
fn digit(line: u8, count: u32) -> Dtmf {
    let place = (u32::from(line) + count) as usize % 16;
    Dtmf::at(place / 4, place % 4).expect("four rows of four")
}

fn tone_at(line: u8, sample: u32) -> i16 {
    let Some(since) = sample.checked_sub(FIRST_DIGIT) else { return 0 };
    if since % (2 * DIGIT) >= DIGIT {
        return 0;
    }
    let place = (u32::from(line) + since / (2 * DIGIT)) as usize % 16;
    let (low, high) =
        ([697.0, 770.0, 852.0, 941.0][place / 4], [1_209.0, 1_336.0, 1_477.0, 1_633.0][place % 4]);
    let wave = |hertz: f64| (f64::from(sample) / 8_000.0 * hertz * core::f64::consts::TAU).sin();
    (4_000.0 * (wave(low) + wave(high))) as i16
}

struct Desk {
    _sim: Handle,
    card: CardHandle,
    events: Receiver<CardEvent>,
    /// Where the last line began to sound.
    sounds: Heard80<u32>,
    _folder: tempfile::TempDir,
}

/// What a line was heard to dial: which, from where, to where.
type Dialled = Vec<(Dtmf, u32, u32)>;

struct Told {
    digits: [Dialled; LINES as usize],
    lifted: BTreeSet<u8>,
    ends: Vec<(PlayId, Sample, TonesEnd)>,
    damaged: u32,
}

impl Desk {
    fn new(error_rate: f64) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the link");
        let device = folder.path().join("card");
        let settings = Settings { lines: LINES, seed: 3, serial: "EIGHT".to_owned(), error_rate };
        let options = Options { settings, baud: 921_600, link: Some(device.clone()) };
        let mut sounds = None;
        let mut dialler = |line| {
            let (sender, receiver) = sync_channel(1);
            sounds = Some(receiver);
            Box::new(Dialler { line, sounds: sender }) as Box<dyn Telephone>
        };
        let telephones = (0..LINES).map(|line| (line, dialler(line))).collect();
        let sim = spawn_with(options, telephones).expect("a pty");
        let next = || sim.reports().recv_timeout(PATIENCE).expect("the simulator plugs its device in");
        while !matches!(next(), Report::Plugged { .. }) {}
        let (sender, events) = tokio::sync::mpsc::channel(256);
        let config = CardConfig { device, baud: 921_600, lines: LINES, seed: 8 };
        let card = ports::card::spawn(config, sender).expect("a thread");
        let sounds = sounds.expect("eight lines have a last one");
        Self { _sim: sim, card, events, sounds, _folder: folder }
    }

    /// Listens until all lines have dialled so much, keeping what is to be kept.
    fn listen(&mut self, digits: usize) -> Told {
        let none = || Vec::with_capacity(digits);
        let mut told = Told {
            digits: core::array::from_fn(|_| none()),
            lifted: BTreeSet::new(),
            ends: Vec::new(),
            damaged: 0,
        };
        let until = Instant::now() + PATIENCE;
        while told.digits.iter().any(|line| line.len() < digits) {
            match self.events.try_recv() {
                Ok(event) => self.take(&event, &mut told),
                Err(_) => std::thread::sleep(Duration::from_micros(500)),
            }
            let heard: Vec<usize> = told.digits.iter().map(Vec::len).collect();
            assert!(Instant::now() < until, "heard {heard:?} digits of {digits}");
        }
        told
    }

    fn take(&self, event: &CardEvent, told: &mut Told) {
        match *event {
            CardEvent::Heard { line, heard: Heard::Digit { digit, begin, end }, .. } => {
                told.digits[usize::from(line.0)].push((digit, begin.0, end.0));
            }
            CardEvent::Hook { line, off_hook, card_boot, card_seq, .. } => {
                assert!(off_hook && told.lifted.insert(line.0), "line {line} was lifted once");
                self.keep(card_boot, card_seq);
                if line.0 == LINES - 1 {
                    self.ask_for_kiss_off(line);
                }
            }
            CardEvent::TonesEnded { play, sample, end, card_boot, card_seq, .. } => {
                told.ends.push((play, sample, end));
                self.keep(card_boot, card_seq);
            }
            CardEvent::Garbage { damaged, unknown } => {
                assert_eq!(unknown, 0);
                told.damaged += damaged;
            }
            CardEvent::Heard { heard: Heard::Begun { .. }, .. } | CardEvent::Ready(_) => {}
            CardEvent::Heard { heard: Heard::Tone { .. }, .. }
            | CardEvent::Lost { .. }
            | CardEvent::LineFault { .. } => panic!("{event:?}"),
        }
    }

    fn keep(&self, card_boot: u32, card_seq: u16) {
        let command = CardCommand::Acknowledge { card_boot, card_seq };
        self.card.try_send(command).expect("room for an acknowledgement");
    }

    fn ask_for_kiss_off(&self, line: LineId) {
        let window = Some(Window { earliest: KISS_OFF, latest: Sample(KISS_OFF.0 + 40_000) });
        let command = CardCommand::Play { line, play: PlayId(77), sequence: Sequence::KissOff, window };
        self.card.try_send(command).expect("room for a play");
    }
}

/// In the middle of a block, and long enough after the receivers were lifted for a busy machine.
const KISS_OFF: Sample = Sample(24_013);

fn all_missing(told: &Told, gaps: bool) -> usize {
    (0..LINES).map(|line| missing(line, &told.digits[usize::from(line)], gaps)).sum()
}

/// A machine that is busy with other things can hold up either side of the wire for longer than the
/// card keeps audio; what our own code loses, it loses each time.
fn without_a_gap() -> (Desk, Told) {
    let mut lost = Vec::new();
    while lost.len() < 5 {
        let mut desk = Desk::new(0.0);
        let told = desk.listen(80);
        let frames = desk.card.audio_frames_lost();
        if frames == 0 {
            return (desk, told);
        }
        all_missing(&told, true);
        lost.push(frames);
    }
    panic!("audio was lost on a good wire in each of five runs, frames: {lost:?}");
}

/// Each digit is the one that was dialled there, right to 10 ms, or for one that a gap cut into
/// inside of what was dialled; gives how many are missing.
fn missing(line: u8, dialled: &Dialled, gaps: bool) -> usize {
    let mut next = 0;
    let mut missing = 0;
    for (heard, begin, end) in dialled {
        let count = (begin + DIGIT / 2 - FIRST_DIGIT) / (2 * DIGIT);
        let begun = FIRST_DIGIT + count * 2 * DIGIT;
        assert_eq!(*heard, digit(line, count), "line {line} at {begin}");
        let ended = begun + DIGIT;
        let inside = gaps && *begin > begun && *end < ended + 80;
        let right = begin.abs_diff(begun) <= 80 && end.abs_diff(ended) <= 80;
        assert!(right || inside, "line {line}: heard {begin} to {end}, dialled {begun} to {ended}");
        assert!(count >= next, "line {line}: a digit came twice");
        missing += (count - next) as usize;
        next = count + 1;
    }
    missing
}

#[test]
fn eight_lines_are_heard_to_10_ms_and_a_kiss_off_begins_on_its_sample() {
    let (desk, told) = without_a_gap();
    assert_eq!((all_missing(&told, false), told.damaged), (0, 0));
    assert_eq!(told.lifted.len(), usize::from(LINES));
    assert_eq!(told.ends, [(PlayId(77), Sample(KISS_OFF.0 + 6_800), TonesEnd::Completed)]);
    // The first sample of a wave is its zero crossing.
    assert_eq!(desk.sounds.try_recv(), Ok(KISS_OFF.0 + 1));
}

#[test]
fn with_damaged_octets_no_digit_is_invented_and_each_hit_costs_at_most_two_frames() {
    let mut desk = Desk::new(1e-4);
    let told = desk.listen(100);
    let missing = all_missing(&told, true);
    let (lost, damaged) = (desk.card.audio_frames_lost(), u64::from(told.damaged));
    assert!(damaged > 5, "{damaged} damaged frames show nothing");
    assert!(lost > 0 && lost <= 2 * damaged + u64::from(LINES), "{lost} frames lost for {damaged} damaged");
    assert!(missing as u64 <= 2 * lost, "{missing} digits missing for {lost} lost frames");
    assert_eq!(told.lifted.len(), usize::from(LINES));
    assert_eq!(told.ends, [(PlayId(77), Sample(KISS_OFF.0 + 6_800), TonesEnd::Completed)]);
}
