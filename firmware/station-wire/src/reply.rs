//! What a receiver answers, and the one question that counts: does it acknowledge our request?

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::crypto::Key;
use crate::envelope::{self, Envelope, EnvelopeFault};
use crate::request::{Content, Request, SupervisionFormat};
use crate::timestamp::Timestamp;

/// A receiver may lag behind the frame's stamp by so much, seconds (DC-09 5.5.1.9).
const WINDOW_BEHIND: i64 = 40;
/// And run ahead by so much, seconds.
const WINDOW_AHEAD: i64 = 20;

/// A reply, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What it is.
    pub kind: ReplyKind,
    /// It came encrypted and was decrypted with our key.
    pub encrypted: bool,
    /// The sequence it echoes.
    pub sequence: u16,
    /// `R`, when it was a number.
    pub receiver: Option<u32>,
    /// `L`, when it was a number.
    pub prefix: Option<u32>,
    /// `#`; empty when absent.
    pub account: String,
    /// Its stamp, when it has one.
    pub timestamp: Option<Timestamp>,
}

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyKind {
    /// Received and taken over.
    Ack,
    /// Our stamp is outside the receiver's window; its own stamp is in the reply.
    Nak,
    /// Understood, but cannot be processed: the same bytes will never be.
    Duh,
    /// Data for us; never followed blindly, never an acknowledgement.
    Rsp,
    /// Anything else.
    Other,
}

/// Why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyFault {
    /// No frame of this protocol.
    Shape,
    /// Wrong CRC.
    Checksum,
    /// Encrypted, and we have no key or it does not decrypt.
    Undecipherable,
}

/// Why a reply does not acknowledge a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It is no ACK.
    NotAnAck,
    /// It echoes another sequence.
    Sequence,
    /// It names another receiver, prefix or account.
    Address,
    /// We encrypt, and it came in clear: anybody could have written it.
    InClear,
    /// Its stamp is missing or outside the window: it may be a recording.
    Stale,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAck => "it is no ACK",
            Self::Sequence => "it echoes another sequence",
            Self::Address => "it names another receiver, prefix or account",
            Self::InClear => "it came in clear although we encrypt",
            Self::Stale => "its stamp is missing or outside the window",
        })
    }
}

impl Reply {
    /// Takes a reply apart. `frame` is what lies between LF and CR, both excluded.
    ///
    /// # Errors
    /// [`ReplyFault`]; all are counted, none is answered.
    pub fn decode(frame: &[u8], key: Option<&Key>) -> Result<Self, ReplyFault> {
        let envelope = envelope::unwrap(frame).map_err(|fault| match fault {
            EnvelopeFault::Shape => ReplyFault::Shape,
            EnvelopeFault::Checksum => ReplyFault::Checksum,
        })?;
        let timestamp = if envelope.encrypted {
            let plain = key.and_then(|key| key.decrypt(envelope.rest)).ok_or(ReplyFault::Undecipherable)?;
            // A wrong key gives noise, and noise has no stamp behind a bracket.
            Some(stamp_of(&plain).ok_or(ReplyFault::Undecipherable)?)
        } else {
            stamp_of(envelope.rest)
        };
        Ok(Self::new(&envelope, timestamp))
    }

    fn new(envelope: &Envelope<'_>, timestamp: Option<Timestamp>) -> Self {
        Self {
            kind: match envelope.id {
                "ACK" => ReplyKind::Ack,
                "NAK" => ReplyKind::Nak,
                "DUH" => ReplyKind::Duh,
                "RSP" => ReplyKind::Rsp,
                _ => ReplyKind::Other,
            },
            encrypted: envelope.encrypted,
            sequence: envelope.sequence,
            receiver: envelope.receiver,
            prefix: envelope.prefix,
            account: envelope.account.to_owned(),
            timestamp,
        }
    }

    /// Does this reply say that the station has taken over the request? That it came from the station's
    /// address is the caller's to know. `sent_encrypted`: the request went out encrypted; `clock` is
    /// the message clock at the arrival of the reply.
    ///
    /// # Errors
    /// [`Doubt`]: no kiss-off may follow.
    pub fn acknowledges(
        &self,
        request: &Request,
        sent_encrypted: bool,
        clock: Timestamp,
    ) -> Result<(), Doubt> {
        if self.kind != ReplyKind::Ack {
            return Err(Doubt::NotAnAck);
        }
        if self.sequence != request.sequence.number() {
            return Err(Doubt::Sequence);
        }
        let expected = &request.address;
        let bare = matches!(request.content, Content::Supervision(SupervisionFormat::Bare));
        let account = self.account.eq_ignore_ascii_case(if bare { "" } else { &expected.account })
            || (bare && self.account.eq_ignore_ascii_case(&expected.account));
        if self.receiver != Some(expected.receiver) || self.prefix != Some(expected.prefix) || !account {
            return Err(Doubt::Address);
        }
        if sent_encrypted {
            if !self.encrypted {
                return Err(Doubt::InClear);
            }
            let ahead = self.timestamp.ok_or(Doubt::Stale)?.ahead_of(clock);
            if !(-WINDOW_BEHIND..=WINDOW_AHEAD).contains(&ahead) {
                return Err(Doubt::Stale);
            }
        }
        Ok(())
    }

    /// How far the receiver's clock is ahead of ours, seconds, as a NAK tells it. For the message clock
    /// only, never for the system's.
    #[must_use]
    pub fn clock_correction(&self, clock: Timestamp) -> Option<i64> {
        match self.kind {
            ReplyKind::Nak => self.timestamp.map(|theirs| theirs.ahead_of(clock)),
            ReplyKind::Ack | ReplyKind::Duh | ReplyKind::Rsp | ReplyKind::Other => None,
        }
    }
}

/// The stamp behind the last closing bracket. Some receivers leave out the `|` behind the pad, so
/// nothing before that bracket is relied on.
fn stamp_of(text: &[u8]) -> Option<Timestamp> {
    let bracket = text.iter().rposition(|b| *b == b']')?;
    let stamp = core::str::from_utf8(text.get(bracket + 1..)?).ok()?;
    stamp.strip_prefix('_')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::{Address, Sequence};

    const NOON: i64 = 1_758_730_801;

    fn request() -> Request {
        Request {
            sequence: Sequence::FIRST,
            address: Address::new(1, 0, "1234").unwrap(),
            content: Content::Supervision(SupervisionFormat::WithAccount),
            timestamp: Some(Timestamp::from_seconds(NOON)),
        }
    }

    fn frame(body: &str) -> Vec<u8> {
        let wrapped = envelope::wrap(body.as_bytes());
        wrapped[1..wrapped.len() - 1].to_vec()
    }

    fn verdict(body: &str, encrypted: bool) -> Result<(), Doubt> {
        let reply = Reply::decode(&frame(body), None).unwrap();
        reply.acknowledges(&request(), encrypted, Timestamp::from_seconds(NOON))
    }

    #[test]
    fn only_the_matching_ack_counts() {
        for (body, expected) in [
            (r#""ACK"0001R1L0#1234[]"#, Ok(())),
            (r#""ACK"0002R1L0#1234[]"#, Err(Doubt::Sequence)),
            (r#""ACK"0001R2L0#1234[]"#, Err(Doubt::Address)),
            (r#""ACK"0001R1L1#1234[]"#, Err(Doubt::Address)),
            (r#""ACK"0001R1L0#1235[]"#, Err(Doubt::Address)),
            (r#""ACK"0001RNoneL0#1234[]"#, Err(Doubt::Address)),
            (r#""NAK"0000R0L0A0[]_16:20:01,09-24-2025"#, Err(Doubt::NotAnAck)),
            (r#""DUH"0001R1L0#1234[]"#, Err(Doubt::NotAnAck)),
            (r#""RSP"0001R1L0#1234[]"#, Err(Doubt::NotAnAck)),
        ] {
            assert_eq!(verdict(body, false), expected, "{body}");
        }
    }

    #[test]
    fn an_encrypted_request_is_acknowledged_only_by_an_encrypted_fresh_ack() {
        let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
        assert_eq!(verdict(r#""ACK"0001R1L0#1234[]"#, true), Err(Doubt::InClear));
        for (shift, expected) in
            [(0, Ok(())), (20, Ok(())), (21, Err(Doubt::Stale)), (-40, Ok(())), (-41, Err(Doubt::Stale))]
        {
            let stamp = Timestamp::from_seconds(NOON + shift);
            let secret = key.encrypt(&format!("]_{stamp}"), &mut || b'7');
            let body = frame(&format!("\"*ACK\"0001R1L0#1234[{secret}"));
            let reply = Reply::decode(&body, Some(&key)).unwrap();
            assert_eq!(
                reply.acknowledges(&request(), true, Timestamp::from_seconds(NOON)),
                expected,
                "{shift}"
            );

            let other = Key::from_ascii("BBBBBBBBBBBBBBBB").unwrap();
            assert_eq!(Reply::decode(&body, Some(&other)), Err(ReplyFault::Undecipherable));
            assert_eq!(Reply::decode(&body, None), Err(ReplyFault::Undecipherable));
        }
    }

    #[test]
    fn an_ack_without_the_mark_behind_its_pad_is_read() {
        let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
        // What one receiver sends: zeros, then the bracket at once.
        let text = b"00000000000]_16:20:01,09-24-2025";
        let secret = key.encrypt(core::str::from_utf8(&text[..]).unwrap(), &mut || b'0');
        let reply = Reply::decode(&frame(&format!("\"*ACK\"0001R1L0#1234[{secret}")), Some(&key)).unwrap();
        assert_eq!(reply.timestamp, Some(Timestamp::from_seconds(NOON)));
    }

    #[test]
    fn a_nak_tells_how_far_our_message_clock_is_off() {
        let nak = Reply::decode(&frame(r#""NAK"0000R0L0A0[]_16:20:01,09-24-2025"#), None).unwrap();
        assert_eq!(nak.clock_correction(Timestamp::from_seconds(NOON - 50)), Some(50));
        let ack = Reply::decode(&frame(r#""ACK"0001R1L0#1234[]_16:20:01,09-24-2025"#), None).unwrap();
        assert_eq!(ack.clock_correction(Timestamp::from_seconds(0)), None);
    }

    #[test]
    fn odd_answers_of_receivers_are_faults_and_no_more() {
        for odd in [&b"\"NAK\""[..], b"", b"1EB60014\"ACK\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert!(Reply::decode(odd, None).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
            let _ = Reply::decode(&bytes, Some(&key));
        }

        #[test]
        fn one_flipped_bit_never_acknowledges(place in 0usize..24, bit in 0u8..8) {
            let mut body = frame(r#""ACK"0001R1L0#1234[]"#);
            let place = place % body.len();
            body[place] ^= 1 << bit;
            let clock = Timestamp::from_seconds(NOON);
            // The CRC field is hexadecimal: lower case is the same number, and the length is not relied on.
            if place >= 8 {
                let acknowledged = Reply::decode(&body, None).is_ok_and(|r| r.acknowledges(&request(), false, clock).is_ok());
                prop_assert!(!acknowledged);
            }
        }
    }
}
