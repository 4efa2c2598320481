//! Tones and digits: what is played on a line, as data, and what is heard on it.

pub mod tones;
