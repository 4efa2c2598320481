//! Tones and digits: what is played on a line, as data, and what is heard on it.
//!
//! Samples in, digits and call tones with their sample numbers out; nothing is allocated and nothing is drawn from a
//! clock.

mod ear;
mod goertzel;
mod machine;
mod notch;
pub mod tones;

pub use ear::{Heard, LineEar};
pub use machine::CallTone;
