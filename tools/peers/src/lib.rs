//! Peers that nobody here wrote, for tests and benchmarks, and the copper between them and the box.
//!
//! * [`spandsp`]: a Contact ID panel, a receiver, a sender and a detector of DTMF (Debian's `libspandsp2`).
//! * [`copper`]: level, clock, noise and G.711 between a telephone and its exchange.
//!
//! It imports no crate of the product: what it says about the product is somebody else's word. Nothing of
//! it is shipped.

pub mod copper;
pub mod g711;
pub mod spandsp;
