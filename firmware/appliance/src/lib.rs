//! The pure box: told events with the time, it answers with commands.
//!
//! One mutation, then commands are drained to `None`, then the next mutation. Nothing here reads a
//! clock, a file or a socket, so a recording of events replays to the same commands.

mod command;
mod event;

pub use command::{CardCommand, Command, MqttCommand, Uplink};
pub use event::{CardEvent, CardHello, Event, MqttEvent, NetEvent};
