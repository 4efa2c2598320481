//! Delivers signals to alarm receiving centres: stations in order, paths (links) in order, until one
//! has taken each signal over.
//!
//! ```text
//!  submitted ──> queue ──> try: station s, path p ──ACK──────────────> delivered
//!                 ^  by urgency   │  ^   │ no answer: next path; all paths tried twice: next station
//!                 │               │  └───┘
//!                 └── no usable link: wait for one   NAK: correct the message clock, same sequence
//!                                                    DUH: next station at once
//! ```
//! The machine deals in [`station_wire::Request`] and [`station_wire::Reply`]; keys and sockets are the
//! port's, which hands up only frames from the station's own address. A reply counts when
//! [`station_wire::Reply::acknowledges`] says so, whichever path it came by.

mod action;
mod clock;
mod config;
mod delivery;
mod pairs;
mod path;
mod queue;
mod stations;

pub use action::{Action, Event, SignalKey, Submission, Trouble};
pub use config::{PathId, StationConfig, StationId, StationsConfig};
pub use stations::{PathStatus, Stations, StationsStatus};
