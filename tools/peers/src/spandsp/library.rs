//! The functions of `libspandsp.so.2` that are used here, looked up once.
//!
//! Signatures are those of the headers of libspandsp-dev 0.0.6.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use libloading::{Library, Symbol};

/// An object of spandsp's; never looked into.
pub(super) type State = *mut c_void;
/// `tone_report_func_t`.
pub(super) type OnTone = unsafe extern "C" fn(user: *mut c_void, code: c_int, level: c_int, delay: c_int);
/// `ademco_contactid_report_func_t`.
pub(super) type OnReport = unsafe extern "C" fn(user: *mut c_void, report: *const RawReport);
pub(super) type New<Callback> = unsafe extern "C" fn(State, Callback, *mut c_void) -> State;
pub(super) type Free = unsafe extern "C" fn(State) -> c_int;
pub(super) type Rx = unsafe extern "C" fn(State, *const i16, c_int) -> c_int;
pub(super) type Tx = unsafe extern "C" fn(State, *mut i16, c_int) -> c_int;

/// `ademco_contactid_report_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RawReport {
    pub(super) acct: c_int,
    pub(super) mt: c_int,
    pub(super) q: c_int,
    pub(super) xyz: c_int,
    pub(super) gg: c_int,
    pub(super) ccc: c_int,
}

/// spandsp could not be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("libspandsp.so.2 cannot be used: {0}. Install Debian's package libspandsp2")]
pub struct LoadError(String);

/// The functions.
pub(super) struct Functions {
    pub(super) sender_new: New<Option<OnTone>>,
    pub(super) sender_free: Free,
    pub(super) sender_rx: Rx,
    pub(super) sender_tx: Tx,
    pub(super) sender_put: unsafe extern "C" fn(State, *const RawReport) -> c_int,
    pub(super) receiver_new: New<Option<OnReport>>,
    pub(super) receiver_free: Free,
    pub(super) receiver_rx: Rx,
    pub(super) receiver_tx: Tx,
    pub(super) dtmf_tx_new: unsafe extern "C" fn(State) -> State,
    pub(super) dtmf_tx_free: Free,
    pub(super) dtmf_tx: Tx,
    pub(super) dtmf_tx_put: unsafe extern "C" fn(State, *const c_char, c_int) -> c_int,
    pub(super) dtmf_tx_level: unsafe extern "C" fn(State, c_int, c_int),
    pub(super) dtmf_tx_timing: unsafe extern "C" fn(State, c_int, c_int),
    pub(super) dtmf_rx_new: New<*const c_void>,
    pub(super) dtmf_rx_free: Free,
    pub(super) dtmf_rx: Rx,
    pub(super) dtmf_rx_parms: unsafe extern "C" fn(State, c_int, c_int, c_int, c_int),
    pub(super) dtmf_rx_get: unsafe extern "C" fn(State, *mut c_char, c_int) -> usize,
}

/// The functions, loaded at the first call.
pub(super) fn functions() -> Result<&'static Functions, LoadError> {
    static LOADED: OnceLock<Result<Functions, LoadError>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> Result<Functions, LoadError> {
    let library = open()?;
    let functions = look_up(&library)?;
    // Its code must outlive every object made by it.
    std::mem::forget(library);
    fill_tables(&functions);
    Ok(functions)
}

#[allow(unsafe_code)]
fn open() -> Result<Library, LoadError> {
    // SAFETY: the library's initialisers do nothing but set up libc.
    unsafe { Library::new("libspandsp.so.2") }.map_err(|error| LoadError(error.to_string()))
}

fn look_up(library: &Library) -> Result<Functions, LoadError> {
    Ok(Functions {
        sender_new: symbol(library, "ademco_contactid_sender_init")?,
        sender_free: symbol(library, "ademco_contactid_sender_free")?,
        sender_rx: symbol(library, "ademco_contactid_sender_rx")?,
        sender_tx: symbol(library, "ademco_contactid_sender_tx")?,
        sender_put: symbol(library, "ademco_contactid_sender_put")?,
        receiver_new: symbol(library, "ademco_contactid_receiver_init")?,
        receiver_free: symbol(library, "ademco_contactid_receiver_free")?,
        receiver_rx: symbol(library, "ademco_contactid_receiver_rx")?,
        receiver_tx: symbol(library, "ademco_contactid_receiver_tx")?,
        dtmf_tx_new: symbol(library, "dtmf_tx_init")?,
        dtmf_tx_free: symbol(library, "dtmf_tx_free")?,
        dtmf_tx: symbol(library, "dtmf_tx")?,
        dtmf_tx_put: symbol(library, "dtmf_tx_put")?,
        dtmf_tx_level: symbol(library, "dtmf_tx_set_level")?,
        dtmf_tx_timing: symbol(library, "dtmf_tx_set_timing")?,
        dtmf_rx_new: symbol(library, "dtmf_rx_init")?,
        dtmf_rx_free: symbol(library, "dtmf_rx_free")?,
        dtmf_rx: symbol(library, "dtmf_rx")?,
        dtmf_rx_parms: symbol(library, "dtmf_rx_parms")?,
        dtmf_rx_get: symbol(library, "dtmf_rx_get")?,
    })
}

#[allow(unsafe_code)]
fn symbol<F: Copy>(library: &Library, name: &str) -> Result<F, LoadError> {
    // SAFETY: the type is the one that spandsp's headers give to this name.
    let found: Result<Symbol<'_, F>, _> = unsafe { library.get(name.as_bytes()) };
    found.map(|symbol| *symbol).map_err(|error| LoadError(format!("{name}: {error}")))
}

/// spandsp fills static tables when its first object of a kind is made, without a lock: that happens
/// here, before any thread can make a second one.
#[allow(unsafe_code)]
fn fill_tables(functions: &Functions) {
    let nobody = ptr::null_mut();
    // SAFETY: a null state asks for a fresh one, which is freed at once and only once.
    unsafe {
        (functions.sender_free)((functions.sender_new)(nobody, None, nobody));
        (functions.receiver_free)((functions.receiver_new)(nobody, None, nobody));
        (functions.dtmf_tx_free)((functions.dtmf_tx_new)(nobody));
        (functions.dtmf_rx_free)((functions.dtmf_rx_new)(nobody, ptr::null(), nobody));
    }
}

/// The length of a block as C wants it.
pub(super) fn length(samples: &[i16]) -> c_int {
    c_int::try_from(samples.len()).expect("blocks are short")
}
