//! What comes over wires: the card's serial line, the panel's digits, the station's frames.

use ata_wire::{Decoder, HostSession, Message, WireBuffer, encode};
use hal::Dtmf;
use linecard::Card;
use station_wire::{Key, Reply, Splitter};

/// A message that was taken for whole is written and read again as the same.
pub(crate) fn card_frames(input: &[u8]) -> bool {
    let mut decoder = Decoder::new();
    let mut any = false;
    for message in input.iter().filter_map(|octet| decoder.push(*octet)).flatten() {
        assert_eq!(read_back(&message), Some(message));
        any = true;
    }
    any
}

fn read_back(message: &Message) -> Option<Message> {
    let mut wire = WireBuffer::from([0; ata_wire::limits::MAX_WIRE]);
    let length = encode(message, &mut wire);
    let mut decoder = Decoder::new();
    wire[..length].iter().find_map(|octet| decoder.push(*octet)).and_then(Result::ok)
}

/// Whatever a card says, the host's half goes on: its deadlines are served and it says something valid.
pub(crate) fn card_at_the_host(input: &[u8]) -> bool {
    let (mut host, mut linked) = (HostSession::new(7, 0), false);
    let mut wire = WireBuffer::from([0; ata_wire::limits::MAX_WIRE]);
    for (turn, octets) in (1_u64..).zip(input.chunks(64)) {
        let now_ms = turn * 50;
        host.receive(octets, now_ms);
        linked |= host.is_linked();
        host.handle_timeout(now_ms);
        let events = core::iter::from_fn(|| host.poll_event()).count();
        assert!(events <= octets.len() + MOST_EVENTS, "{events} events");
        while host.poll_audio().is_some() {}
        let mut frames = 0;
        while let Some(length) = host.poll_transmit(now_ms, &mut wire) {
            frames += 1;
            assert!(frames <= MOST_FRAMES && is_whole(&wire[..length]), "frame {frames}");
        }
    }
    linked
}

/// Whatever a host says, the card goes on, and what it sends is valid.
pub(crate) fn host_at_the_card(input: &[u8]) -> bool {
    let mut card = Card::new(9, 2);
    let mut wire = WireBuffer::from([0; ata_wire::limits::MAX_WIRE]);
    for (turn, octets) in (1_u32..).zip(input.chunks(64)) {
        card.tick(u64::from(turn) * 10, turn * 80);
        octets.iter().for_each(|octet| card.receive(*octet));
        for line in 0..2 {
            card.exchange(line, turn * 80, &[0; 80]);
        }
        let mut frames = 0;
        while let Some(length) = card.next_tx(&mut wire) {
            frames += 1;
            assert!(frames <= MOST_FRAMES && is_whole(&wire[..length]), "frame {frames}");
        }
    }
    card.status().link != linecard::LinkStatus::Apart
}

fn is_whole(wire: &[u8]) -> bool {
    let mut decoder = Decoder::new();
    wire.iter().filter_map(|octet| decoder.push(*octet)).all(|read| read.is_ok())
}

/// Digits that are a message are written again as they were, up to the two ways of writing a ten.
pub(crate) fn contact_id(input: &[u8]) -> bool {
    let keys = input.iter().filter_map(|octet| Dtmf::at(usize::from(octet >> 2 & 3), usize::from(octet & 3)));
    let digits: Vec<Dtmf> = keys.collect();
    let Ok(message) = panel_wire::decode(&digits) else { return false };
    let again = panel_wire::encode(&message);
    assert_eq!(again[..15], digits[..15]);
    assert_eq!(panel_wire::decode(&again), Ok(message));
    true
}

/// Nothing that a station sends is too much, with a key or without.
pub(crate) fn station_replies(input: &[u8]) -> bool {
    let key = Key::from_ascii("0123456789ABCDEF").expect("sixteen characters");
    let (mut splitter, mut any) = (Splitter::default(), false);
    splitter.feed(input, |frame| {
        assert!(frame.len() <= station_wire::MAX_FRAME);
        for key in [None, Some(&key)] {
            if let Ok(reply) = Reply::decode(frame, key) {
                assert!(reply.account.len() <= frame.len());
                any = true;
            }
        }
    });
    any
}

/// A hello of a restarted card may release what was held back.
const MOST_EVENTS: usize = 80;
/// A turn's worth of frames: the card's window and some.
const MOST_FRAMES: usize = 200;
