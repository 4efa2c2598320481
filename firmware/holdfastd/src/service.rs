//! The loop: one event, one turn of the appliance, its commands, the next event.
//!
//! ```text
//!   1 line card,
//!     stations  ─┐
//!   2 probes,    │                  ┌─ probes, routes (inline: tens of microseconds)
//!     links     ─┤   ┌───────────┐  ├─ card, stations, evidence, spool, MQTT
//!   3 deadline  ─┼──>│ Appliance │──┤  (bounded channels, never waited for)
//!   4 power,     │   └───────────┘  └─ log, flight recorder
//!     evidence  ─┤
//!     spool     ─┤
//!     stop      ─┤
//!     MQTT      ─┤
//!     questions ─┘
//! ```
//! Priorities are those of the numbers (design, section 5). A deadline that has come is served
//! after every event, so that no flood of events can hold it back.

use std::time::Duration;

use appliance::{
    Appliance, CardEvent, Command, Event, EvidenceReport, MqttCommand, MqttEvent, NetEvent, StationCommand,
    Turn,
};
use hal::{Now, Tick};
use hal_linux::clock;
use noc_messages::{Body, Severity};
use ports::control::Question;
use tokio::time::Instant;

use crate::log;
use crate::open::Opened;
use crate::question;
use crate::systemd::{self, Watchdog};

/// `Goodbye` drains for 2 s at most; half a second for the disconnect itself.
const LONGEST_GOODBYE: Duration = Duration::from_millis(2_500);

/// For the disk to take what waits as evidence; together with the goodbye within systemd's patience.
const LONGEST_FLUSH: Duration = Duration::from_secs(2);

/// How the loop goes on after a turn.
enum Woken {
    Event(Event),
    Deadline,
    Question(Question),
    /// Only the loop itself has something to look at.
    Nothing,
}

/// Serves until told to stop. Routes stay as they are.
pub(crate) async fn serve(mut opened: Opened) -> anyhow::Result<()> {
    let mut watchdog = Watchdog::from_environment();
    let mut goodbye: Option<Instant> = None;
    opened.first_turn();
    systemd::ready();
    loop {
        let woken = opened.next(watchdog.due(), goodbye).await?;
        let begun = Instant::now();
        match woken {
            Woken::Event(event) => {
                if event == Event::Stop && goodbye.is_none() {
                    systemd::stopping();
                    goodbye = Some(Instant::now() + LONGEST_GOODBYE);
                }
                let said_goodbye = goodbye.is_some() && matches!(event, Event::Mqtt(MqttEvent::Lost { .. }));
                opened.turn(Some(event));
                if said_goodbye {
                    break;
                }
            }
            Woken::Deadline => opened.turn(None),
            Woken::Question(question) => question::answer(&mut opened, question),
            Woken::Nothing => {}
        }
        if goodbye.is_some_and(|at| Instant::now() >= at || !opened.talks_to_broker()) {
            break;
        }
        opened.turn_if_due();
        watchdog.turn_ended(begun.elapsed());
    }
    opened.finish();
    Ok(())
}

impl Opened {
    /// Drains what the appliance wanted at its birth.
    fn first_turn(&mut self) {
        let commands = core::iter::from_fn(|| self.appliance.poll_command()).collect();
        self.execute(commands);
    }

    async fn next(&mut self, watchdog: Option<Instant>, goodbye: Option<Instant>) -> anyhow::Result<Woken> {
        let deadline = self.appliance.poll_timeout().map(instant_of);
        let woken = tokio::select! {
            biased;
            event = self.card_events.recv(), if self.card.is_some() => match event {
                Some(event) => Woken::Event(Event::Card(event)),
                None => Woken::Event(Event::Card(self.restart_card()?)),
            },
            event = self.station_events.recv(), if self.stations.is_some() => match event {
                Some(event) => Woken::Event(Event::Station(event)),
                None => self.restart_stations()?,
            },
            outcome = self.net.next_outcome() => Woken::Event(Event::Net(NetEvent::Probe(outcome?))),
            Some(event) = self.net_events.recv() => Woken::Event(Event::Net(event)),
            () = until(deadline) => Woken::Deadline,
            facts = self.power_facts.recv(), if self.power.is_some() => match facts {
                Some(facts) => Woken::Event(Event::Power(facts)),
                None => self.restart_power()?,
            },
            report = self.evidence_reports.recv() => match report {
                Some(report) => Woken::Event(Event::Evidence(report)),
                None => Woken::Event(Event::Evidence(self.restart_evidence()?)),
            },
            Some(report) = self.store_reports.recv() => Woken::Event(Event::Store(report)),
            _ = self.stop.recv() => Woken::Event(Event::Stop),
            Some(event) = self.mqtt_events.recv() => Woken::Event(Event::Mqtt(event)),
            Some(question) = self.questions.recv() => Woken::Question(question),
            () = until(watchdog) => Woken::Nothing,
            () = until(goodbye) => Woken::Nothing,
        };
        Ok(woken)
    }

    /// The card's thread has ended without being told to.
    fn restart_card(&mut self) -> anyhow::Result<CardEvent> {
        if let Some(card) = &mut self.card {
            self.card_events = card.restart()?;
        }
        Ok(CardEvent::Lost { why: "its thread ended and was started again".to_owned() })
    }

    /// The stations' thread has ended: what was under way gets no answer and is sent again in its time.
    fn restart_stations(&mut self) -> anyhow::Result<Woken> {
        if let Some(stations) = &mut self.stations {
            self.station_events = stations.restart()?;
        }
        Ok(Woken::Nothing)
    }

    fn restart_power(&mut self) -> anyhow::Result<Woken> {
        if let Some(power) = &mut self.power {
            self.power_facts = power.restart()?;
        }
        Ok(Woken::Nothing)
    }

    /// The evidence's threads have ended, and nobody knows what they had not written.
    fn restart_evidence(&mut self) -> anyhow::Result<EvidenceReport> {
        self.evidence_reports = self.evidence.restart()?;
        Ok(EvidenceReport::Failed { lost: 0, why: "its threads ended and were started again".to_owned() })
    }

    /// One turn: the event or the deadline, then all commands; what they bring about is the next turn.
    pub(crate) fn turn(&mut self, event: Option<Event>) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            if self.recorder.wants_snapshot() {
                self.recorder.begin_segment(&self.appliance);
            }
            let now = clock::now();
            let commands = appliance::turn(&mut self.appliance, event.clone(), now);
            self.recorder.turn(Turn { now, event, commands: commands.clone() });
            next = self.execute(commands).map(Some);
        }
    }

    fn turn_if_due(&mut self) {
        let due = |appliance: &Appliance, now: Now| appliance.poll_timeout().is_some_and(|at| at <= now.tick);
        if due(&self.appliance, clock::now()) {
            self.turn(None);
        }
    }

    /// Executes commands; answers with what the kernel said at once, if it did.
    fn execute(&mut self, commands: Vec<Command>) -> Option<Event> {
        let mut applied = None;
        for command in commands {
            match command {
                Command::ApplyRoutes(plan) => {
                    applied = Some(Event::Net(NetEvent::RoutesApplied(self.net.apply(&plan))));
                }
                Command::SendProbe(probe) => self.net.send_probe(&probe),
                Command::FlushFlows { link } => self.net.flush_flows(link),
                Command::Card(command) => self.to_card(command),
                Command::Mqtt(command) => self.to_mqtt(command),
                Command::Store(request) => self.store.send(request),
                Command::Station(command) => self.to_stations(command),
                Command::Evidence { at, entry } => self.evidence.handle.append(at, *entry),
                Command::Log(body) => self.log(&body),
            }
        }
        applied
    }

    fn log(&mut self, body: &Body) {
        log::record(body);
        let Body::Condition(condition) = body else { return };
        if !condition.raised || condition.severity < Severity::Critical {
            return;
        }
        let name = format!("{}-boot-{}", condition.type_id, self.appliance.boot());
        match self.recorder.keep(&name) {
            Ok(kept) => {
                tracing::info!(recording = %kept.display(), "the flight recording of this fault is kept");
            }
            Err(error) => tracing::warn!(%error, "the flight recording of this fault could not be kept"),
        }
    }

    fn to_card(&self, command: appliance::CardCommand) {
        let Some(card) = &self.card else { return };
        if let Err(error) = card.handle.try_send(command) {
            // Acknowledgements are cumulative: the next one covers this one.
            tracing::warn!(%error, "the card thread does not keep up");
        }
    }

    fn to_stations(&self, command: StationCommand) {
        let Some(stations) = &self.stations else { return };
        if let Err(error) = stations.handle.try_send(command) {
            // A frame without an answer is sent again, over the next path.
            tracing::warn!(%error, "a frame did not leave");
        }
    }

    fn to_mqtt(&self, command: MqttCommand) {
        if let Some(mqtt) = &self.mqtt {
            mqtt.try_send(command);
        }
    }

    fn talks_to_broker(&self) -> bool {
        self.mqtt.is_some() && self.appliance.status(clock::now()).mqtt.connected
    }

    fn finish(mut self) {
        if !self.evidence.handle.close(LONGEST_FLUSH) {
            tracing::error!(within = ?LONGEST_FLUSH, "the latest evidence could not be stored");
        }
        self.recorder.finish();
        tracing::info!("stopped; routes stay as they are");
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => core::future::pending().await,
    }
}

fn instant_of(tick: Tick) -> Instant {
    Instant::now() + tick.since(clock::now().tick)
}
