//! The site of these tests: two links, one station, alarm lines.

use std::net::IpAddr;
use std::time::Duration;

use appliance::{LineSetup, Setup, StationsSetup};
use hal::{Dtmf, Family, LineId, LinkId};
use line::{LineConfig, Profile};
use outbox::OutboxConfig;
use station::{StationConfig, StationsConfig};
use station_wire::{Address, Sequence, SupervisionFormat};
use wan::{Addressing, LinkConfig, LinkFacts, Timing, WanConfig};

pub(crate) fn fibre() -> LinkId {
    LinkId::new(1).expect("1..=49")
}

pub(crate) fn lte() -> LinkId {
    LinkId::new(2).expect("1..=49")
}

pub(crate) fn links() -> [LinkId; 2] {
    [fibre(), lte()]
}

pub(crate) fn address(link: LinkId) -> IpAddr {
    format!("198.51.{}.2", link.number()).parse().expect("an address")
}

pub(crate) fn facts(link: LinkId, carrier: bool) -> LinkFacts {
    let gateway = format!("198.51.{}.1", link.number()).parse().ok();
    let v4 = carrier.then(|| Addressing { source: address(link), gateway });
    LinkFacts { link, ifindex: Some(10 + u32::from(link.number())), carrier, v4, v6: None }
}

/// What a station reads of sixteen digits.
pub(crate) fn frame(digits: &str) -> String {
    let keys: Vec<Dtmf> = digits.chars().map(|key| Dtmf::try_from(key).expect("a key")).collect();
    let message = panel_wire::decode(&keys).expect("a message");
    let (qualifier, event) = (message.qualifier.value(), message.event);
    format!("{} {qualifier}{event} {} {}", message.account, message.partition, message.zone)
}

/// Sixteen digits of a new event.
pub(crate) fn digits(account: &str, event: &str, zone: u16) -> String {
    let message = panel_wire::Message {
        account: account.parse().expect("an account"),
        message_type: panel_wire::MessageType::T18,
        qualifier: panel_wire::Qualifier::Event,
        event: event.parse().expect("a code"),
        partition: "01".parse().expect("two digits"),
        zone: format!("{zone:03}").parse().expect("three digits"),
    };
    panel_wire::encode(&message).iter().map(|key| key.as_char()).collect()
}

pub(crate) fn setup(lines: u8) -> Setup {
    let site: noc_messages::SiteId = "clinic-017".parse().expect("a site name");
    let link = |id: LinkId, name: &str| LinkConfig {
        id,
        name: name.to_owned(),
        rank: id.number(),
        metered: false,
        targets: vec![format!("192.0.2.{}", id.number()).parse().expect("an address")],
        quorum: 1,
    };
    let line = |n: u8| LineSetup {
        line: LineId(n),
        profile: "alarm".to_owned(),
        name: format!("panel {n}"),
        behaviour: Some(LineConfig::new(LineId(n), Profile::Alarm)),
    };
    let outbox = OutboxConfig {
        site: site.clone(),
        records: 100_000,
        bytes: 100_000_000,
        metrics: 100,
        release_on_puback: false,
    };
    Setup {
        site,
        board: "lab".to_owned(),
        version: "0.1.0".to_owned(),
        lines: (0..lines).map(line).collect(),
        card_expected: true,
        broker_expected: false,
        metrics_every: Duration::from_secs(60),
        insecure: vec![],
        stations: Some(stations()),
        wan: WanConfig { links: vec![link(fibre(), "fibre"), link(lte(), "lte")], timing: Timing::default() },
        outbox,
    }
}

fn stations() -> StationsSetup {
    let station = StationConfig {
        name: "main".to_owned(),
        address: Address::new(1, 0, "9999").expect("an account"),
        encrypted: true,
        supervise_every: Duration::from_secs(60),
        supervision: SupervisionFormat::WithAccount,
        first_sequence: Sequence::FIRST,
    };
    StationsSetup {
        config: StationsConfig { stations: vec![station], links: links().to_vec() },
        families: vec![Family::V4],
        test_every: None,
    }
}
