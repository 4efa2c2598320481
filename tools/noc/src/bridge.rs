//! A private socket that leads to the broker: dials, speaks TLS, copies bytes.
//!
//! The MQTT library speaks to a Unix socket only; its own TLS is built on an outdated verifier. The
//! socket lies in a directory that only this user can enter, because who reaches it speaks with our
//! certificate.

use std::cell::RefCell;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use crate::tls::Tls;

/// For TCP and, after it, for the TLS handshake.
const DIAL: Duration = Duration::from_secs(8);

/// For the last words to a broker that may be gone.
const FAREWELL: Duration = Duration::from_millis(500);

/// Where to, and how protected.
pub struct Route {
    /// `host:port`.
    pub broker: String,
    /// None: in clear.
    pub tls: Option<Tls>,
}

/// The socket.
pub struct Bridge {
    dir: File,
    listener: UnixListener,
    route: Route,
    failure: Failure,
}

/// Why the last connection could not be made or ended; the MQTT library only sees a closed socket.
#[derive(Clone, Default)]
pub struct Failure(Rc<RefCell<Option<String>>>);

impl Failure {
    /// Takes it; the next question gets the next failure.
    #[must_use]
    pub fn take(&self) -> Option<String> {
        self.0.take()
    }
}

impl Bridge {
    /// Makes the socket in a directory of its own below `store`, which nobody else writes to.
    ///
    /// # Errors
    /// When the directory takes none.
    pub fn open(store: &Path, route: Route) -> io::Result<Self> {
        let dir = store.join("run");
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        match std::fs::remove_file(dir.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let dir = File::open(dir)?;
        let listener = UnixListener::bind(socket_in(&dir))?;
        Ok(Self { dir, listener, route, failure: Failure::default() })
    }

    /// The socket's path, valid in this process.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        socket_in(&self.dir)
    }

    /// Where failures are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// Serves one connection after the other, for ever: there is one client.
    pub async fn serve(&self) {
        loop {
            let served = match self.listener.accept().await {
                Ok((client, _)) => self.carry(client).await,
                Err(error) => Err(error),
            };
            if let Err(error) = served {
                self.failure.0.replace(Some(format!("{}: {error}", self.route.broker)));
            }
        }
    }

    async fn carry(&self, client: UnixStream) -> io::Result<()> {
        let stream = within("no answer to TCP", TcpStream::connect(&self.route.broker)).await?;
        stream.set_nodelay(true)?;
        match &self.route.tls {
            None => carry_bytes(client, stream).await,
            Some(tls) => {
                let handshake = tls.connector.connect(tls.name.clone(), stream);
                let stream = within("no answer to the TLS handshake", handshake).await?;
                carry_bytes(client, stream).await
            }
        }
    }
}

const NAME: &str = "broker";

/// By the open directory: the address of a Unix socket must be shorter than the path of a store may be.
fn socket_in(dir: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()))
}

async fn within<T>(what: &str, dial: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", DIAL.as_secs()));
    tokio::time::timeout(DIAL, dial).await.unwrap_or_else(|_| Err(late()))
}

/// Until either side ends: a client that has hung up does not wait for a broker that is gone.
async fn carry_bytes<S: AsyncRead + AsyncWrite>(client: UnixStream, broker: S) -> io::Result<()> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_broker, mut to_broker) = split(broker);
    tokio::select! {
        ended = copy(&mut from_client, &mut to_broker) => {
            drop(tokio::time::timeout(FAREWELL, to_broker.shutdown()).await);
            ended.map(drop)
        }
        ended = copy(&mut from_broker, &mut to_client) => ended.map(drop),
    }
}
