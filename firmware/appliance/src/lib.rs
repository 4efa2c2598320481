//! The pure box: told events with the time, it answers with commands.
//!
//! One mutation, then commands are drained to `None`, then the next mutation. Nothing here reads a
//! clock, a file or a socket, so a recording of events replays to the same commands.

mod alarm;
mod appliance;
mod calls;
mod card;
mod command;
mod counter;
mod delivery;
mod entry;
mod event;
mod on_test;
mod own_signals;
mod paths;
mod recording;
mod recovery;
mod setup;
mod signals;
mod state_document;
mod status;
mod telling;
mod voice;
mod wiring;
mod words;

pub use appliance::Appliance;
pub use command::{CardCommand, Command, MqttCommand, StationCommand, Uplink};
pub use counter::Counter;
pub use entry::{Entry, SignalEntry};
pub use event::{
    CardEvent, CardHello, Event, EvidenceReport, MqttEvent, NetEvent, Order, PowerFacts, StationEvent,
};
pub use recording::{Difference, RecordedLine, ReplayError, ReplayReport, Turn, replay, turn};
pub use recovery::{OpenSignal, Recovery};
pub use setup::{LineSetup, Setup, StationsSetup};
pub use status::{AlarmStatus, CardStatus, LineStatus, MqttStatus, PathStatus, Status};
