//! The real program on loop devices: what it writes and what it refuses. As root.

mod common;
mod map_of;
mod refused;
mod written;
