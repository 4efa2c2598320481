//! Boards and sites: from TOML to values that need no further checking.
//!
//! A [`Board`] is what the hardware is; a [`Site`] is what a branch wants of it. Both are parsed
//! twice: a raw mirror of the file that refuses unknown keys, then its meaning. Files are read by a
//! function that the caller passes in, so that nothing here touches a disk.

mod board;
mod site;

pub use board::{Board, CardPort};
pub use site::{
    Insecure, Lan, LineConfig, LineProfile, MqttConfig, Release, Secret, Site, SpoolConfig, WanLink,
};
