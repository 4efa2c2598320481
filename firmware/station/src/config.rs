//! Which stations there are and how they are spoken to.

use core::fmt;
use core::time::Duration;

use hal::LinkId;
use serde::{Deserialize, Serialize};
use station_wire::{Address, Sequence, SupervisionFormat};

/// A station, by its place in the site file, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StationId(pub u8);

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "station{}", self.0)
    }
}

/// A way to a station: over one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PathId {
    /// To which station.
    pub station: StationId,
    /// Over which link.
    pub link: LinkId,
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.station, self.link)
    }
}

/// All stations of a site, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationsConfig {
    /// At least one; the first is the one to use.
    pub stations: Vec<StationConfig>,
    /// Links in the order of preference; a path exists for each station and link.
    pub links: Vec<LinkId>,
}

/// One station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationConfig {
    /// The name people use.
    pub name: String,
    /// The box's own address at the station, for supervision; a signal carries its panel's account.
    pub address: Address,
    /// Frames are encrypted; an acknowledgement in clear does not count.
    pub encrypted: bool,
    /// A sign of life on every path at least so often; a message that was acknowledged counts as one.
    pub supervise_every: Duration,
    /// How the sign of life is spelled.
    pub supervision: SupervisionFormat,
    /// The first sequence to use: beyond all that were ever used, as the store remembers.
    pub first_sequence: Sequence,
}
