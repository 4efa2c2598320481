//! Outbox, spool and MQTT port joined by the smallest loop there can be.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use appliance::{MqttCommand, MqttEvent, Uplink};
use hal::{LinkId, Now, Tick};
use noc_messages::{Body, CardBody, Class};
use outbox::{Action, Outbox, OutboxConfig, OutboxStatus, SessionReport};
use ports::mqtt::{MqttHandle, MqttPort, MqttPortConfig};
use ports::store::{self, StoreConfig, StoreHandle};
use ports::tls::ClientTls;
use tokio::sync::mpsc;

enum Order {
    Record(Class),
    Use(Uplink),
    Status(std_mpsc::Sender<OutboxStatus>),
    Goodbye,
    /// End as by SIGKILL: nothing is said to anybody.
    Die,
}

pub struct TheBox {
    orders: mpsc::UnboundedSender<Order>,
    pub losses: std_mpsc::Receiver<String>,
    pub odd: std_mpsc::Receiver<String>,
    thread: std::thread::JoinHandle<()>,
}

pub fn mqtt_config(dir: &Path, port: u16, tls: Option<ClientTls>, boot: u32) -> MqttPortConfig {
    MqttPortConfig {
        site: "clinic-017".parse().unwrap(),
        boot,
        host: "127.0.0.1".to_owned(),
        port,
        tls,
        keep_alive: Duration::from_secs(5),
        run_dir: dir.to_owned(),
        seed: u64::from(boot),
    }
}

pub fn uplink(source: u8) -> Uplink {
    let link = LinkId::new(source).unwrap();
    Uplink { link, name: format!("wan{source}"), source: IpAddr::V4(Ipv4Addr::new(127, 0, 0, source)) }
}

impl TheBox {
    pub fn start(dir: &Path, port: u16, tls: Option<ClientTls>) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (losses_in, losses) = std_mpsc::channel();
        let (odd_in, odd) = std_mpsc::channel();
        let (report_sender, reports) = mpsc::channel(256);
        let (event_sender, events) = mpsc::channel(256);
        let config = StoreConfig { dir: dir.join("spool") };
        let (store, recovered) = store::spawn(config, report_sender).unwrap();
        let mqtt = MqttPort::spawn(mqtt_config(dir, port, tls, recovered.boot), event_sender).unwrap();
        let site = "clinic-017".parse().unwrap();
        let config =
            OutboxConfig { site, records: 100_000, bytes: 100 << 20, metrics: 100, release_on_puback: false };
        let begun = Instant::now();
        let outbox = Outbox::new(config, recovered, 7, now(begun));
        let mut turning = Loop { outbox, store, mqtt, begun, losses: losses_in, odd: odd_in };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(turning.run(inbox, reports, events));
            assert!(turning.store.close(super::SOON));
        });
        let started = Self { orders, losses, odd, thread };
        started.use_link(1);
        started
    }

    pub fn record(&self, class: Class) {
        self.orders.send(Order::Record(class)).ok();
    }

    pub fn use_link(&self, source: u8) {
        self.orders.send(Order::Use(uplink(source))).ok();
    }

    pub fn status(&self) -> OutboxStatus {
        let (sender, receiver) = std_mpsc::channel();
        self.orders.send(Order::Status(sender)).ok();
        receiver.recv_timeout(super::SOON).unwrap()
    }

    pub fn say_goodbye(self) {
        self.orders.send(Order::Goodbye).ok();
        self.thread.join().unwrap();
    }

    pub fn die(self) {
        self.orders.send(Order::Die).ok();
        self.thread.join().unwrap();
    }
}

struct Loop {
    outbox: Outbox,
    store: StoreHandle,
    mqtt: MqttHandle,
    begun: Instant,
    losses: std_mpsc::Sender<String>,
    odd: std_mpsc::Sender<String>,
}

fn now(begun: Instant) -> Now {
    Now::at(Tick(u64::try_from(begun.elapsed().as_millis()).unwrap()))
}

impl Loop {
    async fn run(
        &mut self,
        mut inbox: mpsc::UnboundedReceiver<Order>,
        mut reports: mpsc::Receiver<outbox::StoreReport>,
        mut events: mpsc::Receiver<MqttEvent>,
    ) {
        let mut leaving = false;
        loop {
            let due =
                self.outbox.poll_timeout().map_or(Duration::from_secs(3600), |at| at.since(self.now().tick));
            tokio::select! {
                Some(report) = reports.recv() => self.outbox.handle_store(report, self.now()),
                Some(event) = events.recv() => {
                    if leaving && matches!(event, MqttEvent::Lost { .. }) {
                        return;
                    }
                    self.take(event);
                }
                order = inbox.recv() => match order {
                    Some(Order::Record(class)) => self.record(class),
                    Some(Order::Use(uplink)) => self.mqtt.try_send(MqttCommand::Use { v4: Some(uplink), v6: None }),
                    Some(Order::Status(answer)) => answer.send(self.outbox.status()).unwrap(),
                    Some(Order::Goodbye) => {
                        leaving = true;
                        self.mqtt.try_send(MqttCommand::Goodbye);
                    }
                    Some(Order::Die) | None => return,
                },
                () = tokio::time::sleep(due) => self.outbox.handle_timeout(self.now()),
            }
            self.drain();
        }
    }

    fn now(&self) -> Now {
        now(self.begun)
    }

    fn record(&mut self, class: Class) {
        let body = Body::Card(CardBody { to: "ready".to_owned(), detail: "x".repeat(120) });
        self.outbox.record(class, body, self.now());
    }

    fn take(&mut self, event: MqttEvent) {
        let now = self.now();
        match event {
            MqttEvent::Connected { session, .. } => {
                self.outbox.handle_session(SessionReport::Connected { session }, now);
            }
            MqttEvent::Lost { why } => {
                self.losses.send(why).ok();
                self.outbox.handle_session(SessionReport::Lost, now);
            }
            MqttEvent::Acknowledged(tag) => self.outbox.handle_session(SessionReport::Acknowledged(tag), now),
            MqttEvent::Message { payload, .. } => {
                if let Ok(watermark) = serde_json::from_str(&payload) {
                    self.outbox.handle_watermark(&watermark, now);
                }
            }
            MqttEvent::Odd { what } => drop(self.odd.send(what)),
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.outbox.poll_action() {
            match action {
                Action::Store(request) => self.store.send(request),
                Action::Publish(publish) => self.mqtt.try_send(MqttCommand::Publish(publish)),
                Action::Tell(_) => {}
            }
        }
    }
}
