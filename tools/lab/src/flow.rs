//! Measurement traffic from the LAN host to the internet: what the people in the branch would feel.
//!
//! Packets are stamped and numbered by the sender; every judgement is a pure function of what was
//! sent and what arrived. Times of lost packets are never estimated.

mod stamped;
mod tcp;
mod udp;
mod window;

pub use tcp::{TcpFlow, TcpReport};
pub use udp::{UdpFlow, UdpReport};
pub use window::PathReport;

/// A flow's address family: flows of both can run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowFamily {
    /// Over IPv4.
    V4,
    /// Over IPv6.
    V6,
}

impl FlowFamily {
    /// Its place in the pairs of [`crate::plan`].
    const fn index(self) -> usize {
        match self {
            Self::V4 => 0,
            Self::V6 => 1,
        }
    }
}
