//! The keys of a site file.

use hal::LinkId;

use crate::key::{Form, Key, Kind, Need};
use crate::{Insecure, LineProfile, Release};

use super::station::{MAX_STATIONS, STATION};

/// Targets of a link that are asked in one family.
pub(crate) const MAX_TARGETS_PER_FAMILY: usize = 8;

const MAX_TARGETS: usize = 2 * MAX_TARGETS_PER_FAMILY;

const INSECURE: &[&str] = &[Insecure::MqttWithoutTls.word(), Insecure::Dc09Clear.word()];

const PROFILES: &[&str] = &[
    LineProfile::Alarm.word(),
    LineProfile::Elevator.word(),
    LineProfile::Phone.word(),
    LineProfile::Fax.word(),
];

const RELEASES: &[&str] = &[Release::Watermark.word(), Release::Puback.word()];

/// A site file.
pub const SITE: &[Key] = &[
    Key {
        name: "site",
        kind: Kind::Text(Form::SiteName),
        need: Need::Required,
        about: "The site's name; also its MQTT client id and the common name of its certificate.",
    },
    Key {
        name: "targets",
        kind: Kind::Addresses { max: MAX_TARGETS },
        need: Need::Without("every link names its own"),
        about: "Echo targets of every link that does not name its own: hosts that always answer ping, run by \
                different operators, at least three of each family that the site uses.",
    },
    Key {
        name: "insecure",
        kind: Kind::Words(INSECURE),
        need: Need::Without("everything is protected"),
        about: "Protections that are taken off, each by its word. The NOC sees them.",
    },
    Key {
        name: "test_every",
        kind: Kind::TimeOrNever { min: "1m", max: "744h" },
        need: Need::Default("24h"),
        about: "Between two periodic tests (E602) that the box sends to its station under its own account. Only \
                with a station.",
    },
    Key { name: "lan", kind: Kind::Section(LAN), need: Need::Required, about: "The LAN side." },
    Key {
        name: "link",
        kind: Kind::Sections { keys: LINK, max: LinkId::MAX as usize },
        need: Need::Required,
        about: "The WAN links, one section each. Their order is their number.",
    },
    Key {
        name: "timing",
        kind: Kind::Section(TIMING),
        need: Need::Without("all defaults"),
        about: "How fast links are judged and how long they are mistrusted.",
    },
    Key {
        name: "line",
        kind: Kind::Sections { keys: LINE, max: 8 },
        need: Need::Without("no lines"),
        about: "The analogue lines in use, one section each.",
    },
    Key {
        name: "station",
        kind: Kind::Sections { keys: STATION, max: MAX_STATIONS },
        need: Need::Without("no line can have the profile alarm"),
        about: "The alarm receiving centres (SIA DC-09), the preferred one first: the next is tried when the one \
                before it does not answer or does not want a signal.",
    },
    Key {
        name: "mqtt",
        kind: Kind::Section(MQTT),
        need: Need::Without("the site reports to nobody"),
        about: "The central broker.",
    },
    Key {
        name: "spool",
        kind: Kind::Section(SPOOL),
        need: Need::Without("all defaults"),
        about: "What waits on the box until the NOC has it.",
    },
];

const LAN: &[Key] = &[Key {
    name: "port",
    kind: Kind::Text(Form::Port),
    need: Need::Required,
    about: "The board's port of the LAN, as it is printed on the box.",
}];

const LINK: &[Key] = &[
    Key {
        name: "name",
        kind: Kind::Text(Form::Name),
        need: Need::Required,
        about: "What people call the link; it stands in every message about it.",
    },
    Key {
        name: "port",
        kind: Kind::Text(Form::Port),
        need: Need::Required,
        about: "The board's port, as it is printed on the box.",
    },
    Key {
        name: "preference",
        kind: Kind::Whole { min: 1, max: 255 },
        need: Need::Without("the link's place in the file"),
        about: "Smaller is preferred. Between equals, traffic stays where it is.",
    },
    Key {
        name: "metered",
        kind: Kind::Flag,
        need: Need::Default("false"),
        about: "Its bytes cost money: it is probed slowly while it stands by.",
    },
    Key {
        name: "gateway4",
        kind: Kind::Text(Form::Address4),
        need: Need::Without("taken from the route that a DHCP client installs"),
        about: "The IPv4 gateway of a link with a fixed address.",
    },
    Key {
        name: "gateway6",
        kind: Kind::Text(Form::Address6),
        need: Need::Without("taken from the router's advertisement"),
        about: "The IPv6 gateway of a link with a fixed address.",
    },
    Key {
        name: "targets",
        kind: Kind::Addresses { max: MAX_TARGETS },
        need: Need::Without("the site's targets"),
        about: "Echo targets of this link. A family without targets is never used for traffic on it.",
    },
    Key {
        name: "quorum",
        kind: Kind::Whole { min: 1, max: 8 },
        need: Need::Without("half of the targets of the smaller family, at least 1"),
        about: "How many targets of a family must answer for the link to count as working in it.",
    },
];

const TIMING: &[Key] = &[
    Key {
        name: "probe_active",
        kind: Kind::Time { min: "50ms", max: "10s" },
        need: Need::Default("200ms"),
        about: "Between probes on the link that carries traffic.",
    },
    Key {
        name: "probe_standby",
        kind: Kind::Time { min: "100ms", max: "5m" },
        need: Need::Default("1s"),
        about: "Between probes on an unmetered link that stands by.",
    },
    Key {
        name: "probe_metered",
        kind: Kind::Time { min: "1s", max: "1h" },
        need: Need::Default("30s"),
        about: "Between probes on a metered link that stands by: 30s is 7.6 MB a month for each IPv4 target.",
    },
    Key {
        name: "probe_burst",
        kind: Kind::Time { min: "20ms", max: "1s" },
        need: Need::Default("50ms"),
        about: "Between probes once one was missed, until the link is judged.",
    },
    Key {
        name: "timeout_floor",
        kind: Kind::Time { min: "20ms", max: "2s" },
        need: Need::Default("200ms"),
        about: "A probe is missed after four usual round trips, and never sooner than this.",
    },
    Key {
        name: "rounds_down",
        kind: Kind::Whole { min: 1, max: 20 },
        need: Need::Default("3"),
        about: "Missed rounds of probes in a row that make a link down.",
    },
    Key {
        name: "hold_down",
        kind: Kind::Time { min: "100ms", max: "1h" },
        need: Need::Default("3s"),
        about: "How long a link that was down must answer every probe before it counts as up.",
    },
    Key {
        name: "failback_after",
        kind: Kind::Time { min: "1s", max: "24h" },
        need: Need::Default("60s"),
        about: "How long a preferred link must have been up before traffic goes back to it.",
    },
];

const LINE: &[Key] = &[
    Key {
        name: "line",
        kind: Kind::Whole { min: 0, max: 7 },
        need: Need::Required,
        about: "Its place on the card's connector strip, from 0.",
    },
    Key { name: "profile", kind: Kind::Word(PROFILES), need: Need::Required, about: "What hangs on it." },
    Key { name: "name", kind: Kind::Text(Form::Label), need: Need::Required, about: "What people call it." },
    Key {
        name: "withdraw_after",
        kind: Kind::TimeOrNever { min: "5s", max: "24h" },
        need: Need::Without("60s for profile alarm, never for the others"),
        about: "Without any path to a station for so long, the line's voltage is withdrawn: the panel's own line \
                check then shows trouble on its keypad. Restored after 30 s of a proven path, never changed in \
                mid-call.",
    },
];

const MQTT: &[Key] = &[
    Key {
        name: "broker",
        kind: Kind::Text(Form::HostPort),
        need: Need::Required,
        about: "The broker; an address needs no resolver and is preferred. Without a port: 8883, or 1883 in clear.",
    },
    Key {
        name: "server_name",
        kind: Kind::Text(Form::Host),
        need: Need::Without("the broker's host"),
        about: "The name in the broker's certificate.",
    },
    Key {
        name: "ca",
        kind: Kind::Text(Form::Secret),
        need: Need::Without("refused, unless insecure says mqtt-without-tls"),
        about: "The certificate of the authority that signed the broker's, PEM.",
    },
    Key {
        name: "certificate",
        kind: Kind::Text(Form::Secret),
        need: Need::Without("refused, unless insecure says mqtt-without-tls"),
        about: "This site's certificate, PEM, with its chain.",
    },
    Key {
        name: "key",
        kind: Kind::Text(Form::Secret),
        need: Need::Without("refused, unless insecure says mqtt-without-tls"),
        about: "This site's private key, PEM; nobody but the daemon may read it (mode 0600).",
    },
    Key {
        name: "keep_alive",
        kind: Kind::Time { min: "5s", max: "20m" },
        need: Need::Default("60s"),
        about: "MQTT's keep-alive: 60s is 8.8 MB a month, 300s 1.8 MB. A dead broker is noticed within two of them.",
    },
    Key {
        name: "release",
        kind: Kind::Word(RELEASES),
        need: Need::Default("watermark"),
        about: "What frees a record from the spool: the collector's committed watermark, or the broker's PUBACK \
                for a foreign collector. PUBACK is not storage, and the NOC sees that.",
    },
    Key {
        name: "metrics_every",
        kind: Kind::Time { min: "1s", max: "1h" },
        need: Need::Default("60s"),
        about: "Between two samples of metrics: 60s is 28 MB a month, 300s 5.6 MB.",
    },
];

const SPOOL: &[Key] = &[
    Key {
        name: "records",
        kind: Kind::Whole { min: 1_000, max: 1_000_000 },
        need: Need::Default("100000"),
        about: "At most so many durable records wait; beyond it the oldest go, least important class first, and that is told.",
    },
    Key {
        name: "bytes",
        kind: Kind::Size { min: "1MiB", max: "2GiB" },
        need: Need::Default("64MiB"),
        about: "At most so many bytes of them.",
    },
    Key {
        name: "metrics",
        kind: Kind::Whole { min: 10, max: 10_000 },
        need: Need::Default("500"),
        about: "At most so many samples of metrics wait, in memory.",
    },
];
