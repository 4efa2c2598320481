//! Boards and sites: from TOML to values that need no further checking.
//!
//! ```text
//!   text ──> toml ──> Section: types, ranges, unknown keys ──> load: meaning ──> Board, Site
//!                        ^ described once, in keys/               all mistakes at once
//! ```
//! A [`Board`] is what the hardware is; a [`Site`] is what a branch wants of it. A file is read
//! twice: key by key after the description that also makes the JSON Schemas and the tables of the
//! documentation, then for its meaning. Every mistake is told with file, line, key, expectation and
//! remedy. Files are read by a function that the caller passes in: nothing here touches a disk, and
//! nothing here asks whether a file that is named exists.

mod board;
mod broker;
mod effective;
pub mod key;
mod keys;
mod load;
mod problem;
mod secret;
mod section;
mod site;
mod source;
mod suggest;
mod units;
mod value;

pub use board::{Board, CardPort, PowerFolders};
pub use effective::{Effective, Loaded, Origin};
pub use keys::{BOARD, SITE};
pub use load::{load_board, load_site, read_board, read_site};
pub use problem::{Errors, Problem};
pub use site::{
    Insecure, KeyEncoding, Lan, LineConfig, LineProfile, MqttConfig, Release, Secret, Site, SpoolConfig,
    StationKey, StationSettings, StationTransport, WanLink,
};
pub use source::Read;
pub use units::spell_time;
