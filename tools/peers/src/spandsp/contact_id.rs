//! Contact ID at both ends: a panel that judges what it hears, and a receiver.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;

use super::library::{Functions, LoadError, RawReport, State, functions, length};

/// The fields of a message, each digit a nibble: account 0x1234, event 0x131.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// Four digits.
    pub account: u16,
    /// 0x18 or 0x98.
    pub message_type: u8,
    /// 1, 3 or 6.
    pub qualifier: u8,
    /// Three digits.
    pub event: u16,
    /// Two digits.
    pub partition: u8,
    /// Three digits.
    pub zone: u16,
}

/// How a panel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// A digit lasts so long.
    pub on_ms: u8,
    /// The pause after it.
    pub off_ms: u8,
    /// Level of the low group, dBm0.
    pub low_dbm0: i8,
    /// The high group above the low group, dB.
    pub high_above_low_db: i8,
}

/// What a panel has concluded so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Good handshakes: it may speak.
    pub handshakes: u32,
    /// Good kiss-offs: a message was taken over.
    pub kiss_offs: u32,
    /// Messages given up.
    pub failures: u32,
}

/// A panel: it waits for the handshake, sends its message, and judges the kiss-off.
pub struct Panel {
    state: State,
    functions: &'static Functions,
    judgement: Box<Cell<Judgement>>,
}

/// An alarm receiver: it handshakes, takes messages, and kisses off at once.
pub struct Receiver {
    state: State,
    functions: &'static Functions,
    reports: Box<RefCell<Vec<Report>>>,
}

/// `struct ademco_contactid_sender_state_s` (spandsp/private/ademco_contactid.h) begins with two
/// pointers and two ints; its DTMF sender follows.
const DIGITS_OF_SENDER: usize = 2 * size_of::<*const c_void>() + 2 * size_of::<c_int>();

// SAFETY: spandsp's objects belong to no thread, and nothing of this one is reached from elsewhere.
#[allow(unsafe_code)]
unsafe impl Send for Panel {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Send for Receiver {}

impl Panel {
    /// A panel on hook with nothing to say.
    ///
    /// # Errors
    /// When spandsp is not installed.
    #[allow(unsafe_code)]
    pub fn new() -> Result<Self, LoadError> {
        let functions = functions()?;
        let judgement = Box::<Cell<Judgement>>::default();
        let user = ptr::from_ref::<Cell<Judgement>>(&judgement).cast_mut().cast();
        // SAFETY: the box outlives the state, which is freed in `drop`.
        let state = unsafe { (functions.sender_new)(ptr::null_mut(), Some(on_tone), user) };
        assert!(!state.is_null(), "spandsp is out of memory");
        Ok(Self { state, functions, judgement })
    }

    /// How it speaks from its next digit on.
    #[allow(unsafe_code)]
    pub fn speak(&mut self, voice: Voice) {
        // SAFETY: the digit sender is a part of the state, at this place.
        unsafe {
            let digits = self.state.byte_add(DIGITS_OF_SENDER);
            (self.functions.dtmf_tx_timing)(digits, voice.on_ms.into(), voice.off_ms.into());
            (self.functions.dtmf_tx_level)(digits, voice.low_dbm0.into(), voice.high_above_low_db.into());
        }
    }

    /// Gives it a message to send when it may; `false`: it is busy, or a digit is an `A`.
    #[allow(unsafe_code)]
    pub fn put(&mut self, report: Report) -> bool {
        let raw = RawReport::from(report);
        // SAFETY: the report is read before the call returns.
        unsafe { (self.functions.sender_put)(self.state, &raw) >= 0 }
    }

    /// It hears this.
    #[allow(unsafe_code)]
    pub fn hear(&mut self, samples: &[i16]) {
        // SAFETY: exactly these samples are read.
        unsafe { (self.functions.sender_rx)(self.state, samples.as_ptr(), length(samples)) };
    }

    /// What it says; silence is said as silence.
    #[allow(unsafe_code)]
    pub fn say(&mut self, samples: &mut [i16]) {
        samples.fill(0);
        // SAFETY: at most these samples are written.
        unsafe { (self.functions.sender_tx)(self.state, samples.as_mut_ptr(), length(samples)) };
    }

    /// What it has concluded.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        self.judgement.get()
    }
}

impl Drop for Panel {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made by `new` and is freed once.
        unsafe { (self.functions.sender_free)(self.state) };
    }
}

impl Receiver {
    /// A receiver that has just answered.
    ///
    /// # Errors
    /// When spandsp is not installed.
    #[allow(unsafe_code)]
    pub fn new() -> Result<Self, LoadError> {
        let functions = functions()?;
        let reports = Box::<RefCell<Vec<Report>>>::default();
        let user = ptr::from_ref::<RefCell<Vec<Report>>>(&reports).cast_mut().cast();
        // SAFETY: the box outlives the state, which is freed in `drop`.
        let state = unsafe { (functions.receiver_new)(ptr::null_mut(), Some(on_report), user) };
        assert!(!state.is_null(), "spandsp is out of memory");
        Ok(Self { state, functions, reports })
    }

    /// It hears this; the messages that it took.
    #[allow(unsafe_code)]
    pub fn hear(&mut self, samples: &[i16]) -> Vec<Report> {
        // SAFETY: exactly these samples are read.
        unsafe { (self.functions.receiver_rx)(self.state, samples.as_ptr(), length(samples)) };
        self.reports.take()
    }

    /// What it says; silence is said as silence.
    #[allow(unsafe_code)]
    pub fn say(&mut self, samples: &mut [i16]) {
        samples.fill(0);
        // SAFETY: at most these samples are written.
        unsafe { (self.functions.receiver_tx)(self.state, samples.as_mut_ptr(), length(samples)) };
    }
}

impl Drop for Receiver {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made by `new` and is freed once.
        unsafe { (self.functions.receiver_free)(self.state) };
    }
}

impl From<Report> for RawReport {
    fn from(report: Report) -> Self {
        Self {
            acct: report.account.into(),
            mt: report.message_type.into(),
            q: report.qualifier.into(),
            xyz: report.event.into(),
            gg: report.partition.into(),
            ccc: report.zone.into(),
        }
    }
}

impl From<RawReport> for Report {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as many hex digits as fit")]
    fn from(raw: RawReport) -> Self {
        Self {
            account: raw.acct as u16,
            message_type: raw.mt as u8,
            qualifier: raw.q as u8,
            event: raw.xyz as u16,
            partition: raw.gg as u8,
            zone: raw.ccc as u16,
        }
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn on_tone(user: *mut c_void, code: c_int, _: c_int, _: c_int) {
    // SAFETY: `Panel::new` gave this pointer, and the panel lives while its state is called.
    let judgement = unsafe { &*user.cast::<Cell<Judgement>>() };
    let mut seen = judgement.get();
    match code {
        -1 => seen.handshakes += 1,
        1 => seen.kiss_offs += 1,
        _ => seen.failures += 1,
    }
    judgement.set(seen);
}

#[allow(unsafe_code)]
unsafe extern "C" fn on_report(user: *mut c_void, report: *const RawReport) {
    // SAFETY: `Receiver::new` gave the first pointer; spandsp gives the second for this call.
    let (reports, report) = unsafe { (&*user.cast::<RefCell<Vec<Report>>>(), *report) };
    reports.borrow_mut().push(report.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: Report = Report {
        account: 0x1234,
        message_type: 0x18,
        qualifier: 1,
        event: 0x131,
        partition: 0x01,
        zone: 0x015,
    };

    /// Both on one line for so many blocks of 10 ms; what was heard, and the audio of the panel.
    fn talk(panel: &mut Panel, receiver: &mut Receiver, blocks: usize) -> (Vec<Report>, Vec<i16>) {
        let (mut heard, mut audio) = (Vec::new(), Vec::new());
        let mut block = [0; 80];
        for _ in 0..blocks {
            receiver.say(&mut block);
            panel.hear(&block);
            panel.say(&mut block);
            audio.extend(block);
            heard.extend(receiver.hear(&block));
        }
        (heard, audio)
    }

    #[test]
    fn a_panel_reaches_a_receiver_and_is_kissed_off() {
        let (mut panel, mut receiver) = (Panel::new().unwrap(), Receiver::new().unwrap());
        assert!(panel.put(REPORT));
        let (heard, _) = talk(&mut panel, &mut receiver, 400);
        assert_eq!(heard, [REPORT]);
        assert_eq!(panel.judgement(), Judgement { handshakes: 1, kiss_offs: 1, failures: 0 });
    }

    #[test]
    fn a_panel_speaks_as_it_is_told() {
        for (on_ms, off_ms, low_dbm0, high_above_low_db) in [(50, 60, -10, 0), (60, 50, -30, -6)] {
            let (mut panel, mut receiver) = (Panel::new().unwrap(), Receiver::new().unwrap());
            panel.speak(Voice { on_ms, off_ms, low_dbm0, high_above_low_db });
            assert!(panel.put(REPORT));
            let (heard, audio) = talk(&mut panel, &mut receiver, 400);
            assert_eq!(heard, [REPORT], "{on_ms}/{off_ms}");
            let sounding = audio.iter().filter(|sample| **sample != 0).count();
            let expected = 16 * 8 * usize::from(on_ms);
            assert!(sounding.abs_diff(expected) < expected / 50, "{sounding} of {expected} samples sound");
            let peak = audio.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert_eq!(peak > 4_000, low_dbm0 == -10, "{peak}");
        }
    }

    #[test]
    fn a_panel_that_is_busy_or_is_given_an_a_takes_nothing() {
        let mut panel = Panel::new().unwrap();
        assert!(!panel.put(Report { account: 0x12A4, ..REPORT }));
        assert!(panel.put(REPORT));
        assert!(!panel.put(REPORT));
    }

    #[test]
    fn a_panel_that_hears_nothing_says_nothing() {
        let mut panel = Panel::new().unwrap();
        assert!(panel.put(REPORT));
        let mut block = [0; 80];
        for _ in 0..1_000 {
            panel.hear(&block);
            panel.say(&mut block);
            assert_eq!(block, [0; 80]);
        }
        assert_eq!(panel.judgement(), Judgement::default());
    }
}
