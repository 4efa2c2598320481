//! One analogue line: what a panel or a phone on it hears, and what is understood of it.
//!
//! ```text
//!            off-hook            digit             pause after the number
//!  OnHook ───────────> DialTone ───────> Dialling ─────┬─────────────> Settling      (alarm)
//!    ^                    │ nothing dialled            └─────────────> Reorder       (phone)
//!    │                    v                                               │ 1.25 s
//!    │                 Reorder ──30 s──> Howler ──60 s──> Parked          v
//!    │                    ^                                  ┌────── Handshaking <──┐
//!    │ on-hook >= 300 ms  │ silence for 30 s                 │  tones done          │ no digit
//!    └── (any state)      └──────────────────────────── Receiving ──────────────────┘ for 2 s
//! ```
//! Receiving is the law of the kiss-off: it begins only after the station took the signal over *and*
//! while the panel listens, 200 ms to 1.1 s after the end of a complete valid repeat. The card keeps
//! that window to the sample; this machine only says what it is.

mod action;
mod config;
mod event;
mod ledger;
mod line;
mod receiver;
mod voltage;

pub use action::{Action, CallId, PlayId, SignalId, Step, Window};
pub use config::{LineConfig, Profile};
pub use event::{Event, TonesEnd};
pub use line::{Line, LineStatus};
