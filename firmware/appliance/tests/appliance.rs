//! The whole appliance on a desk: events by hand, a kernel and a store that answer at once.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::net::IpAddr;
use std::time::Duration;

use appliance::{
    Appliance, CardCommand, CardEvent, CardHello, Command, Event, LineSetup, MqttCommand, MqttEvent,
    NetEvent, RecordedLine, Recovery, ReplayError, Setup, Turn, replay, turn,
};
use hal::{LineId, LinkId, Now, Tick};
use noc_messages::{Body, Position};
use outbox::{OutboxConfig, Recovered, StoreReport, StoreRequest};
use wan::{Addressing, LinkConfig, LinkFacts, ProbeOutcome, ProbeResult, RoutesApplied, Timing, WanConfig};

const FIBRE: u8 = 1;
const LTE: u8 = 2;

#[test]
fn primary_silent_moves_traffic_and_tells_noc_once() {
    let mut desk = Desk::new();
    desk.links_appear();
    desk.run(Duration::from_secs(3));
    assert_eq!(desk.active(), Some(link(FIBRE)));
    desk.seen.clear();

    desk.silent.insert(link(FIBRE));
    desk.run(Duration::from_secs(5));

    assert_eq!(desk.active(), Some(link(LTE)));
    let switches: Vec<_> = desk.bodies().filter(|b| matches!(b, Body::Switch(_))).collect();
    assert_eq!(switches.len(), 1, "{switches:?}");
    let conditions = desk.bodies().filter(|b| matches!(b, Body::Condition(c) if c.raised)).count();
    assert_eq!(conditions, 1, "the link is down, and that is all that is wrong");
    let moved =
        |c: &Command| matches!(c, Command::Mqtt(MqttCommand::Use { v4: Some(u), .. }) if u.name == "lte");
    assert_eq!(desk.seen.iter().filter(|c| moved(c)).count(), 1, "telemetry moves along");
    let flush = Command::FlushFlows { link: link(FIBRE) };
    let place =
        |wanted: &dyn Fn(&Command) -> bool| desk.seen.iter().position(wanted).expect("it was commanded");
    let replaced =
        place(&|c| matches!(c, Command::ApplyRoutes(p) if p.v4.active.is_some_and(|h| h.link == link(LTE))));
    assert!(replaced < place(&|c| *c == flush), "flows are flushed after the route stands");
}

#[test]
fn a_hook_event_is_acknowledged_when_its_record_is_stored() {
    let mut desk = Desk::new();
    desk.store_answers = false;
    desk.tell(Event::Card(CardEvent::Ready(hello(7, 0, [false, false]))));
    desk.seen.clear();

    desk.tell(hook(0, true, 1));
    assert!(!desk.seen.iter().any(|c| matches!(c, Command::Card(_))), "not before it is stored");

    desk.store_answers = true;
    desk.answer_store();
    let acknowledged = Command::Card(CardCommand::Acknowledge { card_boot: 7, card_seq: 1 });
    assert!(desk.seen.contains(&acknowledged));
    assert_eq!(desk.appliance.status(desk.now).card.lines[0].hook, "off_hook");
}

#[test]
fn a_store_that_hangs_does_not_hold_a_line() {
    let mut desk = Desk::new();
    desk.store_answers = false;
    desk.tell(Event::Card(CardEvent::Ready(hello(7, 0, [false, false]))));
    desk.tell(hook(0, true, 1));
    desk.run(Duration::from_millis(300));
    assert!(desk.seen.iter().any(|c| matches!(c, Command::Card(_))));
    let counters = desk.appliance.status(desk.now).counters;
    assert_eq!(counters.get("card_acks_before_stored"), Some(&1));
}

#[test]
fn what_a_card_forgot_is_seen_in_its_hello() {
    let mut desk = Desk::new();
    desk.tell(Event::Card(CardEvent::Ready(hello(7, 0, [false, false]))));
    desk.tell(Event::Card(CardEvent::Lost { why: "silent for 1 s".to_owned() }));
    assert_eq!(desk.appliance.status(desk.now).conditions.len(), 1);
    desk.seen.clear();

    desk.tell(Event::Card(CardEvent::Ready(hello(8, 3, [false, true]))));
    let lines: Vec<_> = desk.bodies().filter(|b| matches!(b, Body::Line(_))).collect();
    assert!(
        matches!(lines.as_slice(), [Body::Line(l)] if l.line == 1 && l.to == "off_hook" && l.card_seq.is_none())
    );
    assert_eq!(desk.appliance.status(desk.now).conditions, []);
    assert_eq!(desk.appliance.status(desk.now).counters.get("card_events_lost"), Some(&3));
}

#[test]
fn messages_that_nobody_understands_are_counted_and_harmless() {
    let mut desk = Desk::new();
    let topic = "holdfast/v1/clinic-017/noc/watermark".to_owned();
    for (topic, payload) in [
        (topic.clone(), "not json"),
        (topic.clone(), "{\"upto\":{\"signal\":{\"boot\":99,\"seq\":7}}}"),
        (topic, "{\"upto\":{\"nonsense\":1}}"),
        ("holdfast/v1/clinic-017/noc/elsewhere".to_owned(), "{}"),
    ] {
        desk.tell(Event::Mqtt(MqttEvent::Message { topic, payload: payload.to_owned() }));
    }
    desk.tell(Event::Mqtt(MqttEvent::Odd { what: "70000 bytes".to_owned() }));
    let status = desk.appliance.status(desk.now);
    assert_eq!(status.counters.get("mqtt_bad_watermarks"), Some(&2));
    assert_eq!(status.counters.get("mqtt_unknown_topics"), Some(&1));
    assert_eq!(status.counters.get("mqtt_odd_messages"), Some(&1));
    assert_eq!(status.spool.watermarks_ahead, 1, "a watermark of a future boot releases nothing");
}

#[test]
fn without_a_broker_for_ten_seconds_the_box_says_so_and_takes_it_back() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(11));
    assert!(desk.conditions().contains(&"broker-unreachable".to_owned()));
    desk.tell(Event::Mqtt(MqttEvent::Connected { session: 1, link: Some(link(FIBRE)) }));
    assert!(!desk.conditions().contains(&"broker-unreachable".to_owned()));
}

#[test]
fn what_the_kernel_refuses_is_a_condition_until_it_refuses_nothing() {
    let mut desk = Desk::new();
    desk.tell(Event::Net(NetEvent::Refused { what: "route: no such device".to_owned() }));
    assert!(desk.conditions().contains(&"kernel-refused".to_owned()));
    desk.tell(Event::Net(NetEvent::NothingRefused));
    assert!(!desk.conditions().contains(&"kernel-refused".to_owned()));
}

#[test]
fn stop_says_goodbye_once_and_touches_no_route() {
    let mut desk = Desk::new();
    desk.links_appear();
    desk.run(Duration::from_secs(2));
    desk.seen.clear();
    desk.tell(Event::Stop);
    desk.tell(Event::Stop);
    assert_eq!(desk.seen.iter().filter(|c| **c == Command::Mqtt(MqttCommand::Goodbye)).count(), 1);
    assert!(!desk.seen.iter().any(|c| matches!(c, Command::ApplyRoutes(_) | Command::FlushFlows { .. })));
    assert!(desk.bodies().any(|b| *b == Body::Stop));
}

#[test]
fn a_recording_replays_to_the_same_commands_and_a_changed_one_does_not() {
    let mut desk = Desk::new();
    let snapshot = RecordedLine::Snapshot(Box::new(desk.appliance.clone()));
    desk.recording.push(snapshot);
    desk.links_appear();
    desk.run(Duration::from_secs(2));
    desk.silent.insert(link(FIBRE));
    desk.run(Duration::from_secs(2));

    let mut lines: Vec<String> = desk.recording.iter().map(|l| serde_json::to_string(l).unwrap()).collect();
    let same = replay(Cursor::new(lines.join("\n"))).unwrap();
    assert_eq!(same.difference, None);
    assert!(same.turns > 50);

    // Cut off in the last line, as a crash leaves it.
    let whole = lines.join("\n");
    assert_eq!(replay(Cursor::new(&whole[..whole.len() - 5])).unwrap().turns, same.turns - 1);

    let headless = lines.split_off(1).join("\n");
    assert!(matches!(replay(Cursor::new(headless)), Err(ReplayError::NoSnapshot(1))));

    let changed = desk.recording.iter_mut().rev().find_map(|line| match line {
        RecordedLine::Turn(turn) if !turn.commands.is_empty() => Some(turn),
        RecordedLine::Turn(_) | RecordedLine::Snapshot(_) => None,
    });
    changed.expect("a turn with commands").commands.clear();
    let lines: Vec<String> = desk.recording.iter().map(|l| serde_json::to_string(l).unwrap()).collect();
    assert!(replay(Cursor::new(lines.join("\n"))).unwrap().difference.is_some());
}

// ---- the desk ----

struct Desk {
    appliance: Appliance,
    now: Now,
    seen: Vec<Command>,
    recording: Vec<RecordedLine>,
    silent: BTreeSet<LinkId>,
    store_answers: bool,
    unanswered: Vec<Position>,
}

impl Desk {
    fn new() -> Self {
        let now = Now::at(Tick(1_000));
        let recovered = Recovered { boot: 3, ..Recovered::default() };
        let appliance = Appliance::new(setup(), recovered, Recovery::default(), (None, None), 42, now);
        let mut desk = Self {
            appliance,
            now,
            seen: vec![],
            recording: vec![],
            silent: BTreeSet::new(),
            store_answers: true,
            unanswered: vec![],
        };
        desk.turn(None);
        desk.recording.clear();
        desk
    }

    fn tell(&mut self, event: Event) {
        self.turn(Some(event));
    }

    fn turn(&mut self, event: Option<Event>) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let commands = turn(&mut self.appliance, event.clone(), self.now);
            self.recording.push(RecordedLine::Turn(Turn {
                now: self.now,
                event,
                commands: commands.clone(),
            }));
            for command in commands {
                events.extend(self.answer(&command).map(Some));
                self.seen.push(command);
            }
        }
    }

    fn answer(&mut self, command: &Command) -> Option<Event> {
        match command {
            Command::ApplyRoutes(plan) => {
                let applied = RoutesApplied { generation: plan.generation, v4: true, v6: true };
                Some(Event::Net(NetEvent::RoutesApplied(applied)))
            }
            Command::SendProbe(probe) if !self.silent.contains(&probe.link) => {
                let result = ProbeResult::Answered { rtt_us: 800 };
                let outcome =
                    ProbeOutcome { link: probe.link, target: probe.target, sequence: probe.sequence, result };
                Some(Event::Net(NetEvent::Probe(outcome)))
            }
            Command::Store(StoreRequest::Append { records, .. }) => {
                self.unanswered.extend(records.iter().map(|r| r.position));
                let stored = self.store_answers.then(|| core::mem::take(&mut self.unanswered));
                stored.map(|positions| Event::Store(StoreReport::Stored(positions)))
            }
            Command::SendProbe(_)
            | Command::FlushFlows { .. }
            | Command::Card(_)
            | Command::Mqtt(_)
            | Command::Store(_)
            | Command::Station(_)
            | Command::Evidence { .. }
            | Command::Log(_) => None,
        }
    }

    fn answer_store(&mut self) {
        let positions = core::mem::take(&mut self.unanswered);
        self.tell(Event::Store(StoreReport::Stored(positions)));
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.tick + time;
        while let Some(at) = self.appliance.poll_timeout().filter(|at| *at <= end) {
            self.now = Now::at(self.now.tick.max(at));
            self.turn(None);
        }
        self.now = Now::at(end);
    }

    fn links_appear(&mut self) {
        for n in [FIBRE, LTE] {
            let address = |text: String| text.parse::<IpAddr>().expect("an address");
            let v4 = Addressing {
                source: address(format!("198.51.{n}.2")),
                gateway: Some(address(format!("198.51.{n}.1"))),
            };
            let facts = LinkFacts {
                link: link(n),
                ifindex: Some(u32::from(n) + 10),
                carrier: true,
                v4: Some(v4),
                v6: None,
            };
            self.tell(Event::Net(NetEvent::Facts(facts)));
        }
    }

    fn active(&self) -> Option<LinkId> {
        self.appliance.status(self.now).wan.families.iter().find_map(|f| f.active)
    }

    fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.seen.iter().filter_map(|c| if let Command::Log(body) = c { Some(body) } else { None })
    }

    fn conditions(&self) -> Vec<String> {
        self.appliance.status(self.now).conditions.into_iter().map(|c| c.type_id).collect()
    }
}

fn link(n: u8) -> LinkId {
    LinkId::new(n).expect("1..=49")
}

fn hook(line: u8, off_hook: bool, card_seq: u16) -> Event {
    Event::Card(CardEvent::Hook { line: LineId(line), off_hook, sample: 80, card_boot: 7, card_seq })
}

fn hello(card_boot: u32, events_lost: u32, off_hook: [bool; 2]) -> CardHello {
    CardHello {
        card_boot,
        firmware: "sim 1".to_owned(),
        serial: "0001".to_owned(),
        sample: 0,
        off_hook: off_hook.to_vec(),
        fed: vec![true; 2],
        events_lost,
    }
}

fn setup() -> Setup {
    let targets = |n: u8| {
        vec![
            format!("192.0.2.{n}").parse().expect("an address"),
            format!("203.0.113.{n}").parse().expect("an address"),
        ]
    };
    let link = |n: u8, name: &str| LinkConfig {
        id: link(n),
        name: name.to_owned(),
        rank: n,
        metered: false,
        targets: targets(n),
        quorum: 1,
    };
    let line = |n: u8| LineSetup {
        line: LineId(n),
        profile: "alarm".to_owned(),
        name: format!("panel {n}"),
        behaviour: None,
    };
    let site: noc_messages::SiteId = "clinic-017".parse().expect("a site name");
    Setup {
        site: site.clone(),
        board: "lab".to_owned(),
        version: "0.1.0".to_owned(),
        lines: vec![line(0), line(1)],
        card_expected: true,
        broker_expected: true,
        metrics_every: Duration::from_secs(60),
        insecure: vec![],
        stations: None,
        wan: WanConfig { links: vec![link(FIBRE, "fibre"), link(LTE, "lte")], timing: Timing::default() },
        outbox: OutboxConfig {
            site,
            records: 10_000,
            bytes: 10_000_000,
            metrics: 100,
            release_on_puback: false,
        },
    }
}
