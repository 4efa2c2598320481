//! A station: takes each request, answers as its mood says, and remembers what it took over.

use hal::{LinkId, Now};
use station::PathId;
use station_wire::{Content, Reply, ReplyKind, Request, Timestamp};

/// How it answers signals. Signs of life are always answered unless it is dead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    /// ACK after so many milliseconds.
    Acks(u64),
    /// Nothing at all.
    Dead,
    /// Signs of life are answered, signals are not.
    Deaf,
    /// The first answer to each sequence is a NAK with this lead of its clock, seconds.
    Naks(i64),
    /// DUH.
    Duhs,
    /// ACKs that do not count: in clear, of another sequence, of another account.
    Lies,
}

/// See the file's head.
pub(crate) struct Station {
    pub(crate) mood: Mood,
    /// `account event partition zone` of every signal that was acknowledged, in order.
    pub(crate) acked: Vec<String>,
    /// The same of every frame that came in, with its sequence, link and whether it was late (`H`).
    pub(crate) frames: Vec<(String, u16, LinkId, bool)>,
    nakked: Vec<u16>,
}

impl Station {
    pub(crate) fn new() -> Self {
        Self { mood: Mood::Acks(30), acked: vec![], frames: vec![], nakked: vec![] }
    }

    /// Replies, each after so many milliseconds.
    pub(crate) fn take(&mut self, path: PathId, request: &Request, now: Now) -> Vec<(u64, Reply)> {
        if self.mood == Mood::Dead {
            return vec![];
        }
        let clock = now.wall.map_or(Timestamp::from_seconds(0), Timestamp::of);
        let ack = Reply {
            kind: ReplyKind::Ack,
            encrypted: true,
            sequence: request.sequence.number(),
            receiver: Some(request.address.receiver),
            prefix: Some(request.address.prefix),
            account: request.address.account.clone(),
            timestamp: Some(clock),
        };
        let Content::ContactId { account, event, partition, zone, occurred } = &request.content else {
            return vec![(20, ack)];
        };
        let signal = format!("{account} {event} {partition} {zone}");
        self.frames.push((signal.clone(), ack.sequence, path.link, occurred.is_some()));
        match self.mood {
            Mood::Acks(after) => {
                self.acked.push(signal);
                vec![(after, ack)]
            }
            Mood::Dead | Mood::Deaf => vec![],
            Mood::Naks(ahead) if !self.nakked.contains(&ack.sequence) => {
                self.nakked.push(ack.sequence);
                let timestamp = Some(clock.shifted(ahead));
                vec![(30, Reply { kind: ReplyKind::Nak, timestamp, ..ack })]
            }
            Mood::Naks(ahead) => {
                self.acked.push(signal);
                vec![(30, Reply { timestamp: Some(clock.shifted(ahead)), ..ack })]
            }
            Mood::Duhs => vec![(30, Reply { kind: ReplyKind::Duh, ..ack })],
            Mood::Lies => vec![
                (10, Reply { encrypted: false, timestamp: None, ..ack.clone() }),
                (20, Reply { sequence: ack.sequence % 9999 + 1, ..ack.clone() }),
                (30, Reply { account: "FFFF".to_owned(), ..ack.clone() }),
                (40, Reply { timestamp: Some(clock.shifted(-3600)), ..ack }),
            ],
        }
    }
}
