//! From board and site to what the appliance is told. No key and no path of a key is part of it: what
//! the appliance is told stands in recordings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance::{LineSetup, Setup, StationsSetup};
use board_configs::{Board, LineProfile, Release, Site, StationSettings};
use hal::{Family, LinkId};
use line::{LineConfig, Profile};
use outbox::OutboxConfig;
use station::{StationConfig, StationsConfig};
use station_wire::{Address, Sequence, SupervisionFormat};

/// Without a broker nobody reads samples; they still show in `holdfast status`.
const METRICS_WITHOUT_BROKER: Duration = Duration::from_secs(60);

/// Where evidence lies.
pub(crate) fn evidence_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("evidence")
}

/// The appliance's own view of board and site.
pub(crate) fn setup(board: &Board, site: &Site, seed: u64) -> Setup {
    let mqtt = site.mqtt.as_ref();
    Setup {
        site: site.site.clone(),
        board: board.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lines: site.lines.iter().map(line).collect(),
        stations: (!site.stations.is_empty()).then(|| stations(site, seed)),
        card_expected: board.card.is_some() && !site.lines.is_empty(),
        broker_expected: mqtt.is_some(),
        metrics_every: mqtt.map_or(METRICS_WITHOUT_BROKER, |m| m.metrics_every),
        insecure: site.insecure.iter().map(|w| w.word().to_owned()).collect(),
        wan: site.wan_config(),
        outbox: OutboxConfig {
            site: site.site.clone(),
            records: site.spool.records,
            bytes: site.spool.bytes,
            metrics: site.spool.metrics,
            release_on_puback: mqtt.is_some_and(|m| m.release == Release::Puback),
        },
    }
}

fn line(line: &board_configs::LineConfig) -> LineSetup {
    let of =
        |profile| LineConfig { withdraw_after: line.withdraw_after, ..LineConfig::new(line.line, profile) };
    let behaviour = match line.profile {
        LineProfile::Alarm => Some(of(Profile::Alarm)),
        LineProfile::Phone => Some(of(Profile::Phone)),
        // `check` warns of them: what they need is not there.
        LineProfile::Elevator | LineProfile::Fax => None,
    };
    LineSetup { line: line.line, profile: line.profile.word().to_owned(), name: line.name.clone(), behaviour }
}

fn stations(site: &Site, seed: u64) -> StationsSetup {
    StationsSetup {
        config: StationsConfig {
            stations: site.stations.iter().map(|settings| station(settings, seed)).collect(),
            links: links_by_preference(site),
        },
        families: site.stations.iter().map(|station| Family::of(&station.address.ip())).collect(),
        test_every: site.test_every,
    }
}

fn station(station: &StationSettings, seed: u64) -> StationConfig {
    StationConfig {
        name: station.name.clone(),
        address: Address::new(station.receiver, station.prefix, &station.account)
            .expect("the site's keys have these forms"),
        encrypted: station.key.is_some(),
        supervise_every: station.supervision,
        supervision: if station.supervision_bare {
            SupervisionFormat::Bare
        } else {
            SupervisionFormat::WithAccount
        },
        first_sequence: anywhere(seed),
    }
}

/// Where nothing is remembered, a box that begins at 0001 like the one before it would have its signals taken
/// for repetitions.
fn anywhere(seed: u64) -> Sequence {
    const SEQUENCES: u64 = 9_999;
    let number = u16::try_from(seed % SEQUENCES).ok().and_then(|place| Sequence::new(place + 1));
    number.expect("a remainder of 9999 is a place of a sequence")
}

/// Links of the same preference stay in the order of the file.
fn links_by_preference(site: &Site) -> Vec<LinkId> {
    let mut links: Vec<_> = site.links.iter().map(|link| (link.judged.rank, link.judged.id)).collect();
    links.sort_by_key(|(rank, _)| *rank);
    links.into_iter().map(|(_, link)| link).collect()
}

#[cfg(test)]
mod tests {
    use board_configs::{read_board, read_site};

    use super::*;

    const BOARD: &str = "about = \"For tests.\"\n[ports]\nlan = \"e0\"\nwan1 = \"e1\"\nwan2 = \"e2\"\n\
                         [card]\ndevice = \"/dev/card\"\nlines = 8\n";

    const SITE: &str = "site = \"bench\"\ntargets = [\"9.9.9.9\", \"2620:fe::fe\"]\ntest_every = \"12h\"\n\
        [lan]\nport = \"lan\"\n\
        [[link]]\nname = \"lte\"\nport = \"wan2\"\npreference = 2\n\
        [[link]]\nname = \"fibre\"\nport = \"wan1\"\npreference = 1\n\
        [[line]]\nline = 0\nprofile = \"alarm\"\nname = \"panel\"\nwithdraw_after = \"2m\"\n\
        [[line]]\nline = 1\nprofile = \"phone\"\nname = \"desk\"\n\
        [[line]]\nline = 2\nprofile = \"elevator\"\nname = \"lift\"\n\
        [[station]]\nname = \"north\"\naddress = \"203.0.113.40:9000\"\naccount = \"a017\"\nreceiver = \"1F\"\n\
        prefix = \"2\"\nkey = \"/secret/of-north\"\nsupervision = \"2m\"\n\
        [[station]]\nname = \"south\"\naddress = \"[2001:db8::40]:9001\"\naccount = \"123456\"\n\
        key = \"credential:of-south\"\nsupervision_format = \"bare\"\n";

    fn bench() -> Setup {
        let board = read_board("bench", Path::new("/"), &|_| Ok(BOARD.to_owned())).unwrap().value;
        let site = read_site(Path::new("/site.toml"), &board, &|_| Ok(SITE.to_owned())).unwrap().value;
        setup(&board, &site, 12_345)
    }

    #[test]
    fn a_line_behaves_after_its_profile_and_the_file() {
        let lines = bench().lines;
        let behaviours: Vec<_> = lines.iter().map(|line| line.behaviour.as_ref()).collect();
        let [Some(panel), Some(desk), None] = behaviours.as_slice() else { panic!("{behaviours:?}") };
        assert_eq!((panel.profile, panel.withdraw_after), (Profile::Alarm, Some(Duration::from_secs(120))));
        assert_eq!((desk.profile, desk.withdraw_after), (Profile::Phone, None));
        assert_eq!((panel.line, desk.line), (lines[0].line, lines[1].line));
    }

    #[test]
    fn stations_are_reached_over_links_in_the_order_of_preference() {
        let stations = bench().stations.unwrap();
        let links: Vec<_> = stations.config.links.iter().map(|link| link.number()).collect();
        assert_eq!(links, [2, 1]);
        assert_eq!(stations.families, [Family::V4, Family::V6]);
        assert_eq!(stations.test_every, Some(Duration::from_secs(12 * 3600)));
        let [north, south] = stations.config.stations.as_slice() else { panic!("{stations:?}") };
        assert_eq!(north.address, Address::new(0x1F, 2, "A017").unwrap());
        assert_eq!(
            (north.supervise_every.as_secs(), north.supervision),
            (120, SupervisionFormat::WithAccount)
        );
        assert_eq!(south.supervision, SupervisionFormat::Bare);
        assert!(north.encrypted && south.encrypted);
        assert_eq!(north.first_sequence.number(), 12_345 % 9_999 + 1);
    }

    #[test]
    fn every_seed_is_a_place_to_begin() {
        for (seed, number) in [(0, 1), (9_998, 9_999), (9_999, 1), (u64::MAX, u64::MAX % 9_999 + 1)] {
            assert_eq!(u64::from(anywhere(seed).number()), number);
        }
    }

    #[test]
    fn what_stands_in_recordings_says_nothing_of_keys() {
        let recorded = serde_json::to_string(&bench()).unwrap();
        assert!(recorded.contains("A017"), "{recorded}");
        assert!(!recorded.contains("secret") && !recorded.contains("credential"), "{recorded}");
    }
}
