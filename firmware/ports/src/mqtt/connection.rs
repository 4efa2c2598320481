//! One connection, from dialling to its end; the only file of the product that imports rumqttc.
//!
//! rumqttc's `poll` must never be cancelled, so a task of its own polls it and passes events on; the
//! end of that task is the end of the connection. Its own retransmission, of packets and of requests
//! in its channel, never happens: after an error the whole client is thrown away.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hal::Family;
use noc_messages::{MAX_MESSAGE, Presence, PresenceState, topics};
use outbox::{Publish, Tag};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing,
    Packet, QoS, Transport,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::MqttPortConfig;
use crate::bridge::{self, Addresses, Gate, Target, Uplinks};

/// Well above what is ever in flight: an identifier is not used again while it is (rumqtt#1014).
const MAX_INFLIGHT: u16 = 5 * 64;
/// Requests for rumqttc: a window, birth, subscription, farewell.
const REQUESTS: usize = outbox::WINDOW + 8;
/// Messages are bounded by us and cut down by the bridge; this only has to be more.
const MAX_PACKET: usize = 4 * MAX_MESSAGE;
/// Seconds until CONNACK, and for each flush into the bridge.
const PATIENCE_S: u64 = 15;
/// Publications without any PUBACK for so long: the connection is dead, whatever its pings say.
const NO_PUBACK: Duration = Duration::from_secs(30);
/// How long the bridge may take to say why it ended, once rumqttc has seen the end.
const REASON_AT_MOST: Duration = Duration::from_millis(300);

/// What a connection says.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// CONNACK came, and the birth went out.
    Born,
    /// PUBACK of a publication.
    Acknowledged(Tag),
    /// PUBACK of the farewell.
    FarewellAcknowledged,
    /// A message of ours to read.
    Message { topic: String, payload: Vec<u8> },
    /// It is over; in words.
    Ended(String),
}

/// What went to rumqttc, in order: its packet identifiers come back in the same order.
#[derive(Clone, Copy)]
enum Handed {
    Birth,
    Record(Tag),
    Farewell,
}

/// A connection that has passed TLS.
pub(super) struct Connection {
    pub(super) family: Family,
    pub(super) uplink: appliance::Uplink,
    client: AsyncClient,
    events: mpsc::Receiver<Result<Event, ConnectionError>>,
    poller: JoinHandle<()>,
    bridge: JoinHandle<Option<String>>,
    presence: Presence,
    keep_alive: Duration,
    handed: VecDeque<Handed>,
    in_flight: BTreeMap<u16, Handed>,
    last_event: Instant,
    last_ack: Instant,
}

impl Connection {
    /// Dials and starts the client; what follows is told by [`Self::next`].
    pub(super) async fn open(
        config: &MqttPortConfig,
        target: &Target,
        uplinks: &Uplinks,
        known: &mut Addresses,
        session: u32,
    ) -> Result<Self, String> {
        let dialled = bridge::dial(target, uplinks, known).await?;
        let (family, uplink) = (dialled.family, dialled.uplink.clone());
        let gate = Gate::open(&config.run_dir)?;
        let presence = Presence {
            site: config.site.clone(),
            state: PresenceState::Offline,
            boot: config.boot,
            session,
            link: None,
        };
        let (client, events_of) = client(config, &gate.path().to_string_lossy(), &presence);
        let bridge = tokio::spawn(bridge::carry(gate, dialled));
        let (sender, events) = mpsc::channel(REQUESTS);
        let poller = tokio::spawn(poll(events_of, sender));
        let now = Instant::now();
        Ok(Self {
            family,
            uplink,
            client,
            events,
            poller,
            bridge,
            presence,
            keep_alive: config.keep_alive,
            handed: VecDeque::new(),
            in_flight: BTreeMap::new(),
            last_event: now,
            last_ack: now,
        })
    }

    /// The next thing of note. Safe to cancel.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            let silent_at = self.silent_at();
            tokio::select! {
                event = self.events.recv() => {
                    self.last_event = Instant::now();
                    match event {
                        Some(Ok(event)) => if let Some(heard) = self.take(event) { return heard },
                        Some(Err(error)) => return Heard::Ended(self.why(&words(&error)).await),
                        None => return Heard::Ended("the MQTT client stopped".to_owned()),
                    }
                }
                () = tokio::time::sleep_until(silent_at) => return Heard::Ended(self.silence()),
            }
        }
    }

    /// `false`: the client takes nothing more, the connection is no good.
    #[must_use]
    pub(super) fn publish(&mut self, publish: Publish) -> bool {
        if self.in_flight.is_empty() && self.handed.is_empty() {
            self.last_ack = Instant::now();
        }
        let taken = self.client.try_publish(publish.topic, QoS::AtLeastOnce, publish.retain, publish.payload);
        if taken.is_ok() {
            self.handed.push_back(Handed::Record(publish.tag));
        }
        taken.is_ok()
    }

    /// Says `going`, behind everything published so far.
    #[must_use]
    pub(super) fn say_farewell(&mut self) -> bool {
        self.announce(PresenceState::Going, Handed::Farewell)
    }

    /// Ends it so that the broker does not publish the will.
    pub(super) async fn disconnect(mut self, at_most: Duration) {
        if self.client.try_disconnect().is_ok() {
            // The broker closes; the end of the client's task is the sign.
            let ended = timeout(at_most, async { while let Some(Ok(_)) = self.events.recv().await {} }).await;
            tracing::debug!(clean = ended.is_ok(), "disconnected");
        }
    }

    fn take(&mut self, event: Event) -> Option<Heard> {
        match event {
            Event::Incoming(packet) => self.take_packet(packet),
            Event::Outgoing(outgoing) => self.take_outgoing(&outgoing),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "packets of no interest in a foreign enum")]
    fn take_packet(&mut self, packet: Packet) -> Option<Heard> {
        match packet {
            Packet::ConnAck(_) => self.greet(),
            Packet::PubAck(ack) => {
                self.last_ack = Instant::now();
                match self.in_flight.remove(&ack.pkid)? {
                    Handed::Birth => None,
                    Handed::Record(tag) => Some(Heard::Acknowledged(tag)),
                    Handed::Farewell => Some(Heard::FarewellAcknowledged),
                }
            }
            Packet::Publish(message) => {
                Some(Heard::Message { topic: message.topic, payload: message.payload.to_vec() })
            }
            _ => None,
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "packets of no interest in a foreign enum")]
    fn take_outgoing(&mut self, outgoing: &Outgoing) -> Option<Heard> {
        match outgoing {
            Outgoing::Publish(identifier) => {
                let handed = self.handed.pop_front()?;
                self.in_flight.insert(*identifier, handed);
                matches!(handed, Handed::Birth).then_some(Heard::Born)
            }
            Outgoing::AwaitAck(identifier) => {
                Some(Heard::Ended(format!("packet identifier {identifier} came round unacknowledged")))
            }
            _ => None,
        }
    }

    /// Birth and subscription come with every CONNACK, whatever the broker remembers.
    fn greet(&mut self) -> Option<Heard> {
        let subscribed = self.client.try_subscribe(topics::from_noc(&self.presence.site), QoS::AtLeastOnce);
        let born = self.announce(PresenceState::Online, Handed::Birth);
        let greeted = subscribed.is_ok() && born;
        (!greeted).then(|| Heard::Ended("the MQTT client took no birth".to_owned()))
    }

    fn announce(&mut self, state: PresenceState, handed: Handed) -> bool {
        let link = Some(self.uplink.name.clone());
        let presence = Presence { state, link, ..self.presence.clone() };
        let topic = topics::presence(&presence.site);
        let taken = self.client.try_publish(topic, QoS::AtLeastOnce, true, json(&presence));
        if taken.is_ok() {
            self.handed.push_back(handed);
        }
        taken.is_ok()
    }

    fn silent_at(&self) -> Instant {
        let connected = self.last_event + 2 * self.keep_alive + Duration::from_secs(PATIENCE_S);
        if self.in_flight.is_empty() && self.handed.is_empty() {
            return connected;
        }
        connected.min(self.last_ack + NO_PUBACK)
    }

    fn silence(&self) -> String {
        let waiting = self.in_flight.len() + self.handed.len();
        if waiting > 0 && self.last_ack.elapsed() >= NO_PUBACK {
            return format!("no PUBACK in {} s for {waiting} publications", NO_PUBACK.as_secs());
        }
        format!("nothing moved in {} s", self.last_event.elapsed().as_secs())
    }

    /// The bridge knows better than rumqttc why the connection ended, if it was not our side.
    async fn why(&mut self, seen: &str) -> String {
        match timeout(REASON_AT_MOST, &mut self.bridge).await {
            Ok(Ok(Some(why))) => why,
            Ok(Ok(None) | Err(_)) | Err(_) => seen.to_owned(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.poller.abort();
        self.bridge.abort();
    }
}

fn client(config: &MqttPortConfig, path: &str, will: &Presence) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(config.site.as_str(), path, 0);
    options
        .set_transport(Transport::unix())
        .set_keep_alive(config.keep_alive.max(Duration::from_secs(1)))
        .set_clean_session(false)
        .set_inflight(MAX_INFLIGHT)
        .set_max_packet_size(MAX_PACKET, MAX_PACKET)
        .set_last_will(LastWill::new(topics::presence(&config.site), json(will), QoS::AtLeastOnce, true));
    let (client, mut events) = AsyncClient::new(options, REQUESTS);
    events.network_options.set_connection_timeout(PATIENCE_S);
    (client, events)
}

async fn poll(mut events_of: EventLoop, events: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let polled = events_of.poll().await;
        let over = polled.is_err();
        if events.send(polled).await.is_err() || over {
            return;
        }
    }
}

fn json(presence: &Presence) -> String {
    serde_json::to_string(presence).expect("a presence has only string keys")
}

#[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum")]
fn words(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => refusal(*code).to_owned(),
        ConnectionError::NetworkTimeout => format!("no CONNACK in {PATIENCE_S} s"),
        ConnectionError::FlushTimeout => format!("the link took nothing for {PATIENCE_S} s"),
        other => other.to_string(),
    }
}

const fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Success => "the broker says success and refuses",
        ConnectReturnCode::RefusedProtocolVersion => "the broker does not speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "the broker refuses the site's name as client identifier",
        ConnectReturnCode::ServiceUnavailable => "the broker says that it is not available",
        ConnectReturnCode::BadUserNamePassword => {
            "the broker wants a user name: let it take the certificate's (use_identity_as_username)"
        }
        ConnectReturnCode::NotAuthorized => "the broker does not authorise this site: check its access list",
    }
}
