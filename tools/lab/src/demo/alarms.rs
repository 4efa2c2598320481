//! The scenes of the alarm path: a panel, the box, a station, and everything that may go wrong between.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Blackhole, Link, plan};
use serde_json::{Value, json};

use super::scenes::{heal_and_fail_back, option};
use super::signals::{self, KissOff};
use super::stage::Stage;
use super::teller::Teller;

/// A panel on its line, with the account under which it reports.
struct Panel {
    line: u8,
    account: &'static str,
}

const OFFICE: Panel = Panel { line: 2, account: "1102" };
const VAULT: Panel = Panel { line: 3, account: "1103" };

/// Dial tone, number, handshake, four attempts, a redial: nothing in a scene takes longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// A restored voltage waits for 30 s of a path that works; then the panel dials.
const LONG_PATIENCE: Duration = Duration::from_secs(90);

/// From the handshake's end until the sixteen digits have nearly been said: the frame leaves just after.
const MOST_DIGITS: Duration = Duration::from_millis(1_700);

/// What the slow station takes for an acknowledgement.
const SLOW: Duration = Duration::from_secs(3);

pub(crate) fn play(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    burglary(stage, teller)?;
    slow_station(stage, teller)?;
    all_dead(stage, teller)?;
    all_back(stage, teller)?;
    judge_all(stage, teller)
}

fn burglary(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(5, "a burglary is reported while the primary dies");
    for panel in [OFFICE, VAULT] {
        let settings = json!({ "account": panel.account, "trouble_after_ms": 3_000, "redial_ms": 3_000 });
        stage
            .card
            .command(&json!({ "do": "panel", "line": panel.line, "settings": settings }).to_string())?;
    }
    OFFICE.reports(stage, "1131 01 015")?;
    teller.step("the office's panel lifts the line, hears dial tone and dials");
    let handshake = OFFICE.wait_for(stage, teller, "handshake")?;
    teller.must("dial tone, number, handshake", "always", option(handshake), handshake.is_some());
    handshake.context("a panel without a handshake reports nothing")?;
    stage.pause(teller, MOST_DIGITS)?;
    stage.lab.blackhole(Link::A, Blackhole::default())?;
    teller.step("link a: every packet vanishes, while the last digits sound");
    let kiss_off = OFFICE.await_kiss_off(stage, teller, 1)?;
    let attempt = kiss_off.map_or(0, |kiss_off| kiss_off.attempt);
    let told = format!("attempt {attempt}");
    teller.must("kissed off before the second repeat", "attempt 1 or 2", told, (1..=2).contains(&attempt));
    let backup = plan::box_wan(Link::B)[0].address.to_string();
    let from = signals::sources(&stage.station.said()?, &OFFICE.last_digits(stage)?);
    let by_backup = from.contains(&backup);
    teller.must("acknowledged over the backup", &backup, format!("{from:?}"), by_backup);
    judge_last(stage, teller, &OFFICE)?;
    heal_and_fail_back(stage, teller)
}

fn slow_station(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(6, "the station takes 3 s for each acknowledgement");
    stage.station.delay(SLOW)?;
    OFFICE.reports(stage, "1110 01 001")?;
    teller.step("the office's panel reports a fire");
    let kiss_off = OFFICE.await_kiss_off(stage, teller, 2)?;
    stage.station.delay(Duration::ZERO)?;
    let attempt = kiss_off.map_or(0, |kiss_off| kiss_off.attempt);
    let told = format!("attempt {attempt}");
    teller.must("the kiss-off waits for a repeat", "attempt 2 to 4", told, (2..=4).contains(&attempt));
    judge_last(stage, teller, &OFFICE)
}

fn all_dead(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(7, "no way to the station is left");
    let since = Instant::now();
    stage.lab.blackhole(Link::A, Blackhole::default())?;
    stage.lab.cut(Link::B)?;
    teller.step("link a: every packet vanishes; link b: no carrier");
    let dark = VAULT.wait_for_light(stage, teller, true, since, PATIENCE)?;
    teller.must("the panel shows trouble: its line has no voltage", "always", option(dark), dark.is_some());
    VAULT.reports(stage, "1131 01 042")?;
    teller.step("the vault's panel has a burglary to report, and waits");
    stage.pause(teller, Duration::from_secs(3))?;
    let told = VAULT.kiss_offs(stage)?.len();
    teller.must(
        "nobody tells it that it was delivered",
        "0 kiss-offs",
        format!("{told} kiss-offs"),
        told == 0,
    );
    Ok(())
}

fn all_back(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(8, "the ways are back");
    let since = Instant::now();
    stage.lab.heal(Link::B)?;
    stage.lab.heal(Link::A)?;
    teller.step("both links work again; they must prove it for 30 s before the lines have voltage");
    let light = VAULT.wait_for_light(stage, teller, false, since, LONG_PATIENCE)?;
    teller.must("the panel's trouble is over", "after the proof", option(light), light.is_some());
    VAULT.await_kiss_off(stage, teller, 1)?;
    judge_last(stage, teller, &VAULT)
}

/// Over all scenes: what panels hold for delivered is what the station has.
fn judge_all(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    let (happened, said) = (stage.card.happened()?, stage.station.said()?);
    let kiss_offs = signals::kiss_offs(&happened);
    let lost = kiss_offs.iter().filter(|kiss_off| signals::taken(&said, &kiss_off.digits) == 0).count();
    let whole = kiss_offs.len() == EVENTS && lost == 0;
    teller.must("events lost", "0 of 3", format!("{lost} lost, {} kissed off", kiss_offs.len()), whole);
    let lies = signals::lies(&kiss_offs, &said);
    let told = if lies.is_empty() { "0".to_owned() } else { lies.join(", ") };
    teller.must("kiss-offs before the acknowledgement", "0", told, lies.is_empty() && whole);
    Ok(())
}

fn judge_last(stage: &mut Stage, teller: &mut Teller, panel: &Panel) -> Result<()> {
    let taken = signals::taken(&stage.station.said()?, &panel.last_digits(stage)?);
    teller.must("events at the station", "exactly 1", taken.to_string(), taken == 1);
    Ok(())
}

impl Panel {
    fn reports(&self, stage: &Stage, event: &str) -> Result<()> {
        stage.card.command(&format!("event {} {event}", self.line)).map(drop)
    }

    fn kiss_offs(&self, stage: &Stage) -> Result<Vec<KissOff>> {
        let all = signals::kiss_offs(&stage.card.happened()?);
        Ok(all.into_iter().filter(|kiss_off| kiss_off.line == u64::from(self.line)).collect())
    }

    /// Waits for the panel's kiss-off of this number and tells how late it was.
    fn await_kiss_off(
        &self,
        stage: &mut Stage,
        teller: &mut Teller,
        number: usize,
    ) -> Result<Option<KissOff>> {
        let kiss_off =
            stage.wait(teller, PATIENCE, |stage| Ok(self.kiss_offs(stage)?.into_iter().nth(number - 1)))?;
        let told = kiss_off.as_ref().map_or("never".to_owned(), |kiss_off| {
            format!("attempt {}, {} ms after its last digit", kiss_off.attempt, kiss_off.after_ms)
        });
        teller.must("the panel is kissed off", "always", told, kiss_off.is_some());
        Ok(kiss_off)
    }

    fn wait_for(&self, stage: &mut Stage, teller: &mut Teller, what: &str) -> Result<Option<Duration>> {
        let since = Instant::now();
        let mine = |event: &Value| event["what"] == what && event["line"] == self.line;
        stage.wait(teller, PATIENCE, |stage| {
            Ok(stage.card.happened()?.iter().any(mine).then(|| since.elapsed()))
        })
    }

    fn wait_for_light(
        &self,
        stage: &mut Stage,
        teller: &mut Teller,
        on: bool,
        since: Instant,
        patience: Duration,
    ) -> Result<Option<Duration>> {
        stage.wait(teller, patience, |stage| {
            let lit = signals::troubles(&stage.card.happened()?, self.line, on) > 0;
            Ok(lit.then(|| since.elapsed()))
        })
    }

    /// The digits that the panel sent last.
    fn last_digits(&self, stage: &Stage) -> Result<String> {
        let happened = stage.card.happened()?;
        let sent = happened.iter().rfind(|event| event["what"] == "sent" && event["line"] == self.line);
        Ok(sent.and_then(|event| event["digits"].as_str()).unwrap_or_default().to_owned())
    }
}

/// All that the two panels report in the play.
const EVENTS: usize = 3;
