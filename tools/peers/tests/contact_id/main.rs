//! Contact ID with a panel that nobody here wrote, clocked by samples: spandsp speaks through bad copper,
//! the box's ear and its line machine answer, and spandsp judges the answer.
//!
//! The daemon, the serial line and real time are not here: they are in `calls`.

mod exchange;
mod messages;
mod panel;
