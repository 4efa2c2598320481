//! The central broker, and the rule of its protection: mutual TLS, or a word that says otherwise.

use std::path::Path;

use crate::section::Section;
use crate::{Insecure, MqttConfig, Release, Secret, broker, secret};

const PORT: u16 = 8883;
const PORT_IN_CLEAR: u16 = 1883;

/// The keys that make TLS, all three or none.
const TLS_KEYS: [&str; 3] = ["ca", "certificate", "key"];

pub(super) fn mqtt(file: &Section<'_>, site_file: &Path, insecure: &[Insecure]) -> Option<MqttConfig> {
    if !file.has("mqtt") {
        let remedy = "Add [mqtt], unless that is wanted.";
        file.warning("mqtt", "there is no broker: nobody hears of what happens here", remedy);
        return None;
    }
    let section = file.section("mqtt");
    let in_clear = insecure.contains(&Insecure::MqttWithoutTls);
    let address = address(&section, in_clear);
    let server_name = server_name(&section, address.as_ref(), in_clear);
    let [ca, certificate, key] = TLS_KEYS.map(|name| secret_of(&section, name, site_file));
    judge_protection(&section, in_clear);
    let (keep_alive, metrics_every) = (section.time("keep_alive"), section.time("metrics_every"));
    let release = section.word("release").map(|at| of(at.value));
    let (host, port) = address?;
    Some(MqttConfig {
        host,
        port,
        server_name: server_name?,
        ca,
        certificate,
        key,
        keep_alive: keep_alive?.value,
        release: release?,
        metrics_every: metrics_every?.value,
    })
}

fn address(section: &Section<'_>, in_clear: bool) -> Option<(String, u16)> {
    let written = section.text("broker")?;
    let (host, port) = broker::parse(&written.value).expect("the key has this form");
    Some((host, port.unwrap_or(if in_clear { PORT_IN_CLEAR } else { PORT })))
}

fn server_name(section: &Section<'_>, address: Option<&(String, u16)>, in_clear: bool) -> Option<String> {
    if !section.has("server_name") {
        let host = &address?.0;
        if !in_clear {
            section.derived("server_name", host.clone(), "the broker's host");
        }
        return Some(host.clone());
    }
    if in_clear {
        let what = "there is no certificate to hold a name: insecure says mqtt-without-tls";
        section.problem("server_name", what, "Remove the line, or the word.");
    }
    section.text("server_name").map(|at| at.value)
}

fn secret_of(section: &Section<'_>, name: &str, site_file: &Path) -> Option<Secret> {
    let written = section.text(name)?;
    let secret = secret::parse(&written.value).expect("the key has this form");
    Some(secret::joined(secret, site_file))
}

fn judge_protection(section: &Section<'_>, in_clear: bool) {
    for name in TLS_KEYS {
        match (section.has(name), in_clear) {
            (false, false) => {
                let what = "is missing: telemetry goes over mutual TLS";
                let remedy = "Name the file, or write insecure = [\"mqtt-without-tls\"] at the top of the file \
                              for a bench.";
                section.problem(name, what, remedy);
            }
            (true, true) => {
                let what = "contradicts insecure = [\"mqtt-without-tls\"]";
                section.problem(name, what, "Remove the word to use TLS, or this line to do without.");
            }
            (true, false) | (false, true) => {}
        }
    }
}

fn of(word: &str) -> Release {
    let release = Release::ALL.into_iter().find(|release| release.word() == word);
    release.expect("the key has these words and no others")
}
