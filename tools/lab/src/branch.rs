//! The cast of a branch: its site file, certificates and folders, and the real programs that play
//! in a lab.
//!
//! Programs are told everything by arguments and files, as in the field: nothing here reaches into
//! them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::broker::{Broker, PORT};
use crate::card::Card;
use crate::certificates::Certificates;
use crate::lab::Lab;
use crate::line_socket;
use crate::plan;
use crate::program::{Program, binary};
use crate::site_file::{self, SiteOptions};

/// The board files of the project.
pub(crate) const BOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../board-configs/boards");

/// The lab's own board: the project's board `lab` with this lab's card.
const BOARD: &str = "lab-branch";

/// A board's line card speaks at this speed unless the board says otherwise.
const BAUD: u32 = 921_600;

/// A branch that is ready to be played.
#[derive(Debug)]
pub struct Branch {
    options: SiteOptions,
    /// Everybody's certificates.
    pub certificates: Certificates,
    /// The site file; it can be rewritten before the daemon starts.
    pub site_file: PathBuf,
    /// The board files, the lab's own among them.
    pub boards: PathBuf,
    /// The daemon's `--run-dir`.
    pub run: PathBuf,
    /// The daemon's `--data-dir`.
    pub data: PathBuf,
    /// The collector's store.
    pub store: PathBuf,
    /// The line card's serial device.
    pub card: PathBuf,
    card_control: PathBuf,
}

impl Branch {
    /// Writes certificates, board and site file.
    pub fn prepare(lab: &Lab, options: &SiteOptions) -> Result<Self> {
        let folder = lab.folder();
        let certificates = Certificates::make(&folder.join("certificates"), &options.site)?;
        let branch = Self {
            options: options.clone(),
            certificates,
            site_file: folder.join("site.toml"),
            boards: folder.join("boards"),
            run: folder.join("run"),
            data: options.data.clone().unwrap_or_else(|| folder.join("data")),
            store: folder.join("noc"),
            card: folder.join("card"),
            card_control: folder.join("card.control"),
        };
        branch.write_boards()?;
        branch.write_site(&site_file::text(lab.options(), &branch.certificates, options)?)?;
        Ok(branch)
    }

    /// Replaces the site file; the daemon reads it when it starts.
    pub fn write_site(&self, text: &str) -> Result<()> {
        fs::write(&self.site_file, text).with_context(|| format!("write {}", self.site_file.display()))
    }

    /// Starts the broker.
    pub fn start_broker(&self, lab: &Lab) -> Result<Broker> {
        let store = self.options.broker_store.clone().unwrap_or_else(|| lab.folder().join("broker"));
        Broker::start(lab, &self.certificates, &store)
    }

    /// The command line of the daemon, for those who start it in a way of their own.
    pub fn daemon_command(&self) -> Result<Command> {
        let mut command = Command::new(binary("holdfastd")?);
        self.daemon_arguments(&mut command);
        Ok(command)
    }

    /// Starts the daemon.
    pub fn start_daemon(&self, lab: &Lab) -> Result<Program> {
        Program::start(lab.branch(), "holdfastd", self.daemon_command()?, &lab.logs())
    }

    /// Starts the daemon under another program, for example `strace -f -e ...`.
    pub fn start_daemon_under(&self, lab: &Lab, wrapper: &[&str]) -> Result<Program> {
        let Some((program, arguments)) = wrapper.split_first() else { bail!("a wrapper needs a program") };
        let mut command = Command::new(program);
        command.args(arguments).arg(binary("holdfastd")?);
        self.daemon_arguments(&mut command);
        Program::start(lab.branch(), "holdfastd", command, &lab.logs())
    }

    fn daemon_arguments(&self, command: &mut Command) {
        command.args(["run", "--board", BOARD]).arg("--site").arg(&self.site_file);
        command.arg("--boards").arg(&self.boards);
        command.arg("--run-dir").arg(&self.run).arg("--data-dir").arg(&self.data);
        command.args(["--log", &self.options.log]);
    }

    /// Starts the line card.
    pub fn start_card(&self, lab: &Lab) -> Result<Card> {
        let mut command = Command::new(binary("ata-sim")?);
        command.arg("--link").arg(&self.card).arg("--control").arg(&self.card_control).arg("--json");
        command.args(["--lines", &self.options.card_lines().to_string(), "--baud", &BAUD.to_string()]);
        let program = Program::start(lab.branch(), "ata-sim", command, &lab.logs())?;
        Card::over(program, self.card_control.clone())
    }

    /// Starts the NOC's collector.
    pub fn start_collector(&self, lab: &Lab) -> Result<Program> {
        let identity = &self.certificates.collector;
        let mut command = Command::new(binary("holdfast-noc")?);
        command.args(["collect", "--broker", &format!("{}:{PORT}", plan::BROKER[0].address)]);
        command.arg("--ca").arg(&self.certificates.ca);
        command.arg("--cert").arg(&identity.certificate).arg("--key").arg(&identity.key);
        command.arg("--store").arg(&self.store).arg("--json");
        Program::start(lab.internet(), "collector", command, &lab.logs())
    }

    /// Asks the running daemon: `status`, `links` or `explain`.
    pub fn ask(&self, what: &str) -> Result<Value> {
        let answer = line_socket::ask(&self.control_socket(), &json!({ "ask": what }).to_string())?;
        serde_json::from_str(&answer).with_context(|| format!("read the daemon's answer {answer:?}"))
    }

    /// The same for people: the text that `holdfast` prints.
    pub fn ask_for_people(&self, what: &str) -> Result<String> {
        let mut command = Command::new(binary("holdfast")?);
        command.arg("--socket").arg(self.control_socket()).arg(what);
        output_of(command)
    }

    /// Where the daemon listens for questions.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.run.join("control.sock")
    }

    /// Every record of the site that the collector has kept, in the order in which it kept them.
    pub fn records(&self) -> Result<Vec<Value>> {
        let mut command = Command::new(binary("holdfast-noc")?);
        command.args(["records", "--json", "--store"]).arg(&self.store).arg(&self.options.site);
        let output = output_of(command)?;
        let records = output.lines().filter(|line| !line.is_empty()).map(serde_json::from_str);
        records.collect::<Result<_, _>>().context("read the records of `holdfast-noc records --json`")
    }

    fn write_boards(&self) -> Result<()> {
        for entry in fs::read_dir(BOARDS).with_context(|| format!("read {BOARDS}"))? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|e| e == "toml")) {
                fs::copy(&path, self.boards.join(name))
                    .with_context(|| format!("copy {}", path.display()))?;
            }
        }
        let path = self.boards.join(format!("{BOARD}.toml"));
        fs::write(&path, site_file::board(&self.card, BAUD, self.options.card_lines()))
            .with_context(|| format!("write {}", path.display()))
    }
}

fn output_of(mut command: Command) -> Result<String> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {program}"))
}
