//! The NOC: keeps records and presence, publishes watermarks after its commit.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noc_messages::{Presence, StateDocument, Watermark, topics};
use outbox::{Publish, Tag};
use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};

use super::collector::Collector;

const COMMIT_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
pub struct Kept {
    pub collector: Collector,
    pub presence: Vec<Presence>,
    pub documents: Vec<StateDocument>,
}

pub struct Noc {
    pub kept: Arc<Mutex<Kept>>,
    client: Client,
}

impl Noc {
    pub fn start(name: &str, port: u16) -> Self {
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_clean_session(false).set_keep_alive(Duration::from_secs(5)).set_manual_acks(true);
        options.set_max_packet_size(1 << 20, 1 << 20).set_inflight(1000);
        let (client, connection) = Client::new(options, 1000);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (own_client, own_kept) = (client.clone(), kept.clone());
        std::thread::spawn(move || listen(connection, &own_client, &own_kept));
        Self { kept, client }
    }

    pub fn say(&self, topic: &str, payload: Vec<u8>, retain: bool) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).unwrap();
    }

    pub fn read<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.kept.lock().unwrap())
    }
}

fn listen(mut connection: Connection, client: &Client, kept: &Mutex<Kept>) {
    let mut unacknowledged = Vec::new();
    let mut committed = Instant::now();
    loop {
        let event = connection.recv_timeout(COMMIT_EVERY);
        match event {
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                client.try_subscribe(topics::ALL_SITES, QoS::AtLeastOnce).unwrap();
            }
            Ok(Ok(Event::Incoming(Packet::Publish(message)))) => {
                take(&mut kept.lock().unwrap(), &message);
                unacknowledged.push(message);
            }
            Ok(Ok(_)) | Err(rumqttc::RecvTimeoutError::Timeout) => {}
            Ok(Err(_)) => {
                unacknowledged.clear();
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(rumqttc::RecvTimeoutError::Disconnected) => return,
        }
        if committed.elapsed() >= COMMIT_EVERY || unacknowledged.len() > 200 {
            committed = Instant::now();
            commit(client, &mut kept.lock().unwrap(), &mut unacknowledged);
        }
    }
}

fn take(kept: &mut Kept, message: &rumqttc::Publish) {
    let Some((_, rest)) = topics::split(&message.topic) else { return };
    let payload = String::from_utf8(message.payload.to_vec()).unwrap_or_default();
    match rest.split('/').next() {
        Some("presence") => kept.presence.push(serde_json::from_str(&payload).unwrap()),
        Some("state") => kept.documents.push(serde_json::from_str(&payload).unwrap()),
        Some("records") => {
            let topic = message.topic.clone();
            kept.collector.receive(&Publish { tag: Tag::State(0), topic, payload, retain: false });
        }
        Some(_) | None => {}
    }
}

/// First the store, then the word of it.
fn commit(client: &Client, kept: &mut Kept, unacknowledged: &mut Vec<rumqttc::Publish>) {
    kept.collector.commit();
    let watermark: Watermark = kept.collector.watermark();
    for message in unacknowledged.drain(..) {
        client.try_ack(&message).ok();
    }
    let site = "clinic-017".parse().unwrap();
    let json = serde_json::to_vec(&watermark).unwrap();
    client.try_publish(topics::watermark(&site), QoS::AtLeastOnce, true, json).ok();
}
