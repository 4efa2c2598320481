//! The daemon's wires, one module each. They do what the appliance asks for and tell it what happened;
//! none of them decides anything, and none waits for another.

pub mod card;
pub mod control;
pub mod evidence;
pub mod mqtt;
pub mod net;
pub mod power;
pub mod recorder;
pub mod station;
pub mod store;
pub mod tls;

mod bound;
mod bridge;
