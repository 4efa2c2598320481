//! The door: what came on a topic, judged once. Nothing behind it looks at topics or bytes again.
//!
//! A record is read as an envelope: a kind that this collector does not know is kept like any other,
//! because the box may be younger than the NOC.

use noc_messages::{Class, LossBody, MAX_MESSAGE, Position, Presence, SiteId, Stamp, Watermark, topics};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::chain::Link;
use crate::checksum;

/// A message as the broker delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// The broker had kept it: it says how things are, not that something happens.
    pub retained: bool,
    /// The broker delivered it before.
    pub redelivered: bool,
}

/// A message of a site.
#[derive(Debug)]
pub enum Message {
    /// A record.
    Record(Box<Envelope>),
    /// Birth, goodbye or will.
    Presence(Presence),
    /// The state document.
    State(StateHead, Box<RawValue>),
    /// A watermark of ours.
    Watermark(Watermark),
}

/// A record, as far as the collector has to understand it.
#[derive(Debug)]
pub struct Envelope {
    /// Which.
    pub position: Position,
    /// The record of the same class before it.
    pub prev: Option<Position>,
    /// Its class.
    pub class: Class,
    /// When it was made.
    pub at: Stamp,
    /// What it says, by name.
    pub kind: String,
    /// The box says that it comes late.
    pub historical: bool,
    /// What it says was lost.
    pub loss: Option<LossBody>,
    /// Of its content.
    pub fingerprint: u32,
    /// As it came, on one line.
    pub text: Box<RawValue>,
}

impl Envelope {
    /// What the chain needs.
    #[must_use]
    pub const fn link(&self) -> Link {
        Link { position: self.position, prev: self.prev, fingerprint: self.fingerprint }
    }
}

/// What orders state documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StateHead {
    /// Number of the daemon's start.
    pub boot: u32,
    /// Rises with every document of this boot.
    pub generation: u64,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Junk {
    /// Larger than any message of ours.
    #[error("it is larger than 64 KiB, the largest message of version 1")]
    TooLarge,
    /// Not below `holdfast/v1/<site>/`, or the site's name is none.
    #[error("its topic names no site")]
    NoSite,
    /// No box publishes there.
    #[error("no box publishes on this topic")]
    UnknownTopic,
    /// Not the JSON that belongs there.
    #[error("it is not the JSON that belongs on this topic")]
    NotOurs,
    /// It speaks of another site than its topic.
    #[error("it speaks of another site or class than its topic")]
    OtherSite,
    /// There are more sites than this collector keeps.
    #[error("this collector keeps no more sites")]
    TooManySites,
}

/// Judges a delivery.
///
/// # Errors
/// Why it is junk.
pub fn read(delivery: &Delivery) -> Result<(SiteId, Message), Junk> {
    if delivery.payload.len() > MAX_MESSAGE {
        return Err(Junk::TooLarge);
    }
    let (site, rest) = topics::split(&delivery.topic).ok_or(Junk::NoSite)?;
    let text = core::str::from_utf8(&delivery.payload).map_err(|_| Junk::NotOurs)?;
    let message = match rest {
        "presence" => presence(&site, text)?,
        "state" => state(&site, text)?,
        "noc/watermark" => Message::Watermark(parse(text)?),
        _ => {
            let class = Class::ALL.into_iter().find(|class| rest == format!("records/{}", class.as_str()));
            Message::Record(Box::new(record(&site, class.ok_or(Junk::UnknownTopic)?, text)?))
        }
    };
    Ok((site, message))
}

/// Reads a record's text again, as it was stored.
///
/// # Errors
/// When it is not a record of this site.
pub fn reread(site: &SiteId, text: &str) -> Result<Envelope, Junk> {
    let parsed: RawRecord = parse(text)?;
    record(site, parsed.class, text)
}

fn presence(site: &SiteId, text: &str) -> Result<Message, Junk> {
    let presence: Presence = parse(text)?;
    if presence.site == *site { Ok(Message::Presence(presence)) } else { Err(Junk::OtherSite) }
}

fn state(site: &SiteId, text: &str) -> Result<Message, Junk> {
    #[derive(Deserialize)]
    struct RawState {
        site: SiteId,
        #[serde(flatten)]
        head: StateHead,
    }
    let state: RawState = parse(text)?;
    if state.site == *site {
        Ok(Message::State(state.head, on_one_line(text)?))
    } else {
        Err(Junk::OtherSite)
    }
}

/// The members of a record by name, without `flatten`: the body stays as it came.
#[derive(Deserialize)]
struct RawRecord<'a> {
    site: SiteId,
    boot: u32,
    seq: u64,
    // Required: a record that does not say what is before it must not pass for a first one.
    #[serde(deserialize_with = "required")]
    prev: Option<Position>,
    class: Class,
    at: Stamp,
    kind: String,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    historical: bool,
}

fn record(site: &SiteId, class: Class, text: &str) -> Result<Envelope, Junk> {
    let line = on_one_line(text)?;
    let raw: RawRecord = parse(line.get())?;
    if raw.site != *site || raw.class != class {
        return Err(Junk::OtherSite);
    }
    let body = raw.body.map_or("", RawValue::get);
    let loss = (raw.kind == "loss").then(|| parse(body).ok()).flatten();
    let said = format!("{}.{} {:?} {:?} {} {body}", raw.boot, raw.seq, raw.prev, raw.at, raw.kind);
    Ok(Envelope {
        position: Position { boot: raw.boot, seq: raw.seq },
        prev: raw.prev,
        class,
        at: raw.at,
        kind: raw.kind,
        historical: raw.historical,
        loss,
        fingerprint: checksum::of(said.as_bytes()),
        text: line,
    })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Junk> {
    serde_json::from_str(text).map_err(|_| Junk::NotOurs)
}

/// The store keeps one record on one line.
fn on_one_line(text: &str) -> Result<Box<RawValue>, Junk> {
    if text.contains(['\n', '\r']) {
        let value: serde_json::Value = parse(text)?;
        return serde_json::value::to_raw_value(&value).map_err(|_| Junk::NotOurs);
    }
    RawValue::from_string(text.to_owned()).map_err(|_| Junk::NotOurs)
}

fn required<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Position>, D::Error> {
    Option::deserialize(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"site":"a-1","boot":3,"seq":9,"prev":{"boot":3,"seq":7},"class":"state","at":{"tick_ms":5},"kind":"stop"}"#;

    fn delivery(topic: &str, payload: &str) -> Delivery {
        let payload = payload.as_bytes().to_vec();
        Delivery { topic: topic.to_owned(), payload, retained: false, redelivered: false }
    }

    fn envelope(payload: &str) -> Envelope {
        let (_, message) = read(&delivery("holdfast/v1/a-1/records/state", payload)).unwrap();
        let Message::Record(envelope) = message else { panic!("{message:?}") };
        *envelope
    }

    #[test]
    fn the_record_that_boxes_send_is_read() {
        let sent: noc_messages::Record = serde_json::from_str(RECORD).unwrap();
        let read = envelope(&serde_json::to_string(&sent).unwrap());
        assert_eq!(read.position, sent.position);
        assert_eq!(read.prev, sent.prev);
        assert_eq!((read.kind.as_str(), read.historical), ("stop", false));
    }

    #[test]
    fn a_kind_that_nobody_knows_yet_is_kept_as_it_came() {
        let text = RECORD.replace(r#""kind":"stop""#, r#""kind":"modem","body":{"rsrp":-97},"more":1"#);
        let read = envelope(&text);
        assert_eq!((read.kind.as_str(), read.text.get()), ("modem", text.as_str()));
    }

    #[test]
    fn a_record_told_late_is_the_same_record_and_another_content_is_not() {
        let late = RECORD.replacen('{', r#"{"historical":true,"#, 1);
        assert_eq!(envelope(&late).fingerprint, envelope(RECORD).fingerprint);
        assert!(envelope(&late).historical);
        let other = RECORD.replace("\"tick_ms\":5", "\"tick_ms\":6");
        assert_ne!(envelope(&other).fingerprint, envelope(RECORD).fingerprint);
    }

    #[test]
    fn a_record_in_several_lines_is_kept_on_one() {
        let text = RECORD.replace(r#""kind":"stop""#, r#""kind":"modem","body":{"rsrp":-97,"x":1}"#);
        let read = envelope(&text.replace(',', ",\n  "));
        assert!(!read.text.get().contains('\n'));
        let again = reread(&"a-1".parse().unwrap(), read.text.get()).unwrap();
        assert_eq!(again.fingerprint, read.fingerprint);
    }

    #[test]
    fn junk_is_named() {
        let state = "holdfast/v1/a-1/records/state";
        let huge = format!("{RECORD}{}", " ".repeat(MAX_MESSAGE));
        let without_prev = RECORD.replace(r#""prev":{"boot":3,"seq":7},"#, "");
        let presence = r#"{"site":"b","state":"online","boot":1,"session":1}"#;
        for (topic, payload, why) in [
            (state, huge.as_str(), Junk::TooLarge),
            ("holdfast/v1/A/records/state", RECORD, Junk::NoSite),
            ("holdfast/v2/a-1/records/state", RECORD, Junk::NoSite),
            ("holdfast/v1/a-1/records/gossip", RECORD, Junk::UnknownTopic),
            ("holdfast/v1/a-1/records/state/x", RECORD, Junk::UnknownTopic),
            (state, "", Junk::NotOurs),
            (state, "\u{0}\u{ffff}", Junk::NotOurs),
            (state, "{}", Junk::NotOurs),
            (state, without_prev.as_str(), Junk::NotOurs),
            ("holdfast/v1/b/records/state", RECORD, Junk::OtherSite),
            ("holdfast/v1/a-1/records/audit", RECORD, Junk::OtherSite),
            ("holdfast/v1/a-1/presence", presence, Junk::OtherSite),
            ("holdfast/v1/a-1/noc/watermark", "[]", Junk::NotOurs),
        ] {
            assert_eq!(read(&delivery(topic, payload)).err(), Some(why), "{topic} {payload:.40}");
        }
        let bytes = Delivery { payload: vec![0xff, 0xfe], ..delivery(state, "") };
        assert_eq!(read(&bytes).err(), Some(Junk::NotOurs));
    }
}
