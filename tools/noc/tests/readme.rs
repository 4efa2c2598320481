//! The broker's configuration in the README works as it stands there.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::fs;
use std::path::Path;

use noc_messages::Class;

use support::boxed::Site;
use support::broker::Broker;
use support::certificates::Certificates;
use support::collector::{Collector, ask, program};
use support::door::Door;

/// The block of this language, with the paths of this test.
fn block(language: &str, at: &Path) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let begins = format!("```{language}\n");
    let (_, rest) = readme.split_once(&begins).expect("the README has such a block");
    let (text, _) = rest.split_once("```").unwrap();
    text.replace("/etc/mosquitto/holdfast", &at.display().to_string())
}

#[test]
fn by_the_readme_a_site_speaks_only_for_itself_and_the_collector_hears_it() {
    let certificates = Certificates::make();
    certificates.issue("clinic-1");
    fs::write(certificates.dir().join("rights"), block("acl", certificates.dir())).unwrap();
    let broker = Broker::configured(&block("conf", certificates.dir()));
    let store = tempfile::tempdir().unwrap();
    let file = |name: &str| certificates.dir().join(name);
    let mut command = std::process::Command::new(program());
    command.args(["collect", "--json", "--broker", &broker.address(), "--store"]).arg(store.path());
    command
        .arg("--ca")
        .arg(file("ca.pem"))
        .arg("--cert")
        .arg(file("noc.pem"))
        .arg("--key")
        .arg(file("noc.key"));
    let _collector = Collector::from(command).connected();

    let foreign = r#"{"site":"clinic-2","boot":1,"seq":1,"prev":null,"class":"state","at":{"tick_ms":1},"kind":"stop"}"#;
    let forged = r#"{"upto":{"state":{"boot":9,"seq":9}}}"#;
    for (topic, payload) in
        [("holdfast/v1/clinic-2/records/state", foreign), ("holdfast/v1/clinic-1/noc/watermark", forged)]
    {
        let door = Door::open(&broker.address(), &certificates, "clinic-1");
        let intruder = Site::through(&door, "clinic-1");
        intruder.say(topic, payload, true);
        // A broker may say nothing or close the connection.
        intruder.acknowledged_or_thrown_out();
    }

    let door = Door::open(&broker.address(), &certificates, "clinic-1");
    let mut site = Site::through(&door, "clinic-1");
    site.records(&site.chain(Class::State, 1, 3));
    site.hears(Class::State, 3);
    let sites: Vec<_> = ask(&["show"], store.path()).iter().map(|shown| shown["site"].clone()).collect();
    assert_eq!(sites, ["clinic-1"], "what it said for another site was dropped by the broker");
}
