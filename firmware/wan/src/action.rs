//! What the machine asks for.

use core::net::IpAddr;

use hal::{Family, LinkId};
use serde::{Deserialize, Serialize};

use crate::Notice;

/// One thing the machine wants done or told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send one echo request.
    SendProbe(Probe),
    /// Make the kernel look like this plan. Answered by [`crate::RoutesApplied`].
    ApplyRoutes(RoutePlan),
    /// Delete the conntrack entries marked with this link; only after a switch away from it stands,
    /// and never while it still carries the other family.
    FlushFlows {
        /// The link whose flows are dead.
        link: LinkId,
    },
    /// Something people should know.
    Tell(Notice),
}

/// One echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The link it must leave by.
    pub link: LinkId,
    /// Bound as source.
    pub source: IpAddr,
    /// Where to.
    pub target: IpAddr,
    /// Comes back in the outcome; unique per link and target until it wraps.
    pub sequence: u32,
}

/// The kernel as the machine wants it: declarative, complete, idempotent.
///
/// Executed in this order: the active default of each family (one replace each), then everything
/// else. Nothing is ever deleted before its successor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutePlan {
    /// Rises with every plan.
    pub generation: u64,
    /// The default route of each link's own table and its `from` rule, both families.
    pub tables: Vec<Hop>,
    /// Table 99, IPv4.
    pub v4: FamilyPlan,
    /// Table 99, IPv6.
    pub v6: FamilyPlan,
}

impl RoutePlan {
    /// The plan of one family.
    #[must_use]
    pub const fn family(&self, family: Family) -> &FamilyPlan {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// The defaults of one family in table 99.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyPlan {
    /// Metric 10. `None`: leave whatever stands.
    pub active: Option<Hop>,
    /// Metric 20. `None`: there is to be none.
    pub standby: Option<Hop>,
}

/// A default route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The link it leads to.
    pub link: LinkId,
    /// Its interface at the time of the plan.
    pub ifindex: u32,
    /// `None` on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// Preferred source.
    pub source: IpAddr,
}

impl Hop {
    /// The family of the route.
    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(&self.source)
    }
}
