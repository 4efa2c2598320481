//! The pure box: told events with the time, it answers with commands.
//!
//! One mutation, then commands are drained to `None`, then the next mutation. Nothing here reads a
//! clock, a file or a socket, so a recording of events replays to the same commands.

mod appliance;
mod card;
mod command;
mod counter;
mod event;
mod recording;
mod setup;
mod state_document;
mod status;
mod telling;
mod wiring;
mod words;

pub use appliance::Appliance;
pub use command::{CardCommand, Command, MqttCommand, Uplink};
pub use counter::Counter;
pub use event::{CardEvent, CardHello, Event, MqttEvent, NetEvent};
pub use recording::{Difference, RecordedLine, ReplayError, ReplayReport, Turn, replay, turn};
pub use setup::{LineSetup, Setup};
pub use status::{CardStatus, LineStatus, MqttStatus, Status};
