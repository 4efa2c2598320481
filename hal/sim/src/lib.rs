//! Models of the world outside the box, for tests: links, the kernel's routes, and time itself.
//!
//! Everything is sans-IO and seeded, so that a simulated day takes a moment and repeats to the byte.
//! Nothing here is part of the product, and nothing here decides: the models only suffer and answer.

mod entropy;
mod kernel;
mod link;
mod world;

pub use entropy::Entropy;
pub use kernel::SimKernel;
pub use link::{Path, SimLink};
pub use world::{Fault, LogEntry, World};
