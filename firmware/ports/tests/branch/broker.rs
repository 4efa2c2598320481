//! Debian's Mosquitto as a child: TLS with client certificates on one port, plain for the collector.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Authority, eventually, free_port};

pub struct Broker {
    child: Child,
    dir: PathBuf,
    pub tls_port: u16,
    pub plain_port: u16,
}

impl Broker {
    pub fn start(dir: &Path, authority: &Authority) -> Self {
        let (tls_port, plain_port) = (free_port(), free_port());
        let own = authority.sign("broker.test");
        for (name, pem) in [("ca.pem", &authority.pem), ("cert.pem", &own.certificate), ("key.pem", &own.key)]
        {
            fs::write(dir.join(name), pem).unwrap();
        }
        let at = dir.display();
        let user = if nix::unistd::geteuid().is_root() { "user root\n" } else { "" };
        let config = format!(
            "{user}persistence true\npersistence_location {at}/\nautosave_interval 1\nallow_anonymous true\n\
             max_queued_messages 0\nmax_inflight_messages 0\nlog_dest file {at}/log\n\
             listener {plain_port} 127.0.0.1\n\
             listener {tls_port} 127.0.0.1\n\
             cafile {at}/ca.pem\ncertfile {at}/cert.pem\nkeyfile {at}/key.pem\n\
             require_certificate true\nuse_identity_as_username true\n"
        );
        fs::write(dir.join("conf"), config).unwrap();
        let broker = Self { child: run(dir), dir: dir.to_owned(), tls_port, plain_port };
        broker.wait();
        broker
    }

    /// SIGKILL, and a new one with what the old one had saved.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = run(&self.dir);
        self.wait();
    }

    fn wait(&self) {
        for port in [self.plain_port, self.tls_port] {
            eventually("the broker listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("the broker's last words, newest first:\n{}", tail.join("\n"));
        }
    }
}

fn run(dir: &Path) -> Child {
    Command::new("mosquitto")
        .arg("-c")
        .arg(dir.join("conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test runs Debian's mosquitto: apt install mosquitto")
}
