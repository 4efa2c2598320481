//! Cuts down MQTT messages that are too large, on their way from the broker, before they need memory.
//!
//! MQTT 3.1.1 has no way to tell a broker what is too large, and a client that drops the connection
//! over such a message gets it again with the next one, for ever. So a PUBLISH beyond the limit
//! keeps topic and packet identifier, loses its payload to [`MARKER`], and is acknowledged like any
//! other. All other bytes pass through unchanged, never held back by more than a header.

use noc_messages::MAX_MESSAGE;

/// Payloads up to [`MAX_MESSAGE`] pass with any topic of a sane length.
const MAX_PACKET: usize = MAX_MESSAGE + 1024;
/// The topic of a message that is cut down is kept up to this length.
const MAX_TOPIC: usize = 512;
/// Not UTF-8, so it is no message of anybody.
pub(crate) const MARKER: [u8; 2] = [0xff, 0xfe];

const PUBLISH: u8 = 3;

/// Follows the stream packet by packet.
#[derive(Debug, Default)]
pub(crate) struct Shrink {
    state: State,
    /// Bytes of a header that is not complete.
    held: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    /// Collecting type and length.
    #[default]
    FixedHeader,
    /// So many bytes of this packet pass unchanged.
    Passing(usize),
    /// Collecting topic and identifier of a packet with so many bytes.
    VariableHeader(usize),
    /// So many bytes of this packet are dropped.
    Dropping(usize),
    /// The stream makes no sense: the client will say so.
    Lost,
}

impl Shrink {
    /// Appends to `out` what the client may see of `bytes`.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            match self.state {
                State::FixedHeader => bytes = self.fixed_header(bytes, out),
                State::VariableHeader(length) => bytes = self.variable_header(length, bytes, out),
                State::Passing(left) => {
                    let (passed, rest) = bytes.split_at(left.min(bytes.len()));
                    out.extend_from_slice(passed);
                    bytes = rest;
                    self.state = remaining(left - passed.len(), State::Passing);
                }
                State::Dropping(left) => {
                    let (dropped, rest) = bytes.split_at(left.min(bytes.len()));
                    bytes = rest;
                    self.state = remaining(left - dropped.len(), State::Dropping);
                }
                State::Lost => {
                    out.extend_from_slice(bytes);
                    return;
                }
            }
        }
    }

    // MQTT 3.1.1, 2.2: type and flags, then the length in 1 to 4 bytes of 7 bits.
    fn fixed_header<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
        let (next, rest) = bytes.split_at(1);
        self.held.extend_from_slice(next);
        let length_bytes = self.held.len() - 1;
        if length_bytes == 0 || (next[0] & 0x80 != 0 && length_bytes < 4) {
            return rest;
        }
        if next[0] & 0x80 != 0 {
            out.append(&mut self.held);
            self.state = State::Lost;
            return rest;
        }
        let length = self.held[1..].iter().rev().fold(0, |sum, b| sum << 7 | usize::from(b & 0x7f));
        if self.held[0] >> 4 == PUBLISH && length > MAX_PACKET {
            self.held.truncate(1);
            self.state = State::VariableHeader(length);
        } else {
            out.append(&mut self.held);
            self.state = remaining(length, State::Passing);
        }
        rest
    }

    // MQTT 3.1.1, 3.3.2: topic with its length in two bytes, identifier only with QoS 1 and 2.
    fn variable_header<'b>(&mut self, length: usize, bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
        let first = self.held[0];
        let known = self.held.len() - 1;
        let wanted =
            if known < 2 { 2 } else { 2 + topic_length(&self.held) + if first & 0b110 == 0 { 0 } else { 2 } };
        if wanted > length {
            self.state = State::Lost;
            return bytes;
        }
        let (taken, rest) = bytes.split_at((wanted - known).min(bytes.len()));
        self.held.extend_from_slice(taken);
        if known >= 2 && self.held.len() - 1 == wanted {
            self.write_shrunken(out);
            self.held.clear();
            self.state = remaining(length - wanted, State::Dropping);
        }
        rest
    }

    fn write_shrunken(&self, out: &mut Vec<u8>) {
        let topic_end = 3 + topic_length(&self.held);
        let topic = &self.held[3..topic_end];
        let identifier = &self.held[topic_end..];
        let topic = &topic[..topic_cut(topic)];
        let length = 2 + topic.len() + identifier.len() + MARKER.len();
        out.push(self.held[0]);
        let low = u8::try_from(length & 0x7f).expect("seven bits");
        let high = u8::try_from(length >> 7).expect("the topic is short");
        out.extend_from_slice(&[low | 0x80, high]);
        out.extend_from_slice(&u16::try_from(topic.len()).expect("the topic is short").to_be_bytes());
        out.extend_from_slice(topic);
        out.extend_from_slice(identifier);
        out.extend_from_slice(&MARKER);
    }
}

fn topic_length(held: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([held[1], held[2]]))
}

/// Where to cut so that text stays text.
fn topic_cut(topic: &[u8]) -> usize {
    let longest = topic.len().min(MAX_TOPIC);
    if longest == topic.len() {
        return longest;
    }
    (0..=longest).rev().find(|at| topic[*at] & 0xc0 != 0x80).unwrap_or(0)
}

fn remaining(left: usize, state: fn(usize) -> State) -> State {
    if left == 0 { State::FixedHeader } else { state(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, topic: &str, identifier: Option<u16>, payload: usize) -> Vec<u8> {
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        body.extend(identifier.into_iter().flat_map(u16::to_be_bytes));
        body.extend(std::iter::repeat_n(b'x', payload));
        let mut packet = vec![first];
        let mut length = body.len();
        loop {
            let more = length > 127;
            packet.push(u8::try_from(length & 127).unwrap() | if more { 0x80 } else { 0 });
            length >>= 7;
            if !more {
                break;
            }
        }
        packet.extend(body);
        packet
    }

    fn fed(bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut shrink, mut out) = (Shrink::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| shrink.feed(piece, &mut out));
        out
    }

    #[test]
    fn only_what_is_too_large_loses_its_payload_however_the_stream_is_cut() {
        let small = packet(0x30, "a/b", None, 100);
        let largest = packet(0x32, "a/b", Some(7), MAX_MESSAGE);
        let large = packet(0x32, "holdfast/v1/a/noc/x", Some(8), 300_000);
        let ping = vec![0xd0, 0x00];
        let stream = [&small[..], &large, &ping, &largest, &large, &small].concat();

        let mut shrunken = vec![0x32, 0x80 | 25, 0, 0, 19];
        shrunken.extend_from_slice(b"holdfast/v1/a/noc/x\x00\x08\xff\xfe");
        let expected = [&small[..], &shrunken, &ping, &largest, &shrunken, &small].concat();

        for piece in [1, 2, 3, 7, 1000, stream.len()] {
            assert_eq!(fed(&stream, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn an_endless_topic_is_cut_between_characters() {
        let topic = "ä".repeat(30_000);
        let out = fed(&packet(0x30, &topic, None, 100_000), 4096);
        let kept = &out[5..out.len() - 2];
        assert!(std::str::from_utf8(kept).is_ok() && kept.len() == MAX_TOPIC, "{}", kept.len());
    }

    #[test]
    fn nonsense_passes_for_the_client_to_judge() {
        let endless = [0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assert_eq!(fed(&endless, 1), endless);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_grow(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000),
            piece in 1_usize..50,
        ) {
            proptest::prop_assert!(fed(&bytes, piece).len() <= bytes.len());
        }
    }
}
