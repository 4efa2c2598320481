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
    /// As it should, but its clock is so many seconds ahead, and a stamp out of its window gets a NAK.
    Ahead(i64),
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
}

impl Station {
    pub(crate) fn new() -> Self {
        Self { mood: Mood::Acks(30), acked: vec![], frames: vec![] }
    }

    /// Replies, each after so many milliseconds.
    pub(crate) fn take(&mut self, path: PathId, request: &Request, now: Now) -> Vec<(u64, Reply)> {
        if self.mood == Mood::Dead {
            return vec![];
        }
        let clock = self.clock(now);
        let ack = Reply {
            kind: ReplyKind::Ack,
            encrypted: true,
            sequence: request.sequence.number(),
            receiver: Some(request.address.receiver),
            prefix: Some(request.address.prefix),
            account: request.address.account.clone(),
            timestamp: Some(clock),
        };
        if let Content::ContactId { account, event, partition, zone, occurred } = &request.content {
            let signal = format!("{account} {event} {partition} {zone}");
            self.frames.push((signal.clone(), ack.sequence, path.link, occurred.is_some()));
            self.answer(signal, request, ack)
        } else if in_window(request, clock) {
            vec![(20, ack)]
        } else {
            vec![(20, Reply { kind: ReplyKind::Nak, ..ack })]
        }
    }

    fn answer(&mut self, signal: String, request: &Request, ack: Reply) -> Vec<(u64, Reply)> {
        let clock = ack.timestamp.expect("every reply has a stamp");
        if !in_window(request, clock) {
            return vec![(30, Reply { kind: ReplyKind::Nak, ..ack })];
        }
        match self.mood {
            Mood::Acks(after) => {
                self.acked.push(signal);
                vec![(after, ack)]
            }
            Mood::Ahead(_) => {
                self.acked.push(signal);
                vec![(30, ack)]
            }
            Mood::Dead | Mood::Deaf => vec![],
            Mood::Duhs => vec![(30, Reply { kind: ReplyKind::Duh, ..ack })],
            Mood::Lies => vec![
                (10, Reply { encrypted: false, timestamp: None, ..ack.clone() }),
                (20, Reply { sequence: ack.sequence % 5_000 + 5_000, ..ack.clone() }),
                (30, Reply { account: "FFFF".to_owned(), ..ack.clone() }),
                (40, Reply { timestamp: Some(clock.shifted(-3_600)), ..ack }),
            ],
        }
    }

    fn clock(&self, now: Now) -> Timestamp {
        let true_time = now.wall.map_or(Timestamp::from_seconds(0), Timestamp::of);
        if let Mood::Ahead(seconds) = self.mood { true_time.shifted(seconds) } else { true_time }
    }
}

/// DC-09: a stamp more than 20 s ahead or 40 s behind is answered by NAK.
fn in_window(request: &Request, clock: Timestamp) -> bool {
    let ahead = request.timestamp.map(|stamp| stamp.ahead_of(clock));
    ahead.is_some_and(|ahead| (-40..=20).contains(&ahead))
}
