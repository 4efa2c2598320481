//! Debian's Mosquitto as a child on a port of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::certificates::Certificates;
use super::eventually;

pub(crate) struct Broker {
    pub(crate) port: u16,
    dir: TempDir,
    child: Option<Child>,
}

impl Broker {
    /// In clear, without passwords.
    pub(crate) fn plain() -> Self {
        Self::start("allow_anonymous true\n")
    }

    /// Mutual TLS; who somebody is, is in the certificate.
    pub(crate) fn mutual_tls(certificates: &Certificates) -> Self {
        let rights = certificates.dir().join("rights");
        fs::write(&rights, "user noc\ntopic read holdfast/v1/#\ntopic write holdfast/v1/+/noc/#\n").unwrap();
        let file = |name: &str| certificates.dir().join(name).display().to_string();
        Self::start(&format!(
            "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\nuse_identity_as_username true\n\
             acl_file {}\n",
            file("ca.pem"),
            file("broker.pem"),
            file("broker.key"),
            rights.display(),
        ))
    }

    fn start(more: &str) -> Self {
        Self::configured(&format!(
            "listener 0\n{more}persistence true\nmax_queued_messages 0\nmax_inflight_messages 50\n"
        ))
    }

    /// By a whole configuration; its first `listener` gets a free port of this machine.
    pub(crate) fn configured(text: &str) -> Self {
        let port = free_port();
        let dir = tempfile::tempdir().unwrap();
        let own = format!("user root\npersistence_location {}/\nlog_dest stderr\n", dir.path().display());
        let listener = text.lines().find(|line| line.starts_with("listener")).expect("it listens");
        let text = text.replacen(listener, &format!("listener {port} 127.0.0.1"), 1);
        fs::write(dir.path().join("mosquitto.conf"), text + &own).unwrap();
        let mut broker = Self { port, dir, child: None };
        broker.run();
        broker
    }

    /// Starts it, or starts it again.
    pub(crate) fn run(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.dir.path().join("log")).unwrap();
        let child = Command::new(program())
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mosquitto starts: apt-get install mosquitto");
        self.child = Some(child);
        eventually("mosquitto listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok());
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
        }
    }
}

fn program() -> &'static str {
    if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
