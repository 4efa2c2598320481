//! Sites that make sense: what becomes of each key.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use board_configs::key::{Key, Kind};
use board_configs::{
    Insecure, KeyEncoding, LineProfile, Origin, Release, SITE, Secret, StationKey, StationSettings,
    StationTransport,
};
use common::site;
use hal::{LineId, LinkId};
use wan::Timing;

const SMALL: &str = "site = \"clinic-017\"\ntargets = [\"9.9.9.9\", \"1.1.1.1\", \"8.8.8.8\"]\n\n\
                     [lan]\nport = \"lan\"\n\n[[link]]\nname = \"fibre\"\nport = \"wan1\"\n";

const STATION: &str = "[[station]]\nname = \"north\"\naddress = \"203.0.113.40:9000\"\naccount = \"A017\"\n\
                       key = \"arc.key\"\n";

const FULL: &str = r#"
site = "clinic-017"
insecure = ["dc09-clear"]
test_every = "12h"

[lan]
port = "lan"

[[link]]
name = "fibre"
port = "wan2"
preference = 7
gateway4 = "192.0.2.1"
gateway6 = "fe80::1"
targets = ["9.9.9.9", "1.1.1.1", "8.8.8.8", "2620:fe::fe"]
quorum = 1

[[link]]
name = "lte"
port = "wan1"
metered = true
targets = ["9.9.9.9", "1.1.1.1", "8.8.8.8", "203.0.113.1"]

[timing]
probe_active = "100ms"
probe_standby = "2s"
probe_metered = "1m"
probe_burst = "40ms"
timeout_floor = "80ms"
rounds_down = 2
hold_down = "5s"
failback_after = "1h"

[[line]]
line = 1
profile = "alarm"
name = "burglar panel"
withdraw_after = "2m"

[[line]]
line = 0
profile = "elevator"
name = "elevator, east wing"

[[station]]
name = "north"
address = "203.0.113.40:9000"
transport = "udp"
account = "a017"
receiver = "1F"
prefix = "2"
key = "arc.key"
key_encoding = "ascii"
supervision = "2m"
supervision_format = "bare"

[[station]]
name = "south"
address = "[2001:db8::40]:9001"
account = "123456"

[mqtt]
broker = "198.51.100.20"
server_name = "noc.example.net"
ca = "ca.pem"
certificate = "/run/site.pem"
key = "credential:site-key"
keep_alive = "5m"
release = "puback"
metrics_every = "10s"

[spool]
records = 5_000
bytes = "8MiB"
metrics = 50
"#;

#[test]
fn a_small_site_has_the_defaults() {
    let site = site(SMALL).unwrap().value;

    assert_eq!(site.site.as_str(), "clinic-017");
    assert_eq!(site.lan.interface, "eth-lan");
    assert_eq!(site.timing, Timing::default());
    assert_eq!((site.lines.len(), site.mqtt, site.insecure.len()), (0, None, 0));
    assert_eq!((site.spool.records, site.spool.bytes, site.spool.metrics), (100_000, 64 << 20, 500));
    let link = &site.links[0];
    assert_eq!((link.interface.as_str(), link.gateway4, link.gateway6), ("eth-wan1", None, None));
    assert_eq!((link.judged.id, link.judged.rank), (LinkId::new(1).unwrap(), 1));
    assert_eq!((link.judged.metered, link.judged.quorum, link.judged.targets.len()), (false, 1, 3));
}

#[test]
fn links_keep_the_order_of_the_file() {
    let links = site(FULL).unwrap().value.links;

    let [fibre, lte] = links.as_slice() else { panic!("{links:?}") };
    assert_eq!((fibre.judged.id.number(), fibre.judged.name.as_str(), fibre.judged.rank), (1, "fibre", 7));
    assert_eq!(fibre.interface, "eth-wan2");
    assert_eq!(fibre.gateway4, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(fibre.gateway6, Some("fe80::1".parse().unwrap()));
    let targets = ["9.9.9.9", "1.1.1.1", "8.8.8.8", "2620:fe::fe"].map(|t| t.parse::<IpAddr>().unwrap());
    assert_eq!((fibre.judged.targets.as_slice(), fibre.judged.quorum), (targets.as_slice(), 1));
    assert_eq!(
        (lte.judged.id.number(), lte.judged.rank, lte.judged.metered, lte.judged.quorum),
        (2, 2, true, 2)
    );
}

#[test]
fn every_time_is_taken_from_the_file() {
    let ms = Duration::from_millis;
    let expected = Timing {
        probe_active: ms(100),
        probe_standby: ms(2_000),
        probe_metered: ms(60_000),
        probe_burst: ms(40),
        timeout_floor: ms(80),
        rounds_down: 2,
        hold_down: ms(5_000),
        failback_after: ms(3_600_000),
    };
    assert_eq!(site(FULL).unwrap().value.timing, expected);
}

#[test]
fn lines_broker_and_spool_are_taken_from_the_file() {
    let site = site(FULL).unwrap().value;

    let [panel, elevator] = site.lines.as_slice() else { panic!("{:?}", site.lines) };
    assert_eq!(
        (panel.line, panel.profile, panel.name.as_str()),
        (LineId(1), LineProfile::Alarm, "burglar panel")
    );
    assert_eq!(panel.withdraw_after, Some(Duration::from_secs(120)));
    assert_eq!((elevator.line, elevator.profile), (LineId(0), LineProfile::Elevator));
    assert_eq!((elevator.name.as_str(), elevator.withdraw_after), ("elevator, east wing", None));
    let mqtt = site.mqtt.unwrap();
    assert_eq!((mqtt.host.as_str(), mqtt.port), ("198.51.100.20", 8883));
    assert_eq!(mqtt.server_name, "noc.example.net");
    assert_eq!(mqtt.ca, Some(Secret::File("/etc/holdfast/ca.pem".into())));
    assert_eq!(mqtt.certificate, Some(Secret::File("/run/site.pem".into())));
    assert_eq!(mqtt.key, Some(Secret::Credential("site-key".into())));
    assert_eq!((mqtt.keep_alive.as_secs(), mqtt.metrics_every.as_secs()), (300, 10));
    assert_eq!(mqtt.release, Release::Puback);
    assert_eq!((site.spool.records, site.spool.bytes, site.spool.metrics), (5_000, 8 << 20, 50));
}

#[test]
fn stations_are_taken_from_the_file_in_its_order() {
    let site = site(FULL).unwrap().value;

    let north = StationSettings {
        name: "north".into(),
        address: "203.0.113.40:9000".parse().unwrap(),
        transport: StationTransport::Udp,
        account: "A017".into(),
        receiver: 0x1F,
        prefix: 2,
        key: Some(StationKey {
            secret: Secret::File("/etc/holdfast/arc.key".into()),
            encoding: KeyEncoding::Ascii,
        }),
        supervision: Duration::from_secs(120),
        supervision_bare: true,
    };
    let south = StationSettings {
        name: "south".into(),
        address: "[2001:db8::40]:9001".parse().unwrap(),
        transport: StationTransport::Tcp,
        account: "123456".into(),
        receiver: 0,
        prefix: 0,
        key: None,
        supervision: Duration::from_secs(180),
        supervision_bare: false,
    };
    assert_eq!(site.stations, [north, south]);
    assert_eq!(site.test_every, Some(Duration::from_secs(12 * 3600)));
    assert_eq!(site.insecure, [Insecure::Dc09Clear]);
}

#[test]
fn an_alarm_line_loses_its_voltage_after_a_minute_unless_the_file_says_otherwise() {
    let cases = [
        ("alarm", "", Some(60)),
        ("alarm", "withdraw_after = \"never\"\n", None),
        ("alarm", "withdraw_after = \"5m\"\n", Some(300)),
        ("phone", "", None),
        ("elevator", "withdraw_after = \"never\"\n", None),
    ];
    for (profile, more, seconds) in cases {
        let text =
            format!("{SMALL}[[line]]\nline = 0\nprofile = \"{profile}\"\nname = \"x\"\n{more}{STATION}");
        let line = &site(&text).unwrap().value.lines[0];
        assert_eq!(line.withdraw_after, seconds.map(Duration::from_secs), "{profile} {more}");
    }
}

#[test]
fn the_box_reports_a_test_once_a_day_unless_the_file_says_otherwise() {
    let of = |text: &str| site(text).unwrap().value.test_every;
    let day = Some(Duration::from_secs(24 * 3600));
    assert_eq!(of(&format!("{SMALL}{STATION}")), day);
    assert_eq!(of(&format!("test_every = \"never\"\n{SMALL}{STATION}")), None);
    assert_eq!(of(SMALL), None);
}

#[test]
fn signs_of_life_are_counted_in_bytes() {
    let mut station = site(FULL).unwrap().value.stations.remove(0);
    let month = Duration::from_secs(30 * 24 * 3600);
    let cases = [
        (StationTransport::Udp, false, 60, 6_480_000),
        (StationTransport::Udp, false, 180, 2_160_000),
        (StationTransport::Tcp, true, 180, 5_040_000),
    ];
    let key = station.key.clone();
    for (transport, encrypted, seconds, bytes) in cases {
        station.transport = transport;
        station.key = key.clone().filter(|_| encrypted);
        station.supervision = Duration::from_secs(seconds);
        assert_eq!(station.supervision_bytes(month), bytes);
    }
}

#[test]
fn a_broker_in_clear_needs_its_word() {
    let text = format!("insecure = [\"mqtt-without-tls\"]\n{SMALL}[mqtt]\nbroker = \"[2001:db8::1]\"\n");
    let site = site(&text).unwrap().value;
    assert_eq!(site.insecure, [Insecure::MqttWithoutTls]);
    let mqtt = site.mqtt.unwrap();
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.ca, mqtt.key), ("2001:db8::1", 1883, None, None));
}

#[test]
fn every_profile_has_its_word() {
    let profiles = [
        ("alarm", LineProfile::Alarm),
        ("elevator", LineProfile::Elevator),
        ("phone", LineProfile::Phone),
        ("fax", LineProfile::Fax),
    ];
    for (word, profile) in profiles {
        let text = format!("{SMALL}[[line]]\nline = 0\nprofile = \"{word}\"\nname = \"x\"\n{STATION}");
        assert_eq!(site(&text).unwrap().value.lines[0].profile, profile, "{word}");
    }
}

#[test]
fn each_value_says_where_it_comes_from() {
    let loaded = site(FULL).unwrap();
    let of = |key: &str| {
        let found = loaded.effective.iter().find(|value| value.key == key).unwrap_or_else(|| panic!("{key}"));
        (found.value.clone(), found.origin.to_string())
    };
    let cases = [
        ("site", "clinic-017", "/etc/holdfast/site.toml:2"),
        ("link[1].preference", "7", "/etc/holdfast/site.toml:12"),
        ("link[2].preference", "2", "place in the file"),
        ("link[1].metered", "false", "default"),
        ("link[2].quorum", "2", "half of the targets of the smaller family, at least 1"),
        ("timing.hold_down", "5s", "/etc/holdfast/site.toml:31"),
        ("station[1].receiver", "1F", "/etc/holdfast/site.toml:50"),
        ("station[2].supervision", "180s", "default"),
        ("spool.bytes", "8MiB", "/etc/holdfast/site.toml:74"),
    ];
    for (key, value, origin) in cases {
        assert_eq!(of(key), (value.to_owned(), origin.to_owned()), "{key}");
    }
    assert!(loaded.effective.iter().all(|value| !matches!(&value.origin, Origin::File { line: None, .. })));
}

#[test]
fn every_described_key_is_read() {
    fn paths(keys: &[Key], prefix: &str) -> Vec<String> {
        let below = |key: &Key| match key.kind {
            Kind::Section(keys) => paths(keys, &format!("{prefix}{}.", key.name)),
            Kind::Sections { keys, .. } => paths(keys, &format!("{prefix}{}[1].", key.name)),
            Kind::Text(_)
            | Kind::Flag
            | Kind::Whole { .. }
            | Kind::Time { .. }
            | Kind::TimeOrNever { .. }
            | Kind::Size { .. }
            | Kind::Word(_)
            | Kind::Words(_)
            | Kind::Addresses { .. }
            | Kind::Names { .. } => vec![format!("{prefix}{}", key.name)],
        };
        keys.iter().flat_map(below).collect()
    }
    let mut described = paths(SITE, "");
    let text = format!("targets = [\"9.9.9.9\", \"1.1.1.1\", \"8.8.8.8\"]\n{FULL}");
    let mut read: Vec<_> = site(&text).unwrap().effective.into_iter().map(|value| value.key).collect();
    read.retain(|key| !key.contains("[2]"));
    described.sort();
    read.sort();
    assert_eq!(read, described);
}

#[test]
fn what_is_allowed_and_probably_not_wanted_is_warned_of() {
    let warnings = |text: &str| -> Vec<String> {
        site(text).unwrap().warnings.iter().map(|w| format!("{}: {}", w.key, w.what)).collect()
    };
    let found = warnings(SMALL);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("link: there is one link"), "{found:?}");
    assert!(found[1].starts_with("mqtt: there is no broker"), "{found:?}");

    let found = warnings(FULL);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("link[1].targets: only 1 for IPv6"), "{found:?}");
    assert!(found[1].starts_with("station[2].key: there is no key"), "{found:?}");

    let panel = "[[line]]\nline = 0\nprofile = \"alarm\"\nname = \"x\"\nwithdraw_after = \"never\"\n";
    let metered = SMALL.replace("port = \"wan1\"\n", "port = \"wan1\"\nmetered = true\n");
    let found = warnings(&format!("{metered}{panel}{STATION}supervision = \"60s\"\n")).join("\n");
    assert!(found.contains("station: there is one station"), "{found}");
    assert!(found.contains("line[1].withdraw_after: the panel never learns"), "{found}");
    assert!(
        found.contains("station[1].supervision: signs of life take 15 MB a month on the metered link fibre"),
        "{found}"
    );

    let gateways = SMALL
        .replace("port = \"wan1\"\n", "port = \"wan1\"\ngateway4 = \"9.9.9.9\"\ngateway6 = \"fe80::1\"\n");
    let found = warnings(&gateways).join("\n");
    assert!(found.contains("9.9.9.9 is also a target"), "{found}");
    assert!(found.contains("the link has no IPv6 target"), "{found}");
}
