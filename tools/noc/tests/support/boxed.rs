//! A box: publishes what a test says and hears the watermark, as the daemon does.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use noc_messages::{
    Body, Class, Position, Presence, PresenceState, Record, SiteId, Stamp, Watermark, topics,
};
use rumqttc::{Client, Event, LastWill, MqttOptions, Packet, QoS, Transport};

use super::door::Door;
use super::eventually;

pub(crate) struct Site {
    pub(crate) id: SiteId,
    client: Client,
    acknowledged: Receiver<()>,
    watermarks: Receiver<Watermark>,
    pub(crate) watermark: Watermark,
    poll: JoinHandle<()>,
}

impl Site {
    pub(crate) fn connect(name: &str, port: u16) -> Self {
        Self::connect_with(name, port, None)
    }

    pub(crate) fn connect_with(name: &str, port: u16, will: Option<Presence>) -> Self {
        let options = MqttOptions::new(format!("box-{name}-{}", unique()), "127.0.0.1", port);
        Self::by(options, name, will)
    }

    /// By mutual TLS.
    pub(crate) fn through(door: &Door, name: &str) -> Self {
        let mut options = MqttOptions::new(format!("box-{name}"), door.path.display().to_string(), 0);
        options.set_transport(Transport::unix());
        Self::by(options, name, None)
    }

    fn by(mut options: MqttOptions, name: &str, will: Option<Presence>) -> Self {
        let id: SiteId = name.parse().unwrap();
        options.set_clean_session(true).set_inflight(500).set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(16 * 1024 * 1024, 16 * 1024 * 1024);
        if let Some(will) = will {
            let text = serde_json::to_vec(&will).unwrap();
            options.set_last_will(LastWill::new(topics::presence(&id), text, QoS::AtLeastOnce, true));
        }
        let (client, mut connection) = Client::new(options, 20_000);
        client.subscribe(topics::from_noc(&id), QoS::AtLeastOnce).unwrap();
        let (acknowledge, acknowledged) = channel();
        let (hear, watermarks) = channel();
        let poll = std::thread::spawn(move || {
            for event in connection.iter() {
                let kept = match event {
                    Ok(Event::Incoming(Packet::PubAck(_))) => acknowledge.send(()).is_ok(),
                    Ok(Event::Incoming(Packet::Publish(p))) => {
                        hear.send(serde_json::from_slice(&p.payload).unwrap()).is_ok()
                    }
                    Ok(_) => true,
                    Err(error) => {
                        eprintln!("a box lost its broker: {error}");
                        false
                    }
                };
                if !kept {
                    return;
                }
            }
        });
        Self { id, client, acknowledged, watermarks, watermark: Watermark::default(), poll }
    }

    pub(crate) fn say(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).unwrap();
    }

    /// The broker has it.
    pub(crate) fn acknowledged(&self, count: usize) {
        for _ in 0..count {
            self.acknowledged.recv_timeout(super::PATIENCE).expect("PUBACK");
        }
    }

    pub(crate) fn acknowledged_or_thrown_out(&self) {
        let heard = self.acknowledged.recv_timeout(super::PATIENCE);
        assert_ne!(heard, Err(RecvTimeoutError::Timeout));
    }

    /// Publishes, and waits until the broker has all.
    pub(crate) fn records(&self, records: &[Record]) {
        self.send(records);
        self.acknowledged(records.len());
    }

    pub(crate) fn send(&self, records: &[Record]) {
        for record in records {
            let topic = topics::records(&self.id, record.class);
            self.say(&topic, serde_json::to_vec(record).unwrap(), false);
        }
    }

    pub(crate) fn presence(&self, state: PresenceState, boot: u32, session: u32) {
        let presence = self.presence_of(state, boot, session);
        self.say(&topics::presence(&self.id), serde_json::to_vec(&presence).unwrap(), true);
        self.acknowledged(1);
    }

    pub(crate) fn presence_of(&self, state: PresenceState, boot: u32, session: u32) -> Presence {
        Presence { site: self.id.clone(), state, boot, session, link: None }
    }

    /// A record of this site; `prev` 0 is none.
    pub(crate) fn record(&self, class: Class, boot: u32, seq: u64, prev: u64) -> Record {
        let prev = (prev > 0).then_some(Position { boot, seq: prev });
        let at = Stamp { tick_ms: seq, wall_ms: None };
        let position = Position { boot, seq };
        Record { site: self.id.clone(), position, prev, class, at, body: Body::Stop }
    }

    /// A chain of one class: `from..=to` of boot 1, chained to the one before `from`.
    pub(crate) fn chain(&self, class: Class, from: u64, to: u64) -> Vec<Record> {
        (from..=to).map(|seq| self.record(class, 1, seq, seq - 1)).collect()
    }

    /// The newest watermark heard so far, of one class, boot 1.
    pub(crate) fn upto(&mut self, class: Class) -> u64 {
        if let Some(newest) = self.watermarks.try_iter().last() {
            self.watermark = newest;
        }
        self.watermark.upto.get(&class).map_or(0, |position| position.seq)
    }

    pub(crate) fn hears(&mut self, class: Class, seq: u64) {
        eventually(&format!("watermark {seq} for {}", self.id), || (self.upto(class) == seq).then_some(()));
    }

    /// Goes without a word.
    pub(crate) fn die(self) {
        let Self { id, client, acknowledged, poll, .. } = self;
        drop(acknowledged);
        // Its PUBACK finds nobody: the thread ends and the socket closes.
        client.publish(topics::records(&id, Class::Metric), QoS::AtLeastOnce, false, "last").unwrap();
        poll.join().unwrap();
    }
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
