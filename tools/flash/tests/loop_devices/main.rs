//! The real program on loop devices: what it lists, writes and refuses. As root.

mod common;
mod listed;
mod map_of;
mod refused;
mod written;
