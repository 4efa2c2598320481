//! What a branch wants.

use std::path::PathBuf;
use std::time::Duration;

use hal::{LineId, LinkId};
use noc_messages::SiteId;
use wan::{Timing, WanConfig};

/// A site, checked against its board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The site's name; also the MQTT client id and the certificate's common name.
    pub site: SiteId,
    /// The LAN side.
    pub lan: Lan,
    /// The WAN links, in the order of the file.
    pub links: Vec<WanLink>,
    /// How links are judged.
    pub timing: Timing,
    /// The analogue lines in use.
    pub lines: Vec<LineConfig>,
    /// The stations (alarm receiving centres), the preferred one first; empty: panels are not served.
    pub stations: Vec<StationSettings>,
    /// Between two periodic tests (E602) of the box at its station; `None`: none.
    pub test_every: Option<Duration>,
    /// The broker; `None` for a site that reports to nobody.
    pub mqtt: Option<MqttConfig>,
    /// Bounds of the telemetry spool.
    pub spool: SpoolConfig,
    /// Safety switches taken off, each by its word.
    pub insecure: Vec<Insecure>,
}

impl Site {
    /// The part of the site that the WAN machine needs.
    #[must_use]
    pub fn wan_config(&self) -> WanConfig {
        WanConfig {
            links: self.links.iter().map(|l| l.judged.clone()).collect(),
            timing: self.timing.clone(),
        }
    }

    /// A link by its number.
    #[must_use]
    pub fn link(&self, id: LinkId) -> Option<&WanLink> {
        self.links.iter().find(|l| l.judged.id == id)
    }
}

/// The LAN side of the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lan {
    /// The kernel's interface name.
    pub interface: String,
}

/// A WAN link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WanLink {
    /// What the WAN machine judges.
    pub judged: wan::LinkConfig,
    /// The kernel's interface name.
    pub interface: String,
    /// The IPv4 gateway; `None`: taken from the default route that a DHCP client put into `main`.
    pub gateway4: Option<std::net::Ipv4Addr>,
    /// The IPv6 gateway; `None`: taken from the default route in `main` (router advertisement).
    pub gateway6: Option<std::net::Ipv6Addr>,
}

/// An analogue line in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineConfig {
    /// Its place on the connector strip, from 0.
    pub line: LineId,
    /// What hangs on it.
    pub profile: LineProfile,
    /// What people call it.
    pub name: String,
    /// Without any path to a station for so long, the line's voltage is withdrawn; `None`: never.
    pub withdraw_after: Option<Duration>,
}

/// What hangs on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineProfile {
    /// A burglar or fire panel that dials.
    Alarm,
    /// An elevator phone.
    Elevator,
    /// A telephone.
    Phone,
    /// A fax machine.
    Fax,
}

/// A station and how it is spoken to (SIA DC-09).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationSettings {
    /// What people call it.
    pub name: String,
    /// Where it listens. An address, since a signal must not wait for a resolver.
    pub address: std::net::SocketAddr,
    /// TCP or UDP.
    pub transport: StationTransport,
    /// The box's own account there, 3 to 16 hexadecimal digits, for supervision and the box's own signals.
    pub account: String,
    /// `R`, receiver number.
    pub receiver: u32,
    /// `L`, account prefix; 0 for none.
    pub prefix: u32,
    /// What frames are encrypted with; `None` only with [`Insecure::Dc09Clear`].
    pub key: Option<StationKey>,
    /// A sign of life on every path at least so often.
    pub supervision: Duration,
    /// The sign of life carries no account (`bare`); some receivers want it so.
    pub supervision_bare: bool,
}

impl StationSettings {
    /// What signs of life and their answers take in so long on one link, bytes with all headers.
    ///
    /// A sign of life is some 40 bytes, encrypted 95, its answer likewise; UDP adds 28 to each, TCP 52 and
    /// an empty segment.
    #[must_use]
    pub fn supervision_bytes(&self, within: Duration) -> u64 {
        let exchange = match (self.transport, self.key.is_some()) {
            (StationTransport::Udp, false) => 150,
            (StationTransport::Udp, true) => 250,
            (StationTransport::Tcp, false) => 240,
            (StationTransport::Tcp, true) => 350,
        };
        exchange * within.as_secs() / self.supervision.as_secs().max(1)
    }
}

/// The key of a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationKey {
    /// Where it lies: one line of text.
    pub secret: Secret,
    /// How the text is read.
    pub encoding: KeyEncoding,
}

/// How a station's key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// 32, 48 or 64 hexadecimal digits (AES-128, 192, 256).
    Hex,
    /// 16, 24 or 32 characters that are the key themselves, as some receivers have it.
    Ascii,
}

/// The transport of a station's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationTransport {
    /// One connection for each path.
    Tcp,
    /// One socket for each path.
    Udp,
}

/// The central broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConfig {
    /// Name or address. An address needs no resolver and is preferred.
    pub host: String,
    /// TCP port, normally 8883.
    pub port: u16,
    /// The name in the broker's certificate; the host unless given.
    pub server_name: String,
    /// The CA that signed the broker's certificate; `None` only with [`Insecure::MqttWithoutTls`].
    pub ca: Option<Secret>,
    /// This site's certificate chain, PEM.
    pub certificate: Option<Secret>,
    /// This site's private key, PEM.
    pub key: Option<Secret>,
    /// MQTT keep-alive.
    pub keep_alive: Duration,
    /// What releases a record from the spool.
    pub release: Release,
    /// Between two metric samples.
    pub metrics_every: Duration,
}

/// Where a secret lies. It is read in the `read` phase of the daemon's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A file, relative paths already joined to the site file's folder. Mode 0600 wanted for keys.
    File(PathBuf),
    /// A systemd credential (`credential:NAME` in the file).
    Credential(String),
}

/// What releases a durable record from the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The collector's committed watermark.
    Watermark,
    /// The broker's PUBACK, for a foreign collector; the NOC sees that.
    Puback,
}

/// Bounds of the telemetry spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// At most so many durable records.
    pub records: u64,
    /// At most so many bytes of them.
    pub bytes: u64,
    /// At most so many metrics in RAM.
    pub metrics: usize,
}

/// Safety switches that a site file can take off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Insecure {
    /// `mqtt-without-tls`: telemetry in clear.
    MqttWithoutTls,
    /// `dc09-clear`: signals to the station in clear.
    Dc09Clear,
}

impl StationTransport {
    /// Every transport.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// As the site file writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl KeyEncoding {
    /// Every encoding.
    pub const ALL: [Self; 2] = [Self::Hex, Self::Ascii];

    /// As the site file writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Ascii => "ascii",
        }
    }
}

impl LineProfile {
    /// Every profile.
    pub const ALL: [Self; 4] = [Self::Alarm, Self::Elevator, Self::Phone, Self::Fax];

    /// As the site file writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Elevator => "elevator",
            Self::Phone => "phone",
            Self::Fax => "fax",
        }
    }
}

impl Release {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Watermark, Self::Puback];

    /// As the site file writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Watermark => "watermark",
            Self::Puback => "puback",
        }
    }
}

impl Insecure {
    /// Every switch.
    pub const ALL: [Self; 2] = [Self::MqttWithoutTls, Self::Dc09Clear];

    /// As the site file writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MqttWithoutTls => "mqtt-without-tls",
            Self::Dc09Clear => "dc09-clear",
        }
    }
}
