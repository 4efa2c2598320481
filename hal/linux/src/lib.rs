//! The kernel's side of the box: netlink, ping sockets, nftables, sysctls, the clock and the power supplies.
//!
//! Everything here blocks or never waits; nothing here knows a runtime, starts a thread or decides
//! anything. What carries traffic is decided in `wan`, who is called when in `ports`.

pub mod clock;
pub mod links;
pub mod netlink;
pub mod nft;
pub mod ping;
pub mod power;
pub mod router;
pub mod routing;
pub mod sysctl;
