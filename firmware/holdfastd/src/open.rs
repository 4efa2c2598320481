//! The second phase of the start: everything is opened. A missing device is a condition, not an end;
//! what the box cannot live without (network rights, nft, its directories) is.

use std::path::Path;

use anyhow::{Context, Result};
use appliance::{
    Appliance, CardEvent, EvidenceReport, MqttEvent, NetEvent, PowerFacts, Recovery, StationEvent,
};
use board_configs::{PowerFolders, StationSettings, StationTransport};
use hal_linux::clock;
use outbox::StoreReport;
use ports::card::{self, CardConfig, CardHandle};
use ports::control::{self, Question};
use ports::evidence::{self, EvidenceConfig, EvidenceHandle};
use ports::mqtt::{MqttHandle, MqttPort, MqttPortConfig};
use ports::net::{NetConfig, NetLink, NetPort};
use ports::power::{self, PowerConfig, PowerHandle};
use ports::recorder::Recorder;
use ports::station::{self, StationHandle, StationPortConfig, StationWire, Transport};
use ports::store::{self, StoreConfig, StoreHandle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::RunArguments;
use crate::read::Inputs;
use crate::setup;
use crate::wires::Wire;

/// Events of the card between two turns: all lines' hooks many times over.
const CARD_EVENTS: usize = 256;
/// Replies of the stations between two turns: more than all paths can have under way.
const STATION_EVENTS: usize = 256;
/// Reports of the evidence between two turns.
const EVIDENCE_REPORTS: usize = 256;
/// Facts and repairs between two turns.
const NET_EVENTS: usize = 256;
/// Changes of mains and battery between two turns.
const POWER_FACTS: usize = 16;
/// Reports of the spool between two turns.
const STORE_REPORTS: usize = 256;
/// PUBACKs and messages between two turns: the window and some.
const MQTT_EVENTS: usize = 256;
/// Questions that wait; whoever comes then is told to try again.
const QUESTIONS: usize = 16;

/// Everything that the loop owns.
pub(crate) struct Opened {
    pub(crate) appliance: Appliance,
    pub(crate) recorder: Recorder,
    pub(crate) net: NetPort,
    pub(crate) card: Option<CardWire>,
    pub(crate) stations: Option<StationsWire>,
    pub(crate) evidence: EvidenceWire,
    pub(crate) power: Option<PowerWire>,
    pub(crate) store: StoreHandle,
    pub(crate) mqtt: Option<MqttHandle>,
    pub(crate) card_events: Receiver<CardEvent>,
    pub(crate) station_events: Receiver<StationEvent>,
    pub(crate) net_events: Receiver<NetEvent>,
    pub(crate) evidence_reports: Receiver<EvidenceReport>,
    pub(crate) power_facts: Receiver<PowerFacts>,
    pub(crate) store_reports: Receiver<StoreReport>,
    pub(crate) mqtt_events: Receiver<MqttEvent>,
    pub(crate) questions: Receiver<Question>,
    pub(crate) stop: Signal,
}

/// The card's thread.
pub(crate) type CardWire = Wire<CardConfig, CardEvent, CardHandle>;
/// The stations' thread.
pub(crate) type StationsWire = Wire<StationPortConfig, StationEvent, StationHandle>;
/// The thread that watches mains and battery.
pub(crate) type PowerWire = Wire<PowerConfig, PowerFacts, PowerHandle>;
/// The evidence's threads.
pub(crate) type EvidenceWire = Wire<EvidenceConfig, EvidenceReport, EvidenceHandle>;

/// Opens everything, lines and links before telemetry.
pub(crate) async fn open(arguments: &RunArguments, mut inputs: Inputs) -> Result<Opened> {
    let stop = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    directory(&arguments.run_dir)?;
    directory(&arguments.data_dir)?;
    let seed = seed()?;

    let (net_sender, net_events) = channel(NET_EVENTS);
    let net = NetPort::open(net_config(&inputs, seed), net_sender)?;
    let (card, card_events) = of(open_card(&inputs, seed)?);
    let (stations, station_events) = of(open_stations(&mut inputs, seed)?);
    let (evidence, evidence_reports, recovery) = open_evidence(arguments)?;
    let (power, power_facts) = of(open_power(&inputs)?);
    let (store_sender, store_reports) = channel(STORE_REPORTS);
    let config = StoreConfig { dir: arguments.data_dir.join("spool") };
    let (store, recovered) = store::spawn(config, store_sender)?;
    let boot = recovered.boot;

    let (question_sender, questions) = channel(QUESTIONS);
    let listener = control::listen(&arguments.run_dir.join("control.sock")).await?;
    tokio::spawn(control::serve(listener, question_sender));
    let (mqtt_sender, mqtt_events) = channel(MQTT_EVENTS);
    let mqtt = open_mqtt(arguments, &mut inputs, boot, seed, mqtt_sender)?;

    let mut recorder = Recorder::new(&arguments.run_dir, &arguments.data_dir.join("faults"));
    if let Some(kept) = recorder.keep_unclean_end(boot).unwrap_or_default() {
        tracing::warn!(recording = %kept.display(), "the last run did not end in order; its recording is kept");
    }
    let setup = setup::setup(&inputs.board, &inputs.site, seed);
    let appliance = Appliance::new(setup, recovered, recovery, net.adopted(), seed, clock::now());
    Ok(Opened {
        appliance,
        recorder,
        net,
        card,
        stations,
        evidence,
        power,
        store,
        mqtt,
        card_events,
        station_events,
        net_events,
        evidence_reports,
        power_facts,
        store_reports,
        mqtt_events,
        questions,
        stop,
    })
}

fn net_config(inputs: &Inputs, seed: u64) -> NetConfig {
    let link = |link: &board_configs::WanLink| NetLink {
        link: link.judged.id,
        interface: link.interface.clone(),
        gateway4: link.gateway4,
        gateway6: link.gateway6,
    };
    NetConfig {
        lan: inputs.site.lan.interface.clone(),
        links: inputs.site.links.iter().map(link).collect(),
        seed,
    }
}

/// A wire that the site does not use has no events, ever.
fn of<C, E, H>(opened: Option<(Wire<C, E, H>, Receiver<E>)>) -> (Option<Wire<C, E, H>>, Receiver<E>) {
    match opened {
        Some((wire, events)) => (Some(wire), events),
        None => (None, channel(1).1),
    }
}

fn open_card(inputs: &Inputs, seed: u64) -> Result<Option<(CardWire, Receiver<CardEvent>)>> {
    let Some(port) = inputs.board.card.as_ref().filter(|_| !inputs.site.lines.is_empty()) else {
        return Ok(None);
    };
    let config = CardConfig { device: port.device.clone().into(), baud: port.baud, lines: port.lines, seed };
    Wire::start("card", config, CARD_EVENTS, |config, events| Ok(card::spawn(config, events)?)).map(Some)
}

fn open_stations(inputs: &mut Inputs, seed: u64) -> Result<Option<(StationsWire, Receiver<StationEvent>)>> {
    if inputs.site.stations.is_empty() {
        return Ok(None);
    }
    let wire = |(station, key): (&StationSettings, _)| StationWire {
        address: station.address,
        transport: match station.transport {
            StationTransport::Tcp => Transport::Tcp,
            StationTransport::Udp => Transport::Udp,
        },
        key,
    };
    let stations = inputs.site.stations.iter().zip(inputs.station_keys.drain(..)).map(wire).collect();
    let config = StationPortConfig { stations, seed };
    Wire::start("stations", config, STATION_EVENTS, |config, events| Ok(station::spawn(config, events)?))
        .map(Some)
}

/// A board that does not say how it is powered has nothing to watch.
fn open_power(inputs: &Inputs) -> Result<Option<(PowerWire, Receiver<PowerFacts>)>> {
    let PowerFolders { mains, battery } = inputs.board.power.clone();
    if mains.is_none() && battery.is_none() {
        return Ok(None);
    }
    let config = PowerConfig { mains, battery };
    Wire::start("power", config, POWER_FACTS, |config, facts| Ok(power::spawn(config, facts)?)).map(Some)
}

fn open_evidence(arguments: &RunArguments) -> Result<(EvidenceWire, Receiver<EvidenceReport>, Recovery)> {
    let config = EvidenceConfig::new(setup::evidence_dir(&arguments.data_dir));
    let (sender, reports) = channel(EVIDENCE_REPORTS);
    let (handle, recovery) = evidence::open(config.clone(), sender)?;
    let again = |config, events| Ok(evidence::open(config, events)?.0);
    Ok((Wire::started("evidence", handle, config, EVIDENCE_REPORTS, again), reports, recovery))
}

fn open_mqtt(
    arguments: &RunArguments,
    inputs: &mut Inputs,
    boot: u32,
    seed: u64,
    events: Sender<MqttEvent>,
) -> Result<Option<MqttHandle>> {
    let Some(mqtt) = &inputs.site.mqtt else { return Ok(None) };
    let config = MqttPortConfig {
        site: inputs.site.site.clone(),
        boot,
        host: mqtt.host.clone(),
        port: mqtt.port,
        tls: inputs.mqtt_tls.take(),
        keep_alive: mqtt.keep_alive,
        run_dir: arguments.run_dir.clone(),
        seed,
    };
    Ok(Some(MqttPort::spawn(config, events)?))
}

fn directory(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| {
        format!("cannot make {}; give another one by --run-dir or --data-dir", path.display())
    })
}

/// The only entropy of the daemon.
fn seed() -> Result<u64> {
    let mut bytes = [0_u8; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes))
        .context("/dev/urandom gives no entropy; mount /dev")?;
    Ok(u64::from_ne_bytes(bytes))
}
