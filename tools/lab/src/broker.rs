//! Debian's Mosquitto in the internet: mutual TLS, an account per certificate, persistence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::certificates::{COLLECTOR_NAME, Certificates};
use crate::lab::Lab;
use crate::plan;
use crate::program::Program;

/// Where it listens, on both of its addresses.
pub const PORT: u16 = 8883;

/// Mosquitto starts within fractions of a second.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Mosquitto writes its store when it stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Mosquitto, running or not.
#[derive(Debug)]
pub struct Broker {
    config: PathBuf,
    program: Option<Program>,
}

impl Broker {
    /// Writes its configuration and starts it. `store` is its persistence folder: a full one can be
    /// had by giving a small tmpfs.
    pub(crate) fn start(lab: &Lab, certificates: &Certificates, store: &Path) -> Result<Self> {
        let folder = lab.folder().join("broker");
        let config = folder.join("mosquitto.conf");
        let rights = folder.join("rights.acl");
        fs::write(&rights, rights_text())?;
        fs::write(&config, config_text(certificates, store, &rights))
            .with_context(|| format!("write {}", config.display()))?;
        let mut broker = Self { config, program: None };
        broker.start_again(lab)?;
        Ok(broker)
    }

    /// Starts it after [`Self::stop`] or [`Self::kill`] and waits until it listens.
    pub fn start_again(&mut self, lab: &Lab) -> Result<()> {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&self.config);
        let mut program = Program::start(lab.internet(), "mosquitto", command, &lab.logs())
            .context("run mosquitto: is the package installed?")?;
        let deadline = Instant::now() + START_WITHIN;
        while !lab.internet().run(listens)? {
            program.expect_running()?;
            if Instant::now() >= deadline {
                bail!("mosquitto does not listen on port {PORT}:\n{}", program.tail(20));
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.program = Some(program);
        Ok(())
    }

    /// SIGTERM: it saves what it holds.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut program) = self.program.take() {
            program.stop(STOP_WITHIN)?;
        }
        Ok(())
    }

    /// SIGKILL: what it has not saved is gone.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut program) = self.program.take() {
            program.kill()?;
        }
        Ok(())
    }

    /// The child, while there is one.
    pub const fn program(&mut self) -> Option<&mut Program> {
        self.program.as_mut()
    }
}

/// Are both of its sockets open? Asked of the kernel, so that the broker's log stays clean.
fn listens() -> Result<bool> {
    // proc(5): local address:port in hexadecimal, then the remote one, then the state; 0A listens.
    let listening = format!(":{PORT:04X} ");
    let open = |table: &str| -> Result<bool> {
        let sockets = fs::read_to_string(table).with_context(|| format!("read {table}"))?;
        Ok(sockets.lines().any(|line| line.contains(&listening) && line.contains(" 0A ")))
    };
    Ok(open("/proc/thread-self/net/tcp")? && open("/proc/thread-self/net/tcp6")?)
}

fn config_text(certificates: &Certificates, store: &Path, rights: &Path) -> String {
    let listener = |address: std::net::IpAddr| {
        format!(
            "listener {PORT} {address}\n\
             cafile {}\ncertfile {}\nkeyfile {}\n\
             require_certificate true\nuse_identity_as_username true\n",
            certificates.ca.display(),
            certificates.broker.certificate.display(),
            certificates.broker.key.display(),
        )
    };
    format!(
        "user root\n\
         per_listener_settings false\n\
         allow_anonymous false\n\
         acl_file {}\n\
         persistence true\npersistence_location {}/\nautosave_interval 5\n\
         max_queued_messages 0\nmax_inflight_messages 100\nmax_packet_size 131072\n\
         log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\nconnection_messages true\n{}{}",
        rights.display(),
        store.display(),
        listener(plan::BROKER[0].address),
        listener(plan::BROKER[1].address),
    )
}

/// A site speaks and hears only below its own name; the collector hears all and sets watermarks.
fn rights_text() -> String {
    format!(
        "user {COLLECTOR_NAME}\n\
         topic read holdfast/v1/#\n\
         topic write holdfast/v1/+/noc/#\n\n\
         pattern write holdfast/v1/%u/presence\n\
         pattern write holdfast/v1/%u/state\n\
         pattern write holdfast/v1/%u/records/#\n\
         pattern read holdfast/v1/%u/noc/#\n"
    )
}
