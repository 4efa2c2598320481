//! Panels that call through the real daemon: how soon the station has what was keyed, also when the path
//! dies in mid-event, and what eight open lines cost.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lab::{Blackhole, Link, STATION_PORT, SiteOptions, plan};
use serde_json::{Value, json};

use super::times::{self, Delivery};
use crate::bench::failover::Cast;
use crate::bench::footprint::{busy_ns, octets_read};
use crate::bench::report::Row;
use crate::bench::{Effort, say};
use crate::receiver::framed;

const FRAME_GOAL_MS: f64 = 60.0;
/// The panel's second repeat: it waits, says sixteen digits again, and waits again.
const SECOND_REPEAT_MS: f64 = 1_250.0 + 1_705.0 + 1_250.0;
/// The first sending and one repeat.
const ATTEMPTS_GOAL: f64 = 2.0;
const CPU_GOAL_PCT: f64 = 5.0;
/// A card hands audio to its host in blocks of so much.
const BLOCK_MS: f64 = 10.0;

const LINES: u8 = 8;
/// The line whose panel calls.
const LINE: u8 = 0;
const ACCOUNT: &str = "1100";
/// Octets of audio that a line that is off-hook brings in a second (G.711).
const AUDIO_OCTETS: u64 = 8_000;

/// Dial tone, number, handshake, digits, four attempts, a redial.
const PATIENCE: Duration = Duration::from_secs(60);
/// From the handshake's end: the sixteen digits sound from 275 ms to 1,980 ms.
const INTO_DIGITS: Duration = Duration::from_millis(1_100);
const SPREAD_US: u64 = 800_000;
/// A call that is over leaves the line on-hook so long.
const REST: Duration = Duration::from_millis(2_500);

pub(super) fn measure(effort: Effort) -> Result<Vec<Row>> {
    lab::require_root()?;
    lab::tear_down_on_signals()?;
    let site = SiteOptions { lines: 0, panels: LINES, ..Cast::site() };
    let mut stage = Stage { cast: Cast::open(&site)?, zone: 0 };
    let mut rows = stage.load(effort)?;
    let settings = json!({ "account": ACCOUNT, "redial_ms": 3_000 });
    stage.cast.card.command(&json!({ "do": "panel", "line": LINE, "settings": settings }).to_string())?;
    rows.push(stage.frames(effort)?);
    rows.extend(stage.dying_paths(effort)?);
    Ok(rows)
}

struct Stage {
    cast: Cast,
    /// Of the newest event: no two are alike.
    zone: usize,
}

impl Stage {
    /// Processor time of the daemon, with all lines on-hook and off-hook.
    fn load(&mut self, effort: Effort) -> Result<Vec<Row>> {
        say("cost of 8 open lines");
        let idle = self.busy(effort.load_s, 0)?;
        for line in 0..LINES {
            self.cast.card.command(&format!("off {line}"))?;
        }
        thread::sleep(REST);
        let open = self.busy(effort.load_s, u64::from(LINES) * AUDIO_OCTETS)?;
        for line in 0..LINES {
            self.cast.card.command(&format!("on {line}"))?;
        }
        let metric = "8 lines off-hook, whole daemon: one core";
        Ok(vec![Row::new(metric, "%", CPU_GOAL_PCT, &open).against("all on-hook", &idle)])
    }

    /// A share of a core for each second; the daemon must have read `octets` in each meanwhile.
    fn busy(&mut self, seconds: u64, octets: u64) -> Result<Vec<f64>> {
        let pid = self.cast.daemon.pid();
        let (since, before) = (Instant::now(), octets_read(pid)?);
        let mut shares = Vec::new();
        for _ in 0..seconds {
            let (begun, busy) = (Instant::now(), busy_ns(pid)?);
            thread::sleep(Duration::from_secs(1));
            let spent = Duration::from_nanos(busy_ns(pid)?.saturating_sub(busy));
            shares.push(100.0 * spent.as_secs_f64() / begun.elapsed().as_secs_f64());
        }
        let read = (octets_read(pid)? - before) as f64 / since.elapsed().as_secs_f64();
        ensure!(read >= octets as f64 * 0.95, "the daemon read {read:.0} octets/s; audio is {octets}");
        Ok(shares)
    }

    /// From the end of the sixteenth digit to the frame at the station.
    fn frames(&mut self, effort: Effort) -> Result<Row> {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for run in 0..effort.signals {
            say(&format!("last digit to frame {} of {}", run + 1, effort.signals));
            let data = self.report()?;
            ours.push(self.delivered(&data)?.frame_ms);
            floor.push(BLOCK_MS + self.round_trip()?);
        }
        Ok(Row::new("last digit to DC-09 frame at the station", "ms", FRAME_GOAL_MS, &ours)
            .against("10 ms block + TCP round trip", &floor))
    }

    /// The path dies while the digits sound; links take turns, as in failovers.
    fn dying_paths(&mut self, effort: Effort) -> Result<Vec<Row>> {
        let (mut late, mut attempts) = (Vec::new(), Vec::new());
        for run in 0..effort.dying {
            say(&format!("path dies in mid-event {} of {}", run + 1, effort.dying));
            thread::sleep(REST);
            let (from, to) = if run % 2 == 0 { (Link::A, Link::B) } else { (Link::B, Link::A) };
            let handshakes = self.handshakes()?;
            let data = self.report()?;
            self.wait("handshake", |stage| Ok((stage.handshakes()? > handshakes).then_some(())))?;
            thread::sleep(INTO_DIGITS + Duration::from_micros(run as u64 * 494_427 % SPREAD_US));
            self.cast.lab.blackhole(from, Blackhole::default())?;
            let delivery = self.delivered(&data)?;
            let second = plan::box_wan(to)[0].address.to_string();
            let by_second = delivery.from.starts_with(&second);
            ensure!(by_second, "{data} was acknowledged to {}, not to {second}", delivery.from);
            late.push(delivery.kiss_off_ms);
            attempts.push(delivery.attempt);
            self.cast.mend(from, to)?;
        }
        Ok(vec![
            Row::new("path dies in mid-event: last digit to kiss-off", "ms", SECOND_REPEAT_MS, &late),
            Row::new("path dies in mid-event: sendings by the panel", "", ATTEMPTS_GOAL, &attempts),
        ])
    }

    /// Gives the panel an event of its own and tells what the station is to read.
    fn report(&mut self) -> Result<String> {
        self.zone += 1;
        let zone = self.zone;
        self.cast.card.command(&format!("event {LINE} 1131 01 {zone:03}"))?;
        Ok(format!("#{ACCOUNT}|1131 01 {zone:03}"))
    }

    fn delivered(&mut self, data: &str) -> Result<Delivery> {
        self.wait(data, |stage| {
            Ok(times::delivery(&stage.cast.card.happened()?, &stage.cast.station.said()?, data))
        })
    }

    fn handshakes(&self) -> Result<usize> {
        let happened = self.cast.card.happened()?;
        Ok(happened.iter().filter(|event: &&Value| event["what"] == "handshake").count())
    }

    fn wait<T>(&mut self, what: &str, mut found: impl FnMut(&Self) -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.cast.daemon.expect_running()?;
            if let Some(found) = found(self)? {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("no {what} within {PATIENCE:?}:\n{}", self.cast.lab.last_words(20))
    }

    /// A frame to the same station and its acknowledgement, without the box.
    fn round_trip(&self) -> Result<f64> {
        let station = SocketAddr::new(plan::STATION[0].address, STATION_PORT);
        self.cast.lab.branch().run(|| {
            let mut stream = TcpStream::connect(station).context("connect to the station")?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let frame = framed(r##""NULL"0000L0#0000[]"##);
            let begun = Instant::now();
            stream.write_all(&frame)?;
            ensure!(stream.read(&mut [0; 256])? > 0, "the station closed without an acknowledgement");
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        })
    }
}
