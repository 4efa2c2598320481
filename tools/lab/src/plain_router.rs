//! The plainest router that could stand in the box: one default route in `main`, masquerade, and
//! nobody who watches it. What the daemon is measured against, and what tests of the lab itself use.

use anyhow::Result;

use crate::lab::Lab;
use crate::nft;
use crate::plan::{self, Link};
use crate::sysctl;
use crate::wires::{Route, Wires};

const MASQUERADE: &str = "add table inet plain\n\
    add chain inet plain out { type nat hook postrouting priority 100; }\n\
    flush table inet plain\n\
    add rule inet plain out oifname \"wan*\" masquerade\n";

/// Makes the box a plain router over one link, or turns a plain router to another link.
pub fn route_plainly(lab: &Lab, link: Link) -> Result<()> {
    nft::load(lab.branch(), MASQUERADE)?;
    lab.branch().run(|| {
        sysctl::set(sysctl::ROUTER)?;
        PlainRoutes::open()?.lead_to(link)
    })
}

/// The two routes of a plain router, in the namespace of the thread that opened it.
#[derive(Debug)]
pub struct PlainRoutes {
    wires: Wires,
}

impl PlainRoutes {
    /// Opens a session to the kernel.
    pub fn open() -> Result<Self> {
        Ok(Self { wires: Wires::open()? })
    }

    /// Replaces the default routes of both families: two requests, each acknowledged.
    pub fn lead_to(&mut self, link: Link) -> Result<()> {
        plan::gateway(link)
            .iter()
            .try_for_each(|net| self.wires.replace_route(&Route::default_via(net.address)))
    }
}
