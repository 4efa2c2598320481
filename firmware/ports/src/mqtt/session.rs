//! From connection to connection: when to dial, what to pass on, when to give up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use appliance::{MqttCommand, MqttEvent};
use hal::Family;
use noc_messages::MAX_MESSAGE;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::MqttPortConfig;
use super::connection::{Connection, Heard};
use super::jitter::Jitter;
use crate::bridge::{Addresses, Target, Uplinks};

/// `Goodbye` drains for at most so long...
const DRAIN_AT_MOST: Duration = Duration::from_secs(2);
/// ...and then waits so long for the broker to close.
const CLOSE_AT_MOST: Duration = Duration::from_millis(300);
/// A connection that held for so long was a good one: the next is dialled at once. Two boxes with
/// the same name throw each other out sooner, and must not do so all day.
const PROVEN_AFTER: Duration = Duration::from_secs(2);

/// How a stretch of waiting or of connection ended.
enum Next {
    /// Dial now.
    Dial,
    /// Dial after the back-off.
    Wait,
    /// Nobody listens any more, or goodbye was said.
    Stop,
}

/// Everything that outlives a connection.
pub(super) struct Session {
    config: MqttPortConfig,
    target: Target,
    known: Addresses,
    commands: mpsc::Receiver<MqttCommand>,
    events: mpsc::Sender<MqttEvent>,
    overflown: Arc<AtomicBool>,
    uplinks: Uplinks,
    jitter: Jitter,
    /// Number of the connection since this start of the daemon.
    number: u32,
}

impl Session {
    pub(super) fn new(
        config: MqttPortConfig,
        commands: mpsc::Receiver<MqttCommand>,
        events: mpsc::Sender<MqttEvent>,
        overflown: Arc<AtomicBool>,
    ) -> Self {
        let target = Target {
            host: config.host.clone(),
            port: config.port,
            tls: config.tls.clone(),
            keep_alive: config.keep_alive,
        };
        let (known, uplinks) = (Addresses::default(), Uplinks::default());
        let jitter = Jitter::new(config.seed);
        Self { config, target, known, commands, events, overflown, uplinks, jitter, number: 0 }
    }

    /// Until goodbye, or until the daemon is gone. A panic costs the connection, not the thread.
    pub(super) fn serve(mut self, runtime: &tokio::runtime::Runtime) {
        while catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.run()))).is_err() {
            tracing::error!("the MQTT session panicked and begins again");
            let told = self.events.blocking_send(lost("the MQTT session panicked".to_owned()));
            if told.is_err() {
                return;
            }
            std::thread::sleep(self.jitter.draw());
        }
    }

    async fn run(&mut self) {
        let mut next = Next::Dial;
        loop {
            next = match next {
                Next::Dial => self.connect().await,
                Next::Wait => self.wait().await,
                Next::Stop => return,
            };
        }
    }

    /// Without a connection: back-off, or nothing to dial by.
    async fn wait(&mut self) -> Next {
        let until = Instant::now() + self.jitter.draw();
        loop {
            let command = if self.uplinks.is_empty() {
                self.commands.recv().await
            } else {
                tokio::select! {
                    command = self.commands.recv() => command,
                    () = tokio::time::sleep_until(until) => return Next::Dial,
                }
            };
            match command {
                None => return Next::Stop,
                Some(MqttCommand::Goodbye) => return self.tell_farewell().await,
                Some(MqttCommand::Use { v4, v6 }) => {
                    self.turn_to(Uplinks { v4, v6 });
                    return Next::Dial;
                }
                // Meant for a connection that is gone: the outbox gives it again.
                Some(MqttCommand::Publish(_)) => {}
            }
        }
    }

    async fn connect(&mut self) -> Next {
        if self.uplinks.is_empty() {
            return Next::Wait;
        }
        self.number += 1;
        let uplinks = self.uplinks.clone();
        let attempt = Connection::open(&self.config, &self.target, &uplinks, &mut self.known, self.number);
        let opened = tokio::select! {
            opened = attempt => opened,
            next = interrupted(&mut self.commands, &mut self.uplinks) => {
                self.jitter.reset();
                return match next {
                    Next::Stop => self.tell_farewell().await,
                    Next::Dial | Next::Wait => Next::Dial,
                };
            }
        };
        match opened {
            Ok(connection) => self.serve_connection(connection).await,
            Err(why) => self.lose(why).await,
        }
    }

    async fn serve_connection(&mut self, mut connection: Connection) -> Next {
        let begun = Instant::now();
        let mut born = false;
        let ended = loop {
            if self.overflown.swap(false, Ordering::Relaxed) {
                break "more was to be published than the window holds".to_owned();
            }
            tokio::select! {
                biased;
                heard = connection.next() => match heard {
                    Heard::Born => {
                        born = true;
                        if let Some(next) = self.begin(&connection).await {
                            return next;
                        }
                    }
                    Heard::Ended(why) => break why,
                    Heard::Acknowledged(tag) => self.tell(MqttEvent::Acknowledged(tag)).await,
                    Heard::Message { topic, payload } => self.tell(message(topic, payload)).await,
                    Heard::FarewellAcknowledged => {}
                },
                command = self.commands.recv() => match command {
                    None => return Next::Stop,
                    Some(MqttCommand::Goodbye) => return self.say_goodbye(connection).await,
                    Some(MqttCommand::Use { v4, v6 }) => {
                        self.turn_to(Uplinks { v4, v6 });
                        if !self.still_by(&connection) {
                            return self.leave(connection).await;
                        }
                    }
                    Some(MqttCommand::Publish(publish)) => {
                        if born && !connection.publish(publish) {
                            break "the MQTT client takes nothing more".to_owned();
                        }
                    }
                },
            }
        };
        if born && begun.elapsed() >= PROVEN_AFTER {
            self.jitter.reset();
        }
        drop(connection);
        self.lose(ended).await
    }

    /// The connection is there. First all that was meant for an earlier one is let go: once the
    /// daemon has taken every event, among them the loss of that one, no more of it can come.
    async fn begin(&mut self, connection: &Connection) -> Option<Next> {
        match self.events.reserve_many(self.events.max_capacity()).await {
            Ok(permits) => drop(permits),
            Err(_) => return Some(Next::Stop),
        }
        while let Ok(command) = self.commands.try_recv() {
            match command {
                MqttCommand::Publish(_) => {}
                MqttCommand::Goodbye => return Some(self.tell_farewell().await),
                MqttCommand::Use { v4, v6 } => self.turn_to(Uplinks { v4, v6 }),
            }
        }
        self.overflown.store(false, Ordering::Relaxed);
        if !self.still_by(connection) {
            return Some(Next::Dial);
        }
        tracing::info!(link = %connection.uplink.name, session = self.number, "connected to the broker");
        let link = Some(connection.uplink.link);
        self.tell(MqttEvent::Connected { session: self.number, link }).await;
        None
    }

    /// The next connection is not kept waiting. If the old path still carries a DISCONNECT, the
    /// broker publishes no will, and the NOC sees a site that moved, not one that was away.
    async fn leave(&self, connection: Connection) -> Next {
        let why = format!("moved away from {}", connection.uplink.name);
        tokio::spawn(connection.disconnect(CLOSE_AT_MOST));
        self.tell(lost(why)).await;
        Next::Dial
    }

    async fn say_goodbye(&mut self, mut connection: Connection) -> Next {
        let until = Instant::now() + DRAIN_AT_MOST;
        if connection.say_farewell() {
            loop {
                let heard = tokio::time::timeout_at(until, connection.next()).await;
                match heard {
                    Ok(Heard::Acknowledged(tag)) => self.tell(MqttEvent::Acknowledged(tag)).await,
                    Ok(Heard::Born | Heard::Message { .. }) => {}
                    Ok(Heard::FarewellAcknowledged | Heard::Ended(_)) | Err(_) => break,
                }
            }
        }
        connection.disconnect(CLOSE_AT_MOST).await;
        self.tell_farewell().await
    }

    async fn tell_farewell(&mut self) -> Next {
        self.tell(lost("said goodbye".to_owned())).await;
        Next::Stop
    }

    async fn lose(&mut self, why: String) -> Next {
        tracing::info!(%why, "no connection to the broker");
        self.tell(lost(why)).await;
        Next::Wait
    }

    fn turn_to(&mut self, uplinks: Uplinks) {
        self.uplinks = uplinks;
        self.jitter.reset();
    }

    /// The link the connection leaves by is still the one to use, with the same address.
    fn still_by(&self, connection: &Connection) -> bool {
        let family: Family = connection.family;
        let current = self.uplinks.of(family);
        current.is_some_and(|u| (u.link, u.source) == (connection.uplink.link, connection.uplink.source))
    }

    async fn tell(&self, event: MqttEvent) {
        // Fails only when the daemon is gone; the next command says so.
        self.events.send(event).await.ok();
    }
}

/// While dialling: what makes the attempt pointless.
async fn interrupted(commands: &mut mpsc::Receiver<MqttCommand>, uplinks: &mut Uplinks) -> Next {
    loop {
        match commands.recv().await {
            None | Some(MqttCommand::Goodbye) => return Next::Stop,
            Some(MqttCommand::Use { v4, v6 }) => {
                *uplinks = Uplinks { v4, v6 };
                return Next::Dial;
            }
            Some(MqttCommand::Publish(_)) => {}
        }
    }
}

fn message(topic: String, payload: Vec<u8>) -> MqttEvent {
    if payload.len() > MAX_MESSAGE {
        return MqttEvent::Odd {
            what: format!("{topic}: {} bytes, at most {MAX_MESSAGE} are read", payload.len()),
        };
    }
    match String::from_utf8(payload) {
        Ok(payload) => MqttEvent::Message { topic, payload },
        Err(error) if error.as_bytes() == crate::bridge::MARKER => {
            MqttEvent::Odd { what: format!("{topic}: more than {MAX_MESSAGE} bytes") }
        }
        Err(_) => MqttEvent::Odd { what: format!("{topic}: not text") },
    }
}

const fn lost(why: String) -> MqttEvent {
    MqttEvent::Lost { why }
}
