//! A branch with eight panels on copper, a card whose wire errs, the daemon, and a strict station.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ata_sim::{Options, Settings};
use e2e::strict_station::{StationOptions, StrictStation, Transport};
use lab::{Branch, Lab, LabOptions, Program, SiteOptions, plan};
use peers::spandsp::Report;
use serde_json::Value;

use crate::telephone::{Caller, Told};

pub(crate) const LINES: u8 = 8;
const BAUD: u32 = 921_600;
const KEY: &str = "0123456789abcdef";
/// From the daemon's start to a station that has answered.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running branch. The fields are dropped from the first to the last.
pub(crate) struct Cast {
    pub(crate) daemon: Program,
    _card: ata_sim::Handle,
    pub(crate) station: StrictStation,
    pub(crate) told: Receiver<Told>,
    pub(crate) branch: Branch,
    pub(crate) lab: Lab,
}

impl Cast {
    /// Everything stands, the station answers, and the panels are let go.
    pub(crate) fn open(reports: impl Fn(u8) -> Vec<Report>, error_rate: f64) -> Result<Self> {
        let lab = Lab::build(&LabOptions::default())?;
        let branch = Branch::prepare(&lab, &SiteOptions { lines: LINES, ..SiteOptions::default() })?;
        let station = StrictStation::start(StationOptions {
            listen: (plan::BROKER[0].address, 9_000).into(),
            namespace: Some(lab.internet().path()),
            key: Some(KEY.as_bytes().to_vec()),
            ..StationOptions::local(Transport::Tcp)
        })?;
        write_site(&branch)?;
        let (tell, told) = sync_channel(1_000);
        let go = Arc::new(AtomicBool::new(false));
        let telephones = (0..LINES).map(|line| {
            let caller = Caller::new(line, reports(line), Arc::clone(&go), tell.clone());
            (line, Box::new(caller) as Box<dyn ata_sim::Telephone>)
        });
        let settings = Settings { lines: LINES, seed: 7, serial: "calls".to_owned(), error_rate };
        let options = Options { settings, baud: BAUD, link: Some(branch.card.clone()) };
        let card = ata_sim::spawn_with(options, telephones.collect())?;
        let mut daemon = branch.start_daemon(&lab)?;
        wait_until_served(&branch, &mut daemon, &lab)?;
        go.store(true, Ordering::Relaxed);
        Ok(Self { daemon, _card: card, station, told, branch, lab })
    }
}

impl Cast {
    /// Kills the daemon without a word and starts it again.
    pub(crate) fn start_daemon_again(&mut self) -> Result<()> {
        self.daemon.kill()?;
        self.daemon = self.branch.start_daemon(&self.lab)?;
        Ok(())
    }
}

/// Every line is a panel's, and there is a station.
fn write_site(branch: &Branch) -> Result<()> {
    let site = fs::read_to_string(&branch.site_file).context("read the site file")?;
    let key = branch.site_file.with_file_name("station.key");
    fs::write(&key, KEY)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let station = format!(
        "\n[[station]]\nname = \"north\"\naddress = \"{}:9000\"\naccount = \"AAAA\"\nkey = {key:?}\n\
         key_encoding = \"ascii\"\n",
        plan::BROKER[0].address
    );
    branch.write_site(&(site.replace("profile = \"phone\"", "profile = \"alarm\"") + &station))
}

fn wait_until_served(branch: &Branch, daemon: &mut Program, lab: &Lab) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    let mut last = Value::Null;
    while Instant::now() < deadline {
        daemon.expect_running()?;
        last = branch.ask("status").unwrap_or(last);
        if is_served(&last) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("the lines are not served after {READY_WITHIN:?}: {last:#}\n{}", lab.last_words(20))
}

/// A path to the station has proved itself, and the card is there.
fn is_served(status: &Value) -> bool {
    let paths = status["alarm"]["paths"].as_array().map_or(&[][..], Vec::as_slice);
    status["card"]["present"] == true && paths.iter().any(|path| path["works"] == true)
}
