//! Thousands of messages over the range of what a panel and a line may do: each is decoded as it was
//! sent, none is invented, and each is kissed off by the panel's own judgement.

use std::env;
use std::thread;
use std::time::Duration;

use line::Step;
use panel_wire::Message;
use peers::copper::Conditions;
use peers::g711::Law;
use peers::spandsp::{Report, Voice};

use crate::panel::{Saying, Telephone};

const CALLS: u64 = 500;
/// With `cargo xtask test --all`.
const MANY_CALLS: u64 = 5_000;
const MESSAGES_A_CALL: usize = 20;
/// A kiss-off that begins later than 3 s after the handshake makes spandsp say its message once more
/// *after* the kiss-off, which is another event by right.
const STATION_TAKES_MS: i64 = 600;

#[test]
fn ten_thousand_messages_are_read_right_and_kissed_off() {
    let calls = if env::var_os("HOLDFAST_TEST_ALL").is_some() { MANY_CALLS } else { CALLS };
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let failures: Vec<String> = thread::scope(|scope| {
        let work = |worker| move || (worker..calls).step_by(workers as usize).filter_map(call).collect();
        let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        workers.into_iter().flat_map(|worker| -> Vec<String> { worker.join().expect("no panic") }).collect()
    });
    let shown: Vec<_> = failures.iter().take(5).cloned().collect();
    assert!(failures.is_empty(), "{} of {calls} calls failed:\n{}", failures.len(), shown.join("\n"));
}

#[test]
fn a_panel_whose_station_is_silent_is_told_nothing() {
    let mut dice = Dice::new(7);
    let (conditions, loudest) = draw_line(&mut dice, 7);
    let never = Duration::from_secs(3_600);
    let saying = Saying { station_takes: never, ..draw_saying(&mut dice, loudest, 0) };

    let mut telephone = Telephone::new(conditions);
    let judgement = telephone.call(&[saying]);

    assert_eq!((judgement.handshakes, judgement.kiss_offs), (1, 0));
    assert_eq!(telephone.exchange.messages, [message(saying.report)]);
    assert_eq!(telephone.exchange.steps.last(), Some(&Step::HungUp { not_kissed_off: 1 }));
}

/// One call; what was wrong with it.
fn call(number: u64) -> Option<String> {
    let mut dice = Dice::new(number);
    let (conditions, loudest) = draw_line(&mut dice, number);
    let high_above_low_db = dice.between(-8, 4) as i8;
    let low_dbm0 = loudest - high_above_low_db.max(0);
    let sayings: Vec<Saying> =
        (0..MESSAGES_A_CALL).map(|_| draw_saying(&mut dice, low_dbm0, high_above_low_db)).collect();
    let noise_dbm0 = total_dbm0(low_dbm0, high_above_low_db) - 15.0;
    let conditions = Conditions { noise_dbm0: Some(noise_dbm0), ..conditions };

    let mut telephone = Telephone::new(conditions);
    let judgement = telephone.call(&sayings);

    let sent: Vec<Message> = sayings.iter().map(|saying| message(saying.report)).collect();
    let kissed_off =
        telephone.exchange.steps.iter().filter(|step| matches!(step, Step::KissedOff { .. })).count();
    let right = telephone.exchange.messages == sent
        && judgement.kiss_offs as usize == MESSAGES_A_CALL
        && judgement.failures == 0
        && kissed_off == MESSAGES_A_CALL;
    (!right).then(|| {
        let received = telephone.exchange.messages.len();
        let wrong = sent.iter().zip(&telephone.exchange.messages).position(|(sent, read)| sent != read);
        let voice = sayings.get(wrong.unwrap_or_default()).map(|saying| saying.voice);
        format!("call {number}: {received} received, wrong from {wrong:?} on, {judgement:?}, {conditions:?}, {voice:?}")
    })
}

/// The line of a call, and the level of the louder tone.
fn draw_line(dice: &mut Dice, number: u64) -> (Conditions, i8) {
    // Half of the panels are as far off as they may be.
    let clock_fast_by = match number % 4 {
        0 => 0.015,
        1 => -0.015,
        _ => dice.between(-150, 150) as f32 / 10_000.0,
    };
    let law = if number % 2 == 0 { Law::Mu } else { Law::A };
    let loudest = dice.between(-30, -3) as i8;
    (Conditions { clock_fast_by, noise_dbm0: None, law, seed: dice.bits() }, loudest)
}

fn draw_saying(dice: &mut Dice, low_dbm0: i8, high_above_low_db: i8) -> Saying {
    let (on_ms, off_ms) = (dice.between(50, 60) as u8, dice.between(50, 60) as u8);
    Saying {
        report: draw_report(dice),
        voice: Voice { on_ms, off_ms, low_dbm0, high_above_low_db },
        station_takes: Duration::from_millis(dice.between(0, STATION_TAKES_MS) as u64),
    }
}

fn draw_report(dice: &mut Dice) -> Report {
    // A is no digit of Contact ID.
    const SYMBOLS: [u16; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xB, 0xC, 0xD, 0xE, 0xF];
    let mut number = |digits: u32, symbols: i64| {
        (0..digits).fold(0, |number, _| number << 4 | SYMBOLS[dice.between(0, symbols - 1) as usize])
    };
    let account = number(4, 15);
    let (event, partition, zone) = (number(3, 10), number(2, 15) as u8, number(3, 15));
    let qualifier = [1, 3, 6][dice.between(0, 2) as usize];
    let message_type = if dice.between(0, 9) == 0 { 0x98 } else { 0x18 };
    Report { account, message_type, qualifier, event, partition, zone }
}

fn message(report: Report) -> Message {
    let digits = format!(
        "{:04X}{:02X}{:X}{:03X}{:02X}{:03X}",
        report.account, report.message_type, report.qualifier, report.event, report.partition, report.zone
    );
    let symbol = |key| match key {
        'B' => '*',
        'C' => '#',
        'D' => 'A',
        'E' => 'B',
        'F' => 'C',
        digit => digit,
    };
    // The checksum is the one digit that fits.
    let with = |checksum| {
        let digits = digits.chars().map(symbol).chain([checksum]);
        let digits: Vec<_> = digits.map(|key| key.try_into().expect("a key")).collect();
        panel_wire::decode(&digits).ok()
    };
    "0123456789*#ABC".chars().find_map(with).expect("some checksum fits")
}

fn total_dbm0(low_dbm0: i8, high_above_low_db: i8) -> f32 {
    let power = |dbm0: f32| 10_f32.powf(dbm0 / 10.0);
    let low = f32::from(low_dbm0);
    10.0 * (power(low) + power(low + f32::from(high_above_low_db))).log10()
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        dice.bits();
        dice
    }

    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Both ends may come.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + ((self.bits() >> 11) % (high - low + 1).unsigned_abs()) as i64
    }
}
