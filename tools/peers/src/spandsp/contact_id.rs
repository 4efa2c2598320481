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
