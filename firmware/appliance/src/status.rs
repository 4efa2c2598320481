//! What the box answers when somebody asks how it is.

use std::collections::BTreeMap;

use hal::{Now, Tick};
use noc_messages::ActiveCondition;
use serde::{Deserialize, Serialize};
use station::{PathId, StationId};
use wan::WanStatus;

use crate::Appliance;

/// The whole box, for people and tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The board's name.
    pub board: String,
    /// The site's name.
    pub site: String,
    /// Number of the daemon's start.
    pub boot: u32,
    /// Seconds since the daemon started.
    pub uptime_s: u64,
    /// Links and routes.
    pub wan: WanStatus,
    /// The line card.
    pub card: CardStatus,
    /// Stations and what waits for them.
    #[serde(default)]
    pub alarm: AlarmStatus,
    /// The MQTT session.
    pub mqtt: MqttStatus,
    /// The spool.
    pub spool: outbox::OutboxStatus,
    /// What is wrong.
    pub conditions: Vec<ActiveCondition>,
    /// Everything counted.
    pub counters: BTreeMap<String, u64>,
}

/// The line card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardStatus {
    /// It said hello and still answers.
    pub present: bool,
    /// Firmware and serial number, or why it is absent.
    pub detail: String,
    /// The lines in use.
    pub lines: Vec<LineStatus>,
}

/// A line in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineStatus {
    /// Its place on the connector strip, from 0.
    pub line: u8,
    /// `on_hook`, `off_hook`, `unknown`.
    pub hook: String,
    /// What hangs on it.
    pub profile: String,
    /// What people call it.
    pub name: String,
    /// What its call is at, `on_hook` when there is none; absent for a line that the box does not serve.
    #[serde(default)]
    pub call: Option<String>,
    /// It has voltage; absent for a line that the box does not serve.
    #[serde(default)]
    pub fed: Option<bool>,
}

/// Stations and what waits for them. Silent signals are not counted: nobody may read of them here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmStatus {
    /// Every path to a station.
    pub paths: Vec<PathStatus>,
    /// Signals that no station has taken over yet.
    pub undelivered: usize,
    /// Accounts on test.
    pub on_test: Vec<String>,
}

/// A path to a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStatus {
    /// The station's name.
    pub station: String,
    /// The link's name.
    pub link: String,
    /// Acknowledged lately, or not; absent: nothing was heard yet.
    pub works: Option<bool>,
}

/// The MQTT session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MqttStatus {
    /// CONNACK came and nothing was heard of a loss since.
    pub connected: bool,
    /// Number of the connection since the daemon started.
    pub session: u32,
    /// The link it leaves by, by name.
    pub link: Option<String>,
    /// How long it is as it is, milliseconds.
    pub since_ms_ago: Option<u64>,
    /// Why it was last lost, in words.
    pub last_loss: Option<String>,
}

impl Appliance {
    /// How the box is.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        Status {
            version: self.setup.version.clone(),
            board: self.setup.board.clone(),
            site: self.setup.site.to_string(),
            boot: self.boot,
            uptime_s: now.tick.since(self.started).as_secs(),
            wan: self.wan.status(now),
            card: self.card_status(),
            alarm: self.alarm_status(),
            mqtt: self.mqtt_status(now.tick),
            spool: self.outbox.status(),
            conditions: self.health.active(),
            counters: self.counters.by_name(),
        }
    }

    /// Why traffic goes where it goes, in plain words.
    #[must_use]
    pub fn explain(&self, now: Now) -> Vec<String> {
        self.wan.explain(now)
    }

    fn card_status(&self) -> CardStatus {
        let lines = self.setup.lines.iter().map(|line| LineStatus {
            line: line.line.0,
            hook: self.hook_word(line.line.0).to_owned(),
            profile: line.profile.clone(),
            name: line.name.clone(),
            call: self.alarm.lines.get(&line.line).map(|line| line.status().state),
            fed: self.alarm.lines.get(&line.line).map(line::Line::is_fed),
        });
        let detail = if self.card.detail.is_empty() { "not seen yet" } else { &self.card.detail };
        CardStatus { present: self.card.present, detail: detail.to_owned(), lines: lines.collect() }
    }

    fn alarm_status(&self) -> AlarmStatus {
        let config = self.setup.stations.as_ref().map(|stations| &stations.config);
        let links = config.map_or(&[][..], |config| &config.links);
        let stations = (0..).map(StationId).zip(config.map_or(&[][..], |config| &config.stations));
        let ids =
            stations.flat_map(|(station, _)| links.iter().map(move |link| PathId { station, link: *link }));
        let paths = ids.map(|path| {
            let (station, link) = self.names_of(path);
            PathStatus { station, link, works: self.alarm.paths.works(path) }
        });
        let undelivered = self.alarm.kept.undelivered.iter().filter(|signal| !signal.silent).count();
        AlarmStatus { paths: paths.collect(), undelivered, on_test: self.alarm.accounts.names() }
    }

    pub(crate) fn hook_word(&self, line: u8) -> &'static str {
        match self.card.hooks.get(usize::from(line)) {
            Some(true) if self.card.present => "off_hook",
            Some(false) if self.card.present => "on_hook",
            Some(_) | None => "unknown",
        }
    }

    fn mqtt_status(&self, now: Tick) -> MqttStatus {
        let session = &self.session;
        MqttStatus {
            connected: session.connected,
            session: session.number,
            link: session.link.and_then(|id| self.link_name(id)).map(str::to_owned),
            since_ms_ago: session.since.map(|since| ms(now, since)),
            last_loss: session.last_loss.clone(),
        }
    }
}

fn ms(now: Tick, since: Tick) -> u64 {
    u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX)
}
