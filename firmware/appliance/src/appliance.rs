//! The five verbs: told something, reminded of the time, asked for commands, for a deadline, for its state.

use std::collections::VecDeque;

use hal::{LinkId, Now, Tick};
use health::Health;
use noc_messages::{Body, Class, Position, StartBody};
use outbox::{Outbox, Recovered};
use serde::{Deserialize, Serialize};
use wan::Wan;

use crate::alarm::Alarm;
use crate::card::Card;
use crate::counter::Counters;
use crate::{Command, Entry, Event, Recovery, Setup, Uplink};

/// The pure box. Clone and serde make a snapshot of it, from which a recording can be replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Appliance {
    pub(crate) setup: Setup,
    pub(crate) boot: u32,
    pub(crate) started: Tick,
    pub(crate) wan: Wan,
    pub(crate) outbox: Outbox,
    pub(crate) health: Health,
    pub(crate) card: Card,
    pub(crate) alarm: Alarm,
    pub(crate) session: Session,
    pub(crate) uplinks: Uplinks,
    pub(crate) counters: Counters,
    pub(crate) next_metrics: Tick,
    pub(crate) latest: Option<Position>,
    pub(crate) generation: u64,
    pub(crate) state_changed: bool,
    pub(crate) stopping: bool,
    pub(crate) commands: VecDeque<Command>,
}

/// The MQTT session as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) connected: bool,
    pub(crate) number: u32,
    pub(crate) link: Option<LinkId>,
    pub(crate) since: Option<Tick>,
    pub(crate) last_loss: Option<String>,
    /// When its absence becomes a condition.
    pub(crate) missed_at: Option<Tick>,
}

/// What the MQTT port was last told to use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Uplinks {
    pub(crate) v4: Option<Uplink>,
    pub(crate) v6: Option<Uplink>,
}

impl Appliance {
    /// A box that begins to serve.
    ///
    /// `evidence` is what the log of evidence remembers, so that signals and numbers survive a restart;
    /// `adopted` are the links that the kernel already routes by (IPv4, IPv6); `seed` is the only
    /// entropy: the same seed and events give the same commands.
    #[must_use]
    pub fn new(
        setup: Setup,
        recovered: Recovered,
        evidence: Recovery,
        adopted: (Option<LinkId>, Option<LinkId>),
        seed: u64,
        now: Now,
    ) -> Self {
        let boot = recovered.boot;
        let mut wan = Wan::new(setup.wan.clone(), seed);
        wan.handle_adopted(adopted.0, adopted.1, now);
        let mut appliance = Self {
            boot,
            started: now.tick,
            wan,
            outbox: Outbox::new(setup.outbox.clone(), recovered, seed, now),
            health: Health::default(),
            card: Card::default(),
            alarm: Alarm::new(&setup, evidence, now),
            session: Session::default(),
            uplinks: Uplinks::default(),
            counters: Counters::default(),
            next_metrics: now.tick + setup.metrics_every,
            latest: None,
            generation: 0,
            state_changed: true,
            stopping: false,
            commands: VecDeque::new(),
            setup,
        };
        appliance.begin(adopted.0, now);
        appliance
    }

    fn begin(&mut self, adopted: Option<LinkId>, now: Now) {
        let start = StartBody {
            version: self.setup.version.clone(),
            board: self.setup.board.clone(),
            adopted: adopted.map(|link| self.name_of(link)),
        };
        self.record(Class::State, Body::Start(start), now);
        let (site, version) = (self.setup.site.to_string(), self.setup.version.clone());
        self.keep(Entry::Start { site, version }, now);
        self.resubmit(now);
        self.tell_reset(now);
        if self.setup.broker_expected {
            self.session.missed_at = Some(now.tick + crate::telling::BROKER_HOLD_OFF);
        }
        self.settle(now);
    }

    /// Something happened. Drain [`Self::poll_command`] before the next call.
    pub fn handle(&mut self, event: Event, now: Now) {
        self.take(event, now);
        self.settle(now);
    }

    /// The deadline of [`Self::poll_timeout`] has come (or any other time: it is harmless).
    pub fn handle_timeout(&mut self, now: Now) {
        self.wan.handle_timeout(now);
        self.outbox.handle_timeout(now);
        self.alarm.handle_timeout(now);
        self.own_deadlines(now);
        self.settle(now);
    }

    /// The next command, until there is none.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let own =
            [Some(self.next_metrics), self.session.missed_at, self.card.deadline(), self.alarm.deadline()];
        own.into_iter().chain([self.wan.poll_timeout(), self.outbox.poll_timeout()]).flatten().min()
    }

    /// Number of this start of the daemon, as in every record.
    #[must_use]
    pub const fn boot(&self) -> u32 {
        self.boot
    }
}
