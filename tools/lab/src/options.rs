//! What a lab can be asked to be.

use crate::plan::{Link, MAX_LINKS};

/// A lab to be built. The default has two links, `fibre` and `lte`.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// In order of preference; at most [`MAX_LINKS`].
    pub links: Vec<LinkOptions>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { links: vec![LinkOptions::named("fibre"), LinkOptions::named("lte")] }
    }
}

impl LabOptions {
    /// Every link with its number.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Link, &LinkOptions)> {
        (1..=MAX_LINKS).filter_map(Link::new).zip(&self.links)
    }
}

/// One link of a lab.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// What people call it, in the site file and in every report.
    pub name: String,
    /// Metered in the site file.
    pub metered: bool,
    /// Where the daemon is to take its gateways from.
    pub gateway: GatewayFrom,
    /// How promptly the kernel tells of a lost carrier.
    pub carrier: Carrier,
}

impl LinkOptions {
    /// An unmetered link with static gateways and prompt carrier events.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            metered: false,
            gateway: GatewayFrom::SiteFile,
            carrier: Carrier::Prompt,
        }
    }
}

/// Where the daemon is to take a link's gateways from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayFrom {
    /// Written in the site file.
    SiteFile,
    /// From default routes in `main`, as a DHCP client and a router advertisement leave them.
    MainTable,
}

/// How promptly the kernel tells of a lost carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Within a fraction of a millisecond, always.
    Prompt,
    /// At most once a second, as it does for real network cards.
    RateLimited,
}
