//! A line card on a pseudo-terminal: `hal/linecard`, paced like a wire, with faults on command.
//!
//! A panel, a sound file or any [`Telephone`] can be plugged into a line, and both directions of it
//! be recorded. The core, [`Simulator`], is sans-IO; [`run()`] gives it a pty, a clock and people to obey. It
//! refuses to invent protocol of its own: every frame is written by the card's core.

mod command;
mod control;
mod flips;
mod jacks;
mod noise;
mod pace;
mod panel;
mod player;
mod pty;
mod report;
mod run;
mod simulator;
mod spawn;
mod telephone;
mod wav;

pub use command::{Answer, Command, Status};
pub use control::Control;
pub use panel::{PanelEvent, PanelSettings, PanelStatus};
pub use report::Report;
pub use run::{Options, Sink, Telephones, run, run_with};
pub use simulator::{Settings, Simulator};
pub use spawn::{Handle, spawn, spawn_with};
pub use telephone::{Telephone, Turn};
pub use wav::Tap;
