//! What the site wants of its links, already checked.

use core::net::IpAddr;
use core::time::Duration;

use hal::{Family, LinkId};
use serde::{Deserialize, Serialize};

/// All links of a site, in the order of the site file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WanConfig {
    /// At least one link; ids are distinct.
    pub links: Vec<LinkConfig>,
    /// How fast links are judged and how long they are mistrusted.
    pub timing: Timing,
}

/// One link as the site file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkConfig {
    /// Its number, table and mark.
    pub id: LinkId,
    /// The name people use, at most 15 characters.
    pub name: String,
    /// Smaller is preferred; equal ranks are kept as they stand.
    pub rank: u8,
    /// A metered link is probed slowly while it is on standby.
    pub metered: bool,
    /// Echo targets of both families; a family without targets is never used for traffic.
    pub targets: Vec<IpAddr>,
    /// How many targets of a family must answer for a round to count as answered.
    pub quorum: u8,
}

impl LinkConfig {
    /// The targets of one family, in order.
    pub fn targets_of(&self, family: Family) -> impl Iterator<Item = IpAddr> + '_ {
        self.targets.iter().copied().filter(move |t| Family::of(t) == family)
    }
}

/// Times of judgement. All are real time, none depends on the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Between probe rounds on the link that carries traffic; a metered one that no other link could
    /// relieve is probed at `probe_standby`.
    pub probe_active: Duration,
    /// Between probe rounds on an unmetered standby link.
    pub probe_standby: Duration,
    /// Between probe rounds on a metered standby link, while the active one is not in doubt.
    pub probe_metered: Duration,
    /// Between probe rounds once a round was missed, until the verdict stands.
    pub probe_burst: Duration,
    /// A probe is missed after `max(4 * srtt, timeout_floor)`.
    pub timeout_floor: Duration,
    /// Consecutive missed rounds (the first one included) that make a link down.
    pub rounds_down: u8,
    /// How long every round must be answered before a down link counts as up again.
    pub hold_down: Duration,
    /// How long a better link must have been up before traffic goes back to it.
    pub failback_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_active: Duration::from_millis(200),
            probe_standby: Duration::from_secs(1),
            probe_metered: Duration::from_secs(30),
            probe_burst: Duration::from_millis(50),
            timeout_floor: Duration::from_millis(200),
            rounds_down: 3,
            hold_down: Duration::from_secs(3),
            failback_after: Duration::from_secs(60),
        }
    }
}
