//! Writes an image to cards and disks, proves every range by reading it back, and touches nothing else.

pub mod bmap;
pub mod card;
pub mod disks;
#[cfg(test)]
mod fake;
pub mod flash;
pub mod guard;
pub mod image;
pub mod machine;
pub mod manifest;
#[cfg(test)]
#[path = "../tests/loop_devices/map_of.rs"]
mod map_of;
pub mod pieces;
pub mod plan;
pub mod prepare;
pub mod target;
pub mod words;
