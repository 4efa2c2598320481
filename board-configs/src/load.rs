//! From files to boards and sites.

mod board;
mod lines;
mod links;
mod mqtt;
mod ports;
mod site;
mod stations;
mod targets;
mod timing;

pub use board::{load_board, read_board};
pub use site::{load_site, read_site};
