//! Stations (alarm receiving centres), and the rule of their protection: a key, or a word that says otherwise.

use core::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hal::Family;

use super::targets::count;
use crate::keys::SUPERVISION_FORMATS;
use crate::section::Section;
use crate::{Insecure, KeyEncoding, StationKey, StationSettings, StationTransport, WanLink, secret};

/// A month of signs of life that is worth a warning on a metered link.
const DEAR_MB: u64 = 10;

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// All stations of the file, those that could be understood.
pub(super) fn stations(
    file: &Section<'_>,
    sections: &[Section<'_>],
    site_file: &Path,
    insecure: &[Insecure],
    links: &[WanLink],
) -> Vec<StationSettings> {
    let in_clear = insecure.contains(&Insecure::Dc09Clear);
    let stations = sections.iter().filter_map(|section| {
        let station = station(section, site_file, in_clear)?;
        judge_reach(section, &station, links);
        Some(station)
    });
    let stations = stations.collect();
    refuse_twins(sections);
    if sections.len() == 1 {
        let what = "there is one station: when it does not answer, signals wait";
        file.warning("station", what, "Ask the alarm receiving centre for its second receiver.");
    }
    stations
}

/// Between two periodic tests; `None` also for a site without stations.
pub(super) fn test_every(file: &Section<'_>) -> Option<Duration> {
    if file.has("station") {
        return file.time_or_never("test_every")?.value;
    }
    if file.has("test_every") {
        let what = "there is no station that could be told";
        file.problem("test_every", what, "Remove the line, or add a section [[station]].");
    }
    None
}

fn station(section: &Section<'_>, site_file: &Path, in_clear: bool) -> Option<StationSettings> {
    let (name, account) = (section.text("name"), section.text("account"));
    let address = address(section);
    let transport = section.word("transport").map(|at| transport(at.value));
    let (receiver, prefix) = (number(section, "receiver"), number(section, "prefix"));
    let key = key(section, site_file, in_clear);
    let (supervision, format) = (section.time("supervision"), section.word("supervision_format"));
    Some(StationSettings {
        name: name?.value,
        address: address?,
        transport: transport?,
        account: account?.value.to_ascii_uppercase(),
        receiver: receiver?,
        prefix: prefix?,
        key,
        supervision: supervision?.value,
        supervision_bare: format?.value == SUPERVISION_FORMATS[1],
    })
}

fn address(section: &Section<'_>) -> Option<SocketAddr> {
    let written = section.text("address")?;
    let address: SocketAddr = written.value.parse().expect("the key has this form");
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() {
        let what = format!("{ip} is no station that a link could reach");
        section.problem("address", what, "Write the address that the alarm receiving centre gave you.");
        return None;
    }
    Some(address)
}

fn number(section: &Section<'_>, name: &str) -> Option<u32> {
    let written = section.text(name)?;
    Some(u32::from_str_radix(&written.value, 16).expect("the key has this form"))
}

fn key(section: &Section<'_>, site_file: &Path, in_clear: bool) -> Option<StationKey> {
    if section.has("key") {
        let (written, encoding) = (section.text("key"), section.word("key_encoding"));
        let secret = secret::parse(&written?.value).expect("the key has this form");
        let secret = secret::joined(secret, site_file);
        return Some(StationKey { secret, encoding: encoding_of(encoding?.value) });
    }
    if section.has("key_encoding") {
        section.problem(
            "key_encoding",
            "there is no key that is written so",
            "Remove the line, or name the key.",
        );
    }
    if in_clear {
        let what = "there is no key: whoever is on the way can read signals and forge their acknowledgements";
        section.warning("key", what, "Ask the alarm receiving centre for a key.");
    } else {
        let what = "is missing: signals travel encrypted";
        let remedy = "Name the file with the key that the alarm receiving centre gave you, or write \
                      insecure = [\"dc09-clear\"] at the top of the file if its receiver has no encryption.";
        section.problem("key", what, remedy);
    }
    None
}

fn judge_reach(section: &Section<'_>, station: &StationSettings, links: &[WanLink]) {
    let family = Family::of(&station.address.ip());
    let carries = |link: &&WanLink| count(&link.judged.targets, family) > 0;
    if !links.is_empty() && !links.iter().any(|link| carries(&link)) {
        let what =
            format!("no link has {family} targets, so none carries {family}: it could never be reached");
        section.problem("address", what, format!("Name {family} targets, or the station's other address."));
    }
    let megabytes = station.supervision_bytes(MONTH) / 1_000_000;
    if megabytes < DEAR_MB {
        return;
    }
    for link in links.iter().filter(carries).filter(|link| link.judged.metered) {
        let what =
            format!("signs of life take {megabytes} MB a month on the metered link {}", link.judged.name);
        section.warning("supervision", what, "Lengthen it, as far as the contract with the station allows.");
    }
}

fn refuse_twins(sections: &[Section<'_>]) {
    let remedies = [
        ("name", "Give each its own name."),
        ("address", "Remove one of them: a second station is a second receiver."),
    ];
    for (key, remedy) in remedies {
        for (at, section) in sections.iter().enumerate() {
            let Some(written) = section.peek(key) else { continue };
            let earlier = sections[..at].iter().find(|earlier| earlier.peek(key) == Some(written));
            if let Some(earlier) = earlier {
                let what = format!("{written:?} is the {key} of [{}] already", earlier.place.key);
                section.problem(key, what, remedy);
            }
        }
    }
}

fn transport(word: &str) -> StationTransport {
    let transport = StationTransport::ALL.into_iter().find(|transport| transport.word() == word);
    transport.expect("the key has these words and no others")
}

fn encoding_of(word: &str) -> KeyEncoding {
    let encoding = KeyEncoding::ALL.into_iter().find(|encoding| encoding.word() == word);
    encoding.expect("the key has these words and no others")
}
