//! The station machine and its wire, from a submission to the acknowledgement, against stations that
//! share no code with them: our own strict one, which can misbehave, and pysiaalarm, which is somebody
//! else's. tshark judges what went over the wire as TCP; it has no dissector for DC-09.
//!
//! Root: sockets are marked as those of a link.

mod delivery;
mod desk;
mod forgery;
mod namespace;
mod peer;
mod pysiaalarm;
mod segments;
mod wrong;
