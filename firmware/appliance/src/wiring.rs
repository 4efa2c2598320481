//! Where the machines meet: the page that explains the product.
//!
//! ```text
//!   facts, outcomes,        hooks, digits, ends of tones        replies
//!   routes applied                     |                           |
//!          |                           v        signals.rs         v
//!     +---------+                 +---------+ ------------> +----------+
//!     |   wan   |                 |  lines  |               | stations |
//!     +---------+                 +---------+ <------------ +----------+
//!       |  |  |    usable links     |   |       delivery.rs   ^  |  |
//!       |  |  +---- paths.rs -------|---|---------------------+  |  |
//!       |  |                        |   | steps, signals         |  | sent, acknowledged
//!       |  | judged, switched       |   +-----> evidence <-------|--+
//!       |  v                        |                            |
//!       | records, conditions       |                            |
//!       | (telling.rs)              |                            |
//!       v        v                  v                            v
//!   probes,   outbox: append,    tones, feed, acknowledgements   frames
//!   routes    read, publish      once their record is stored
//! ```
//! The way of a signal within one turn: card event, line, `signals.rs` (evidence, record), stations,
//! frame; and back: reply, stations, `delivery.rs` (evidence, record), line, kiss-off. What is wrong with
//! the box becomes a condition here and, by `voice.rs`, a signal of its own.

use hal::{Family, Now, Sample};
use noc_messages::{LineBody, Severity, Watermark, topics};
use outbox::{SessionReport, StoreReport};
use wan::Action;

use crate::counter::Counter;
use crate::{
    Appliance, CardEvent, CardHello, Command, Event, EvidenceReport, MqttCommand, MqttEvent, NetEvent, Uplink,
};

impl Appliance {
    pub(crate) fn take(&mut self, event: Event, now: Now) {
        match event {
            Event::Net(event) => self.take_net(event, now),
            Event::Card(event) => self.take_card(event, now),
            Event::Mqtt(event) => self.take_mqtt(event, now),
            Event::Store(report) => self.take_store(report, now),
            Event::Station(event) => self.take_station(event, now),
            Event::Evidence(report) => self.take_evidence(report, now),
            Event::Power(facts) => self.take_power(facts, now),
            Event::Order(order) => self.take_order(order, now),
            Event::Stop => self.stop(now),
        }
    }

    fn take_net(&mut self, event: NetEvent, now: Now) {
        match event {
            NetEvent::Facts(facts) => self.wan.handle_facts(facts, now),
            NetEvent::Probe(outcome) => self.wan.handle_outcome(outcome, now),
            NetEvent::RoutesApplied(applied) => self.wan.handle_routes_applied(applied, now),
            NetEvent::Repaired { what } => {
                self.counters.add(Counter::NetRepairs, 1);
                self.raise("net", "foreign-change", Severity::Warning, &what, now);
                // It is put right already: what remains is the record that it happened.
                self.clear("net", "foreign-change", now);
            }
            NetEvent::NothingRefused => self.clear("net", "kernel-refused", now),
            NetEvent::Refused { what } => {
                self.counters.add(Counter::NetRefusals, 1);
                self.raise("net", "kernel-refused", Severity::Major, &what, now);
            }
        }
    }

    fn take_card(&mut self, event: CardEvent, now: Now) {
        match event {
            CardEvent::Ready(hello) => self.card_ready(&hello, now),
            CardEvent::Lost { why } => {
                let was_present = self.card.present;
                self.card.lost(&why);
                self.lines_lose_card(now);
                if self.setup.card_expected {
                    self.raise("card", "card-lost", Severity::Major, &why, now);
                } else if was_present {
                    self.record_card("lost", &why, now);
                }
            }
            CardEvent::Hook { line, off_hook, sample, card_boot, card_seq } => {
                let to = hook_word(off_hook).to_owned();
                let change = LineBody { line: line.0, to, sample, card_boot, card_seq: Some(card_seq) };
                let position = self.record_hook(change, now);
                self.card.taken(card_boot, card_seq, Some(position), now.tick);
                self.tell_line(line, line::Event::Hook { off_hook, sample: Sample(sample) }, now);
            }
            CardEvent::Heard { line, card_boot, heard } => self.heard(line, card_boot, heard, now),
            CardEvent::TonesEnded { line, play, sample, end, card_boot, card_seq } => {
                self.card.taken(card_boot, card_seq, None, now.tick);
                self.tell_line(line, line::Event::TonesEnded { play, sample, end }, now);
            }
            CardEvent::LineFault { line, fault, present, card_boot, card_seq } => {
                let position = self.line_fault(line, &fault, present, now);
                self.card.taken(card_boot, card_seq, position, now.tick);
            }
            CardEvent::Garbage { damaged, unknown } => {
                self.counters.add(Counter::CardFramesDamaged, u64::from(damaged));
                self.counters.add(Counter::CardFramesUnknown, u64::from(unknown));
            }
        }
    }

    fn card_ready(&mut self, hello: &CardHello, now: Now) {
        let missed = self.card.missed_changes(hello);
        let same = self.card.boot == Some(hello.card_boot) && self.card.present;
        let restarted = self.card.ready(hello);
        self.counters.add(Counter::CardEventsLost, u64::from(hello.events_lost));
        let to = if restarted { "restarted" } else { "ready" };
        let detail = self.card.detail.clone();
        self.record_card(to, &detail, now);
        if hello.events_lost > 0 {
            self.record_card("events_lost", &hello.events_lost.to_string(), now);
        }
        for (line, off_hook) in missed {
            let to = hook_word(off_hook).to_owned();
            let change =
                LineBody { line, to, sample: hello.sample, card_boot: hello.card_boot, card_seq: None };
            self.record_hook(change, now);
        }
        self.clear("card", "card-lost", now);
        self.lines_follow(hello, same, now);
    }

    fn take_mqtt(&mut self, event: MqttEvent, now: Now) {
        match event {
            MqttEvent::Connected { session, link } => {
                self.session.connected = true;
                self.session.number = session;
                self.session.link = link;
                self.session.since = Some(now.tick);
                self.session.missed_at = None;
                self.clear("mqtt", "broker-unreachable", now);
                self.outbox.handle_session(SessionReport::Connected { session }, now);
            }
            MqttEvent::Lost { why } => self.session_lost(why, now),
            MqttEvent::Acknowledged(tag) => self.outbox.handle_session(SessionReport::Acknowledged(tag), now),
            MqttEvent::Message { topic, payload } => self.take_message(&topic, &payload, now),
            MqttEvent::Odd { what: _ } => self.counters.add(Counter::MqttOddMessages, 1),
        }
    }

    fn session_lost(&mut self, why: String, now: Now) {
        self.counters.add(Counter::MqttLosses, 1);
        if self.session.connected || self.session.since.is_none() {
            self.session.since = Some(now.tick);
        }
        if self.session.connected {
            self.session.missed_at = Some(now.tick + crate::telling::BROKER_HOLD_OFF);
        }
        self.session.connected = false;
        self.session.last_loss = Some(why);
        self.outbox.handle_session(SessionReport::Lost, now);
    }

    fn take_message(&mut self, topic: &str, payload: &str, now: Now) {
        if topic != topics::watermark(&self.setup.site) {
            self.counters.add(Counter::MqttUnknownTopics, 1);
            return;
        }
        match serde_json::from_str::<Watermark>(payload) {
            Ok(watermark) => self.outbox.handle_watermark(&watermark, now),
            Err(_) => self.counters.add(Counter::MqttBadWatermarks, 1),
        }
    }

    fn take_store(&mut self, report: StoreReport, now: Now) {
        if let StoreReport::Stored(positions) = &report {
            self.card.stored(positions);
        }
        self.outbox.handle_store(report, now);
    }

    fn take_evidence(&mut self, report: EvidenceReport, now: Now) {
        match report {
            EvidenceReport::Stored { newest: _, head: _ } => {
                self.clear("evidence", "evidence-failed", now);
            }
            EvidenceReport::Failed { lost, why } => {
                self.counters.add(Counter::EvidenceLost, lost);
                self.raise("evidence", "evidence-failed", Severity::Major, &why, now);
            }
            EvidenceReport::Dropped { entries } => self.counters.add(Counter::EvidenceDropped, entries),
        }
    }

    fn stop(&mut self, now: Now) {
        if !self.stopping {
            self.stopping = true;
            self.record(noc_messages::Class::State, noc_messages::Body::Stop, now);
            self.settle(now);
            self.commands.push_back(Command::Mqtt(MqttCommand::Goodbye));
        }
    }

    pub(crate) fn own_deadlines(&mut self, now: Now) {
        if self.next_metrics <= now.tick {
            self.next_metrics = now.tick + self.setup.metrics_every;
            self.record_metrics(now);
        }
        if self.session.missed_at.is_some_and(|at| at <= now.tick) {
            self.session.missed_at = None;
            let why = self.session.last_loss.clone().unwrap_or_else(|| "never connected".to_owned());
            self.raise("mqtt", "broker-unreachable", Severity::Minor, &why, now);
        }
        self.expire_tests(now);
    }

    /// Carries what the machines say to each other, until all of them are silent.
    pub(crate) fn settle(&mut self, now: Now) {
        while let Some(action) = self.wan.poll_action() {
            match action {
                Action::SendProbe(probe) => self.commands.push_back(Command::SendProbe(probe)),
                Action::ApplyRoutes(plan) => self.commands.push_back(Command::ApplyRoutes(plan)),
                Action::FlushFlows { link } => self.commands.push_back(Command::FlushFlows { link }),
                Action::Tell(notice) => self.tell_wan(&notice, now),
            }
        }
        self.move_telemetry();
        self.settle_alarm(now);
        while let Some(due) = self.card.next_due(now.tick) {
            self.counters.add(Counter::CardAcksBeforeStored, u64::from(due.before_stored));
            self.commands.push_back(Command::Card(due.command));
        }
        // What the outbox tells may raise a condition, which is a record and changes the document.
        while self.state_changed {
            self.refresh_state_document(now);
            self.settle_outbox(now);
        }
        self.settle_outbox(now);
    }

    /// A signal goes from a line to the stations and its acknowledgement back within one turn.
    fn settle_alarm(&mut self, now: Now) {
        loop {
            self.refresh_paths(now);
            self.speak(now);
            let lines = self.settle_lines(now);
            let stations = self.settle_stations(now);
            if !lines && !stations {
                return;
            }
        }
    }

    fn settle_outbox(&mut self, now: Now) {
        while let Some(action) = self.outbox.poll_action() {
            match action {
                outbox::Action::Store(request) => self.commands.push_back(Command::Store(request)),
                outbox::Action::Publish(publish) => {
                    self.commands.push_back(Command::Mqtt(MqttCommand::Publish(publish)));
                }
                outbox::Action::Tell(notice) => self.tell_outbox(&notice, now),
            }
        }
    }

    /// Telemetry leaves by the link that carries the site.
    fn move_telemetry(&mut self) {
        for family in Family::BOTH {
            let Some((link, source)) = self.wan.uplink(family) else { continue };
            let uplink = Some(Uplink { link, name: self.name_of(link), source });
            let told = match family {
                Family::V4 => &mut self.uplinks.v4,
                Family::V6 => &mut self.uplinks.v6,
            };
            if *told == uplink {
                continue;
            }
            *told = uplink;
            let (v4, v6) = (self.uplinks.v4.clone(), self.uplinks.v6.clone());
            self.commands.push_back(Command::Mqtt(MqttCommand::Use { v4, v6 }));
        }
    }
}

const fn hook_word(off_hook: bool) -> &'static str {
    if off_hook { "off_hook" } else { "on_hook" }
}
