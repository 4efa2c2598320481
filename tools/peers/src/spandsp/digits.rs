//! DTMF alone: a sender and a detector.

use std::ffi::{c_char, c_int};
use std::ptr;

use super::library::{Functions, LoadError, State, functions, length};

/// Sends digits.
pub struct DigitSender {
    state: State,
    functions: &'static Functions,
}

/// Hears digits, to Q.24 as spandsp understands it.
pub struct DigitDetector {
    state: State,
    functions: &'static Functions,
}

/// Digits that the detector keeps until they are taken.
const KEPT: usize = 128;

// SAFETY: spandsp's objects belong to no thread, and nothing of this one is reached from elsewhere.
#[allow(unsafe_code)]
unsafe impl Send for DigitSender {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Send for DigitDetector {}

impl DigitSender {
    /// A sender: `level_dbm0` is that of the low group, and the high group is so many dB above it.
    ///
    /// # Errors
    /// When spandsp is not installed.
    #[allow(unsafe_code)]
    pub fn new(on_ms: u16, off_ms: u16, level_dbm0: i8, high_above_low_db: i8) -> Result<Self, LoadError> {
        let functions = functions()?;
        // SAFETY: a null state asks for a fresh one, freed in `drop`.
        let state = unsafe { (functions.dtmf_tx_new)(ptr::null_mut()) };
        assert!(!state.is_null(), "spandsp is out of memory");
        // SAFETY: the state is a digit sender's.
        unsafe {
            (functions.dtmf_tx_timing)(state, on_ms.into(), off_ms.into());
            (functions.dtmf_tx_level)(state, level_dbm0.into(), high_above_low_db.into());
        }
        Ok(Self { state, functions })
    }

    /// Queues digits: `0` to `9`, `*`, `#`, `A` to `D`; up to 128 wait.
    ///
    /// # Panics
    /// When they do not fit.
    #[allow(unsafe_code)]
    pub fn put(&mut self, digits: &str) {
        let count = c_int::try_from(digits.len()).expect("a few digits");
        // SAFETY: exactly these octets are read.
        let left =
            unsafe { (self.functions.dtmf_tx_put)(self.state, digits.as_ptr().cast::<c_char>(), count) };
        assert_eq!(left, 0, "more digits than spandsp queues");
    }

    /// The next samples; how many of them are still digits or pauses. The rest is silence.
    #[allow(unsafe_code)]
    pub fn say(&mut self, samples: &mut [i16]) -> usize {
        samples.fill(0);
        // SAFETY: at most these samples are written.
        let said = unsafe { (self.functions.dtmf_tx)(self.state, samples.as_mut_ptr(), length(samples)) };
        usize::try_from(said).expect("a count")
    }
}

impl Drop for DigitSender {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made by `new` and is freed once.
        unsafe { (self.functions.dtmf_tx_free)(self.state) };
    }
}

impl DigitDetector {
    /// A detector with spandsp's own limits; `filter`: it takes dial tone out first.
    ///
    /// # Errors
    /// When spandsp is not installed.
    #[allow(unsafe_code)]
    pub fn new(filter: bool) -> Result<Self, LoadError> {
        let functions = functions()?;
        // SAFETY: a null state asks for a fresh one, freed in `drop`; without a callback digits are kept.
        let state = unsafe { (functions.dtmf_rx_new)(ptr::null_mut(), ptr::null(), ptr::null_mut()) };
        assert!(!state.is_null(), "spandsp is out of memory");
        // SAFETY: the state is a detector's; negative limits leave what is there.
        unsafe { (functions.dtmf_rx_parms)(state, c_int::from(filter), -1, -1, -99) };
        Ok(Self { state, functions })
    }

    /// It hears this; the digits that began in it.
    #[allow(unsafe_code)]
    pub fn hear(&mut self, samples: &[i16]) -> String {
        let mut kept: [c_char; KEPT + 1] = [0; KEPT + 1];
        // SAFETY: exactly these samples are read, and at most KEPT digits and a NUL are written.
        let count = unsafe {
            (self.functions.dtmf_rx)(self.state, samples.as_ptr(), length(samples));
            (self.functions.dtmf_rx_get)(self.state, kept.as_mut_ptr(), KEPT as c_int)
        };
        kept.iter().take(count).filter_map(|digit| u8::try_from(*digit).ok()).map(char::from).collect()
    }
}

impl Drop for DigitDetector {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made by `new` and is freed once.
        unsafe { (self.functions.dtmf_rx_free)(self.state) };
    }
}
