//! A branch, its ISPs and an internet in network namespaces, and everything that can befall them.
//!
//! It builds, breaks, runs and measures; it never judges: what must hold is said by whoever uses
//! it. It shares no code with the daemon beyond the netlink session it wires its cables with.
//!
//! ```no_run
//! use lab::{Blackhole, Lab, LabOptions, Link};
//!
//! # fn main() -> anyhow::Result<()> {
//! let mut lab = Lab::build(&LabOptions::default())?;
//! lab.blackhole(Link::A, Blackhole::default())?;
//! lab.heal(Link::A)?;
//! # Ok(())
//! # } // dropped: processes, namespaces and files are gone
//! ```

mod branch;
mod broker;
mod card;
mod carrier;
mod certificates;
mod flow;
mod interrupt;
mod keeper;
mod lab;
mod line_socket;
mod lines;
mod namespace;
mod nft;
mod options;
mod plain_router;
pub mod plan;
mod prefix;
mod program;
mod route_watch;
mod site_file;
mod station;
mod sysctl;
mod teardown;
mod topology;
mod wires;

use anyhow::{Result, bail};

pub use branch::Branch;
pub use broker::{Broker, PORT as BROKER_PORT};
pub use card::Card;
pub use carrier::CarrierEvents;
pub use certificates::{BROKER_NAME, COLLECTOR_NAME, Certificates, Identity};
pub use flow::{FlowFamily, PathReport, TcpFlow, TcpReport, UdpFlow, UdpReport};
pub use interrupt::tear_down_on_signals;
pub use lab::Lab;
pub use lines::Lines;
pub use namespace::Namespace;
pub use nft::{Blackhole, Families, Sent, Way};
pub use options::{Carrier, GatewayFrom, LabOptions, LinkOptions};
pub use plain_router::{PlainRoutes, route_plainly};
pub use plan::Link;
pub use prefix::Prefix;
pub use program::{Program, binary};
pub use route_watch::{RouteWatch, Seen, Switch};
pub use site_file::SiteOptions;
pub use station::{STATION_PORT, Station};
pub use teardown::sweep;

/// An error that says what to do unless the process runs as root.
pub fn require_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    bail!("network namespaces need root: run the same command with sudo, or as root")
}
