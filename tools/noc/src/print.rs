//! Tells on standard output: a sentence or a JSON line each, whole lines only.

use std::io::{self, Write};

use serde::Serialize;

use crate::telling::Telling;
use crate::words;
use crate::writer::now_ms;

/// Standard output.
#[derive(Debug)]
pub struct Printer {
    json: bool,
    closed: bool,
}

#[derive(Serialize)]
struct Stamped<'a> {
    at_ms: u64,
    #[serde(flatten)]
    telling: &'a Telling,
}

impl Printer {
    /// JSON lines, or sentences.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json, closed: false }
    }

    /// Tells. A reader that has gone does not end the collector.
    pub fn tell(&mut self, telling: &Telling) {
        if self.closed {
            return;
        }
        let Some(line) = line(telling, now_ms(), self.json) else { return };
        self.closed = writeln!(io::stdout().lock(), "{line}").is_err();
    }

    /// Tells them all.
    pub fn tell_all(&mut self, tellings: &[Telling]) {
        tellings.iter().for_each(|telling| self.tell(telling));
    }
}

fn line(telling: &Telling, at_ms: u64, json: bool) -> Option<String> {
    if json {
        return serde_json::to_string(&Stamped { at_ms, telling }).ok();
    }
    Some(format!("{} {}", words::clock(at_ms), words::sentence(telling)?))
}

#[cfg(test)]
mod tests {
    use noc_messages::{Class, Position};

    use super::*;
    use crate::telling::{Healed, RecordTold};

    #[test]
    fn json_lines_are_pinned() {
        let site = "a".parse().unwrap();
        let position = Position { boot: 1, seq: 2 };
        let healed = Healed { site, class: Class::State, upto: Some(position) };
        let expected = r#"{"at_ms":5,"event":"healed","site":"a","class":"state","upto":{"boot":1,"seq":2}}"#;
        assert_eq!(line(&Telling::Healed(healed), 5, true).unwrap(), expected);

        let record = serde_json::value::RawValue::from_string(r#"{"x":  1}"#.to_owned()).unwrap();
        let told = RecordTold {
            site: "a".parse().unwrap(),
            class: Class::Signal,
            position,
            kind: "k".to_owned(),
            historical: false,
            late_ms: None,
            record,
        };
        let expected = r#"{"at_ms":5,"event":"record","site":"a","class":"signal","boot":1,"seq":2,"kind":"k","historical":false,"late_ms":null,"record":{"x":  1}}"#;
        assert_eq!(line(&Telling::Record(Box::new(told)), 5, true).unwrap(), expected);
    }
}
