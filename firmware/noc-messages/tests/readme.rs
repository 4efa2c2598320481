//! Every example of the README is a message, and every message has an example.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use noc_messages::{Body, Presence, Record, StateDocument, Watermark, topics};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// (topic, JSON) in the order of the page: a line that names a topic holds for the examples below it.
fn examples() -> Vec<(String, Value)> {
    let page = include_str!("../README.md");
    let (mut topic, mut examples) = (String::new(), Vec::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("On `") {
            rest.split('`').next().unwrap().clone_into(&mut topic);
        }
        if line.starts_with('{') {
            examples.push((topic.clone(), serde_json::from_str(line).expect(line)));
        }
    }
    examples
}

/// It can be read, and says the same when it is written again.
fn read<T: DeserializeOwned + Serialize>(example: &Value) -> T {
    let read: T = serde_json::from_value(example.clone()).unwrap_or_else(|e| panic!("{e}: {example}"));
    let mut expected = example.clone();
    expected.as_object_mut().unwrap().remove("historical");
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);
    read
}

/// Exhaustive, so that a new kind does not go without an example: raise [`KINDS`] with it.
const fn kind(body: &Body) -> &'static str {
    match body {
        Body::Start(_) => "start",
        Body::Stop => "stop",
        Body::Verdict(_) => "verdict",
        Body::Switch(_) => "switch",
        Body::Condition(_) => "condition",
        Body::Line(_) => "line",
        Body::Card(_) => "card",
        Body::Loss(_) => "loss",
        Body::Metrics(_) => "metrics",
        Body::Signal(_) => "signal",
        Body::Delivery(_) => "delivery",
        Body::OnTest(_) => "on_test",
    }
}

const KINDS: usize = 12;

#[test]
fn every_example_of_the_readme_is_a_message_of_its_topic() {
    let (mut kinds, mut retained) = (BTreeSet::new(), BTreeSet::new());
    for (topic, example) in examples() {
        let (site, rest) = topics::split(&topic).expect("a topic of ours");
        match rest {
            "presence" => assert_eq!(read::<Presence>(&example).site, site),
            "state" => assert_eq!(read::<StateDocument>(&example).site, site),
            "noc/watermark" => drop(read::<Watermark>(&example)),
            _ => {
                let record: Record = read(&example);
                assert_eq!((topics::records(&site, record.class), &record.site), (topic, &site));
                assert_eq!(example["kind"], kind(&record.body));
                kinds.insert(kind(&record.body));
                continue;
            }
        }
        retained.insert(rest.to_owned());
    }
    assert_eq!((kinds.len(), retained.len()), (KINDS, 3), "{kinds:?} {retained:?}");
}
