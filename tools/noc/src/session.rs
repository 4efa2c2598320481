//! The MQTT session: subscribes, hands deliveries over, acknowledges what is kept, tells the boxes.
//!
//! ```text
//!   broker ==bridge==> poll ──happenings──> Session ──parcels──> writer (disk)
//!              ^                             │   ^                  │
//!              └──── acknowledgements, ──────┘   └──── reports ─────┘
//!                    watermarks
//! ```
//! The broker hears an acknowledgement only for what is on the disk, and only in the connection in
//! which it was delivered: packet numbers mean something else in the next.

mod backoff;
mod watermarks;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use noc_messages::{SiteId, topics};
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS};
use rumqttc::{SubscribeReasonCode, Transport};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::bridge::{Bridge, Failure};
use crate::message::Delivery;
use crate::print::Printer;
use crate::telling::Telling;
use crate::writer::{Parcel, Report, Writer};

use backoff::Backoff;
use watermarks::Watermarks;

/// A broker that does not answer is noticed within twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// For connecting, with everything the bridge does, and for each flush.
const NETWORK_TIMEOUT_S: u64 = 20;

/// The protocol's own limit. A smaller one would not refuse the message but the connection, and a
/// kept session brings the message again for ever; what is too large for us is judged at our door.
const LARGEST_PACKET: usize = 256 * 1024 * 1024;

/// The largest we send is a watermark.
const LARGEST_SENT: usize = 64 * 1024;

/// Acknowledgements and watermarks on their way to the library: more than there can be deliveries
/// without an acknowledgement between broker and disk.
const REQUESTS: usize = 32 * 1024;

/// Between the library and the session.
const HAPPENINGS: usize = 256;

/// Watermarks without PUBACK; well below the library's own window, where it would stop sending
/// acknowledgements too.
const INFLIGHT: u16 = 200;

/// For the last acknowledgements to leave.
const GOODBYE: Duration = Duration::from_secs(2);

/// What to acknowledge, and in which connection.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    connection: u32,
    qos: QoS,
    pkid: u16,
}

/// What was done in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records committed.
    pub records: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// The disk took nothing at the end; what it did not take was not acknowledged.
    pub store_failing: bool,
}

enum Happening {
    Connected { session_present: bool },
    Subscribed { allowed: bool },
    Delivered(Parcel<Ticket>),
    Published,
    Lost { why: String, retry: Duration },
}

struct Session<'a> {
    client: AsyncClient,
    connection: Rc<Cell<u32>>,
    watermarks: Watermarks,
    session_present: bool,
    printer: &'a mut Printer,
    totals: Totals,
}

/// Serves until `stop` is told; then commits, acknowledges and says goodbye.
pub async fn serve(
    bridge: &Bridge,
    client_id: &str,
    writer: Writer<Ticket>,
    known: Vec<(SiteId, noc_messages::Watermark)>,
    printer: &mut Printer,
    stop: oneshot::Receiver<()>,
) -> Totals {
    let (client, events) = AsyncClient::new(options(bridge, client_id), REQUESTS);
    let connection = Rc::new(Cell::new(0));
    let (happened, happenings) = mpsc::channel(HAPPENINGS);
    let watermarks = Watermarks::new(known);
    let poll = poll(events, happened, Rc::clone(&connection), bridge.failure());
    let mut session = Session {
        client,
        connection,
        watermarks,
        session_present: false,
        printer,
        totals: Totals::default(),
    };
    tokio::select! {
        () = bridge.serve() => {}
        () = poll => {}
        () = session.run(writer, happenings, stop) => {}
    }
    session.totals
}

fn options(bridge: &Bridge, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, bridge.path().to_string_lossy(), 0);
    options.set_transport(Transport::unix());
    options.set_clean_session(false);
    options.set_manual_acks(true);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_inflight(INFLIGHT);
    options.set_max_packet_size(LARGEST_PACKET, LARGEST_SENT);
    options
}

/// Polls the library and nothing else: it must never be cancelled in the middle of a packet, nor
/// wait for a request channel that only it empties.
async fn poll(
    mut events: EventLoop,
    happened: mpsc::Sender<Happening>,
    connection: Rc<Cell<u32>>,
    failure: Failure,
) {
    events.network_options.set_connection_timeout(NETWORK_TIMEOUT_S);
    let mut backoff = Backoff::default();
    loop {
        let happening = match events.poll().await {
            Ok(Event::Incoming(packet)) => {
                if matches!(packet, Packet::ConnAck(_)) {
                    backoff.connected(Instant::now());
                }
                incoming(packet, connection.get())
            }
            Ok(Event::Outgoing(_)) => None,
            Err(error) => {
                // At once, before anybody else runs: no acknowledgement of the old connection may
                // reach the library from here on.
                connection.set(connection.get().wrapping_add(1));
                events.state.collision = None;
                events.pending.clear();
                let retry = backoff.lost(Instant::now());
                Some(Happening::Lost { why: words_of(&error, &failure), retry })
            }
        };
        let pause = match &happening {
            Some(Happening::Lost { retry, .. }) => *retry,
            Some(_) | None => Duration::ZERO,
        };
        if let Some(happening) = happening {
            if happened.send(happening).await.is_err() {
                return;
            }
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

fn incoming(packet: Packet, connection: u32) -> Option<Happening> {
    match packet {
        Packet::ConnAck(ack) => Some(Happening::Connected { session_present: ack.session_present }),
        Packet::SubAck(ack) => {
            let allowed = !ack.return_codes.contains(&SubscribeReasonCode::Failure);
            Some(Happening::Subscribed { allowed })
        }
        Packet::Publish(publish) => Some(Happening::Delivered(parcel(publish, connection))),
        Packet::PubAck(_) => Some(Happening::Published),
        Packet::Connect(_)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::UnsubAck(_)
        | Packet::PingReq
        | Packet::PingResp
        | Packet::Disconnect => None,
    }
}

fn parcel(publish: Publish, connection: u32) -> Parcel<Ticket> {
    let ticket = Ticket { connection, qos: publish.qos, pkid: publish.pkid };
    let delivery = Delivery {
        payload: publish.payload.to_vec(),
        retained: publish.retain,
        redelivered: publish.dup,
        topic: publish.topic,
    };
    Parcel { delivery, ticket }
}

/// The bridge knows more than the library, which only saw a socket close.
fn words_of(error: &ConnectionError, failure: &Failure) -> String {
    failure.take().unwrap_or_else(|| error.to_string())
}

impl Session<'_> {
    async fn run(
        &mut self,
        writer: Writer<Ticket>,
        mut happenings: mpsc::Receiver<Happening>,
        mut stop: oneshot::Receiver<()>,
    ) {
        let Writer { parcels, mut reports, give_up } = writer;
        let mut waiting: Option<Parcel<Ticket>> = None;
        loop {
            let flush_at = self.watermarks.due();
            tokio::select! {
                _ = &mut stop => break,
                report = reports.recv() => match report {
                    Some(report) => self.take_report(report),
                    None => return self.totals.store_failing = true,
                },
                permit = parcels.reserve(), if waiting.is_some() => {
                    let Ok(permit) = permit else { return };
                    if let Some(parcel) = waiting.take() {
                        permit.send(parcel);
                    }
                }
                happening = happenings.recv(), if waiting.is_none() => {
                    let Some(happening) = happening else { return };
                    waiting = self.take_happening(happening);
                }
                () = until(flush_at) => self.publish_watermarks(),
            }
        }
        // What was not handed over is delivered again to the next collector.
        drop(parcels);
        give_up.store(true, Ordering::Relaxed);
        self.say_goodbye(&mut reports, &mut happenings).await;
    }

    async fn say_goodbye(
        &mut self,
        reports: &mut mpsc::Receiver<Report<Ticket>>,
        happenings: &mut mpsc::Receiver<Happening>,
    ) {
        while let Some(report) = reports.recv().await {
            self.take_report(report);
        }
        self.watermarks.hurry();
        self.publish_watermarks();
        // A full channel means a broker that is gone: the time limit ends it.
        drop(self.client.try_disconnect());
        let gone = async {
            while let Some(happening) = happenings.recv().await {
                match happening {
                    Happening::Lost { .. } => return,
                    Happening::Published => self.watermarks.published(),
                    Happening::Connected { .. } | Happening::Subscribed { .. } | Happening::Delivered(_) => {}
                }
            }
        };
        drop(tokio::time::timeout(GOODBYE, gone).await);
    }

    /// Answers with what has to be handed to the writer.
    fn take_happening(&mut self, happening: Happening) -> Option<Parcel<Ticket>> {
        match happening {
            Happening::Delivered(parcel) => return Some(parcel),
            Happening::Published => {
                self.watermarks.published();
                self.publish_watermarks();
            }
            Happening::Connected { session_present } => {
                self.session_present = session_present;
                self.watermarks.connected();
                // The channel of a connection that has just begun has room.
                drop(self.client.try_subscribe(topics::ALL_SITES, QoS::AtLeastOnce));
                self.publish_watermarks();
            }
            Happening::Subscribed { allowed: true } => {
                self.printer.tell(&Telling::Connected { session_present: self.session_present });
            }
            Happening::Subscribed { allowed: false } => self.printer.tell(&Telling::SubscriptionRefused),
            Happening::Lost { why, retry } => {
                self.watermarks.lost();
                let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
                self.printer.tell(&Telling::BrokerLost { why, retry_ms });
            }
        }
        None
    }

    fn take_report(&mut self, report: Report<Ticket>) {
        match report {
            Report::Trouble(telling) => {
                self.totals.store_failing = matches!(telling, Telling::StoreFailing { .. });
                self.printer.tell(&telling);
            }
            Report::Committed(tickets, committed) => {
                tickets.into_iter().for_each(|ticket| self.acknowledge(ticket));
                self.printer.tell_all(&committed.tellings);
                committed.tellings.iter().for_each(|telling| self.totals.count(telling));
                self.watermarks.changed(committed.watermarks);
                self.publish_watermarks();
            }
        }
    }

    fn acknowledge(&self, ticket: Ticket) {
        if ticket.connection != self.connection.get() {
            return;
        }
        let mut publish = Publish::new("", ticket.qos, Vec::new());
        publish.pkid = ticket.pkid;
        // The channel has room for all that can be outstanding; one that did not fit would be
        // delivered again with the next connection.
        drop(self.client.try_ack(&publish));
    }

    fn publish_watermarks(&mut self) {
        while let Some((site, watermark)) = self.watermarks.next(Instant::now()) {
            let payload = serde_json::to_vec(&watermark).expect("positions by class are always JSON");
            let sent = self.client.try_publish(topics::watermark(&site), QoS::AtLeastOnce, true, payload);
            if sent.is_err() {
                self.watermarks.not_sent(site);
                return;
            }
            self.printer.tell(&Telling::Watermark { site, watermark });
        }
    }
}

impl Totals {
    fn count(&mut self, telling: &Telling) {
        if let Telling::Record(_) = telling {
            self.records += 1;
        } else if let Telling::Duplicates(duplicates) = telling {
            self.duplicates += duplicates.count;
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => core::future::pending().await,
    }
}
