//! Panels that nobody here wrote, on every line of a card, through the real daemon to a station, in real
//! time.

mod cast;
mod kills;
mod telephone;
mod traffic;
