//! The alarm path through the whole box, from digits to kiss-off, in virtual time.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used)]

mod card;
mod panel;
mod site;
mod station;
mod world;

mod kiss_off;
mod outage;
mod speaking;
