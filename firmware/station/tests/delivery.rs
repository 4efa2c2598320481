//! Signals on their way to stations that answer as the test wants.

use std::time::Duration;

use hal::{LinkId, Now, Tick, Wall};
use station::{
    Action, Event, PathId, SignalKey, StationConfig, StationId, Stations, StationsConfig, Submission, Trouble,
};
use station_wire::{
    Address, Content, Doubt, Reply, ReplyKind, Request, Sequence, SupervisionFormat, Timestamp,
};

#[test]
fn a_signal_is_delivered_when_the_matching_ack_comes_and_not_before() {
    let mut desk = Desk::new(1, &[1, 2]);
    desk.answer_all_supervision();
    desk.submit(1, 1);
    let (path, request) = desk.signals()[0].clone();
    assert_eq!(path.link, link(1));

    for (change, doubt) in [
        (change(|r| r.sequence += 1), Doubt::Sequence),
        (change(|r| r.account = "9999".to_owned()), Doubt::Address),
        (change(|r| r.kind = ReplyKind::Rsp), Doubt::NotAnAck),
    ] {
        let mut reply = ack(&request);
        change(&mut reply);
        desk.reply(path, reply);
        assert!(desk.troubles.contains(&Trouble::Doubtful { path, doubt }), "{doubt}: {:?}", desk.troubles);
    }
    assert_eq!(desk.delivered, []);

    desk.reply(path, ack(&request));
    assert_eq!(desk.delivered, [(SignalKey(1), request.sequence)]);
    desk.reply(path, ack(&request));
    assert_eq!(desk.delivered.len(), 1, "a second ACK delivers nothing");
}

#[test]
fn a_black_holed_path_costs_one_second_and_the_other_carries_the_same_sequence() {
    let mut desk = Desk::new(1, &[1, 2]);
    desk.answer_all_supervision();
    desk.submit(1, 1);
    desk.run(Duration::from_millis(1_000));

    let tries = desk.signals();
    let by: Vec<_> = tries.iter().map(|(path, request)| (path.link, request.sequence)).collect();
    let sequence = tries[0].1.sequence;
    assert_eq!(by, [(link(1), sequence), (link(2), sequence)]);

    desk.reply(tries[1].0, ack(&tries[1].1));
    assert_eq!(desk.delivered, [(SignalKey(1), sequence)]);
}

#[test]
fn a_late_ack_by_the_first_path_counts_as_well() {
    let mut desk = Desk::new(1, &[1, 2]);
    desk.submit(1, 1);
    desk.run(Duration::from_millis(1_500));
    let tries = desk.signals();
    desk.reply(tries[0].0, ack(&tries[0].1));
    assert_eq!(desk.delivered.len(), 1);
    desk.run(Duration::from_secs(20));
    assert_eq!(desk.signals().len(), tries.len(), "nothing is sent after that");
}

#[test]
fn a_silent_station_is_followed_by_the_next_and_both_are_asked_for_ever() {
    let mut desk = Desk::new(2, &[1, 2]);
    desk.submit(1, 1);
    desk.run(Duration::from_secs(60));
    let asked: Vec<_> = desk.signals().into_iter().map(|(path, _)| path.station.0).collect();
    assert_eq!(asked[..8], [0, 0, 0, 0, 1, 1, 1, 1]);
    let again = desk.signals();
    let first: Vec<_> =
        again.iter().filter(|(path, _)| path.station.0 == 0).map(|(_, r)| r.sequence).collect();
    assert!(first.len() > 4 && first.iter().all(|s| *s == first[0]), "a retry keeps its number");
}

#[test]
fn a_station_that_says_duh_is_not_asked_with_the_same_bytes_again() {
    let mut desk = Desk::new(2, &[1]);
    desk.submit(1, 1);
    let (path, request) = desk.signals()[0].clone();
    let mut duh = ack(&request);
    duh.kind = ReplyKind::Duh;
    desk.reply(path, duh);
    assert!(desk.troubles.contains(&Trouble::Refused { signal: SignalKey(1), station: StationId(0) }));
    let (path, request) = desk.signals()[1].clone();
    assert_eq!(path.station, StationId(1));
    desk.reply(path, ack(&request));
    assert_eq!(desk.delivered.len(), 1);
}

#[test]
fn a_nak_corrects_the_message_clock_and_the_same_sequence_goes_again_at_once() {
    let mut desk = Desk::new(1, &[1]);
    desk.submit(1, 1);
    let (path, request) = desk.signals()[0].clone();
    let stamp = request.timestamp.expect("a stamp");
    let mut nak = ack(&request);
    nak.kind = ReplyKind::Nak;
    nak.sequence = 0;
    nak.timestamp = Some(stamp.shifted(240));
    desk.reply(path, nak.clone());

    let again = desk.signals()[1].1.clone();
    assert_eq!(again.sequence, request.sequence);
    assert!((239..=241).contains(&again.timestamp.expect("a stamp").ahead_of(stamp)));
    assert_eq!(desk.now.wall, Some(Wall(1_758_730_801_000)), "the system clock is nobody's business here");

    // A station that is never content does not make a loop.
    for _ in 0..100 {
        desk.reply(path, nak.clone());
    }
    assert_eq!(desk.signals().len(), 2);
}

#[test]
fn without_a_usable_link_signals_wait_and_go_at_once_when_one_comes() {
    let mut desk = Desk::new(1, &[1, 2]);
    desk.tell(Event::Link { link: link(1), usable: false });
    desk.tell(Event::Link { link: link(2), usable: false });
    assert!(!desk.stations.any_path_works() || desk.signals().is_empty());
    desk.submit(1, 1);
    desk.run(Duration::from_secs(600));
    assert_eq!(desk.signals(), []);

    desk.tell(Event::Link { link: link(2), usable: true });
    let (path, request) = desk.signals()[0].clone();
    assert_eq!(path.link, link(2));
    let Content::ContactId { occurred, .. } = request.content else { panic!("a signal") };
    assert_eq!(occurred, Some(Timestamp::of(Wall(1_758_730_801_000))), "news that is old says so");
}

#[test]
fn a_signal_that_waited_for_a_link_goes_to_the_first_station() {
    let mut desk = Desk::new(3, &[1]);
    desk.tell(Event::Link { link: link(1), usable: false });
    desk.submit(1, 1);
    desk.run(Duration::from_secs(600));
    desk.tell(Event::Link { link: link(1), usable: true });
    assert_eq!(desk.signals()[0].0.station, StationId(0));
}

#[test]
fn a_station_that_is_known_to_be_dead_is_passed_over() {
    let mut desk = Desk::new(2, &[1]);
    // The second station answers every sign of life, the first none.
    for _ in 0..200 {
        desk.run(Duration::from_secs(1));
        let asked = desk.sent.iter().rev().find(|(path, ..)| path.station == StationId(1)).cloned();
        if let Some((path, request, _)) = asked {
            desk.reply(path, ack(&request));
        }
    }
    desk.submit(1, 1);
    assert_eq!(desk.signals()[0].0.station, StationId(1));
}

#[test]
fn fire_goes_before_burglary_when_more_wait_than_may_be_on_their_way() {
    let mut desk = Desk::new(1, &[1]);
    for key in 1..=20 {
        desk.submit(key, 5);
    }
    desk.submit(99, 1);
    assert_eq!(desk.signals().len(), 8, "bounded on their way");
    let (path, request) = desk.signals()[0].clone();
    desk.reply(path, ack(&request));
    let next = desk.sent.iter().filter_map(|(_, _, signal)| *signal).nth(8);
    assert_eq!(next, Some(SignalKey(99)));
}

#[test]
fn every_path_is_supervised_by_itself() {
    let mut desk = Desk::new(1, &[1, 2]);
    desk.answer_all_supervision();
    assert!(desk.stations.any_path_works());
    desk.troubles.clear();
    // Link 1 goes silent, link 2 is answered.
    for _ in 0..60 {
        desk.run(Duration::from_secs(2));
        desk.answer_supervision(link(2));
    }
    let path = PathId { station: StationId(0), link: link(1) };
    assert_eq!(desk.troubles, [Trouble::Path { path, works: false }]);
    assert!(desk.stations.any_path_works());
    desk.answer_supervision(link(1));
    assert_eq!(desk.troubles.last(), Some(&Trouble::Path { path, works: true }));
}

#[test]
fn sequences_are_reserved_before_they_are_used() {
    let mut desk = Desk::new(1, &[1]);
    desk.answer_all_supervision();
    let mut next = Sequence::FIRST;
    for key in 0..250 {
        desk.submit(key, 1);
        let (path, request) = desk.signals().last().expect("sent").clone();
        if let Some(reserved) = desk.reserved.last() {
            next = *reserved;
        }
        assert!(request.sequence < next, "{} is not below {next}", request.sequence);
        desk.reply(path, ack(&request));
    }
    assert_eq!(desk.delivered.len(), 250);
    assert_eq!(desk.reserved.len(), 3);
}

#[test]
fn the_same_signal_submitted_twice_is_sent_once_and_too_many_are_refused() {
    let mut desk = Desk::new(1, &[1]);
    for key in (0..1_032).chain(0..1_032) {
        desk.submit(key, 1);
    }
    assert_eq!(desk.stations.status().undelivered, 1_032);
    assert_eq!(desk.troubles, []);
    desk.submit(5_000, 1);
    assert_eq!(desk.troubles, [Trouble::Full { signal: SignalKey(5_000) }]);
}

// ---- the desk ----

struct Desk {
    stations: Stations,
    now: Now,
    sent: Vec<(PathId, Request, Option<SignalKey>)>,
    answered: usize,
    delivered: Vec<(SignalKey, Sequence)>,
    reserved: Vec<Sequence>,
    troubles: Vec<Trouble>,
}

impl Desk {
    fn new(stations: u8, links: &[u8]) -> Self {
        let now = Now { tick: Tick(10_000), wall: Some(Wall(1_758_730_801_000)) };
        let station = |n: u8| StationConfig {
            name: format!("station {n}"),
            address: Address::new(1, 0, "0001").expect("an address"),
            encrypted: false,
            supervise_every: Duration::from_secs(60),
            supervision: SupervisionFormat::WithAccount,
            first_sequence: Sequence::FIRST,
        };
        let config = StationsConfig {
            stations: (0..stations).map(station).collect(),
            links: links.iter().map(|n| link(*n)).collect(),
        };
        let stations = Stations::new(config, now);
        let mut desk = Self {
            stations,
            now,
            sent: vec![],
            answered: 0,
            delivered: vec![],
            reserved: vec![],
            troubles: vec![],
        };
        for n in links {
            desk.tell(Event::Link { link: link(*n), usable: true });
        }
        desk
    }

    fn tell(&mut self, event: Event) {
        self.stations.handle(event, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.stations.poll_action() {
            match action {
                Action::Send { path, request, signal } => self.sent.push((path, request, signal)),
                Action::Delivered { signal, sequence, .. } => self.delivered.push((signal, sequence)),
                Action::Reserve { next, .. } => self.reserved.push(next),
                Action::Tell(trouble) => self.troubles.push(trouble),
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.tick + time;
        while let Some(at) = self.stations.poll_timeout().filter(|at| *at <= end) {
            assert!(at > self.now.tick || self.now.tick <= end, "no deadline in the past for ever");
            self.now.tick = self.now.tick.max(at);
            self.stations.handle_timeout(self.now);
            self.drain();
        }
        self.now.tick = end;
    }

    fn submit(&mut self, key: u64, urgency: u8) {
        self.tell(Event::Submit(Submission {
            signal: SignalKey(key),
            account: "1234".to_owned(),
            event: "1131".to_owned(),
            partition: "01".to_owned(),
            zone: "015".to_owned(),
            urgency,
            occurred: self.now.wall,
        }));
    }

    fn reply(&mut self, path: PathId, reply: Reply) {
        self.tell(Event::Reply { path, reply });
    }

    fn signals(&self) -> Vec<(PathId, Request)> {
        let carried = self.sent.iter().filter(|(_, _, signal)| signal.is_some());
        carried.map(|(path, request, _)| (*path, request.clone())).collect()
    }

    fn answer_all_supervision(&mut self) {
        for n in 1..=2 {
            self.answer_supervision(link(n));
        }
        self.troubles.clear();
    }

    fn answer_supervision(&mut self, by: LinkId) {
        let last = self.sent.iter().rev().find(|(path, _, signal)| path.link == by && signal.is_none());
        if let Some((path, request, _)) = last.cloned() {
            self.answered += 1;
            self.reply(path, ack(&request));
        }
        let doubtful = |t: &Trouble| matches!(t, Trouble::Doubtful { .. });
        self.troubles.retain(|t| !doubtful(t));
    }
}

fn ack(request: &Request) -> Reply {
    Reply {
        kind: ReplyKind::Ack,
        encrypted: false,
        sequence: request.sequence.number(),
        receiver: Some(request.address.receiver),
        prefix: Some(request.address.prefix),
        account: request.address.account.clone(),
        timestamp: None,
    }
}

fn change(change: fn(&mut Reply)) -> fn(&mut Reply) {
    change
}

fn link(n: u8) -> LinkId {
    LinkId::new(n).expect("1..=49")
}
