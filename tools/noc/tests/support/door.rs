//! A box's way to a broker with mutual TLS: the collector's bridge with the box's certificate.

use std::path::PathBuf;

use holdfast_noc::bridge::{Bridge, Route};
use holdfast_noc::tls::{TlsFiles, client};

use super::certificates::Certificates;

pub(crate) struct Door {
    pub(crate) path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Door {
    pub(crate) fn open(broker: &str, certificates: &Certificates, name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: String| certificates.dir().join(name);
        let (cert, key) = (file(format!("{name}.pem")), file(format!("{name}.key")));
        let files = TlsFiles { ca: file("ca.pem".to_owned()), cert, key };
        let tls = Some(client(&files, "127.0.0.1").unwrap());
        let route = Route { broker: broker.to_owned(), tls };
        let (tell, path) = std::sync::mpsc::channel();
        let store = dir.path().to_owned();
        // Ends with the process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bridge = Bridge::open(&store, route).unwrap();
                tell.send(bridge.path()).unwrap();
                bridge.serve().await;
            });
        });
        Self { path: path.recv().unwrap(), _dir: dir }
    }
}
