//! Hardware words and time: what every other crate of the box speaks.
//!
//! No clock is read here, nothing is opened, nothing blocks: this is vocabulary.

pub mod dtmf;
pub mod sample;
pub mod time;
pub mod words;

pub use dtmf::Dtmf;
pub use sample::Sample;
pub use time::{Now, Tick, Wall};
pub use words::{Family, LineId, LinkId};
