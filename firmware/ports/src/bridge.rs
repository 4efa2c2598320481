//! The MQTT client's way out: dials over the link in use, speaks TLS, and hands rumqttc a local socket.
//!
//! ```text
//!   rumqttc <-- unix socket, 0600 --> bridge <-- TLS <-- TCP: mark, source, user timeout --> broker
//! ```
//! One place for link binding, TLS and faults. It refuses to dial by a link that it was not told to
//! use, and to accept anybody but this process on its socket.

mod shrink;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance::Uplink;
use hal::Family;
use socket2::Type;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::bound;
use crate::tls::{self, ClientTls};
pub(crate) use shrink::MARKER;
use shrink::Shrink;

const CONNECT_AT_MOST: Duration = Duration::from_secs(5);
const RESOLVE_AT_MOST: Duration = Duration::from_secs(5);
/// A handshake on 2G takes seconds.
const HANDSHAKE_AT_MOST: Duration = Duration::from_secs(15);
/// Addresses tried of a broker's name.
const MAX_ADDRESSES: usize = 4;
/// A dead path is noticed by unanswered bytes within twice the keep-alive, between these.
const USER_TIMEOUT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(120));
/// How long a broker that takes nothing more may still say why.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Bytes copied at a time.
const CHUNK: usize = 8 * 1024;

/// Where to.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) keep_alive: Duration,
}

/// By which links, per family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uplinks {
    pub(crate) v4: Option<Uplink>,
    pub(crate) v6: Option<Uplink>,
}

impl Uplinks {
    pub(crate) const fn of(&self, family: Family) -> Option<&Uplink> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }
}

/// A stream to the broker, and how it goes there.
pub(crate) struct Dialled {
    stream: Box<dyn Stream>,
    pub(crate) family: Family,
    pub(crate) uplink: Uplink,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Addresses that the broker's name once had: a resolver may be gone when it is needed most.
#[derive(Default)]
pub(crate) struct Addresses {
    last: Vec<SocketAddr>,
}

impl Addresses {
    async fn of(&mut self, target: &Target) -> Result<Vec<SocketAddr>, String> {
        if let Ok(address) = target.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, target.port)]);
        }
        let name = (target.host.as_str(), target.port);
        let failed = match timeout(RESOLVE_AT_MOST, tokio::net::lookup_host(name)).await {
            Ok(Ok(addresses)) => {
                self.last = addresses.collect();
                return Ok(self.last.clone());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", RESOLVE_AT_MOST.as_secs()),
        };
        if self.last.is_empty() {
            return Err(format!("the name {} has no address: {failed}; check DNS", target.host));
        }
        Ok(self.last.clone())
    }
}

/// Dials the broker over the links given; the error is in words.
pub(crate) async fn dial(
    target: &Target,
    uplinks: &Uplinks,
    known: &mut Addresses,
) -> Result<Dialled, String> {
    let addresses = known.of(target).await?;
    let mut failures = Vec::new();
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        let family = Family::of(&address.ip());
        let Some(uplink) = uplinks.of(family) else {
            failures.push(format!("{address}: no {family} link"));
            continue;
        };
        match dial_one(target, address, uplink).await {
            Ok(stream) => return Ok(Dialled { stream, family, uplink: uplink.clone() }),
            Err(why) => failures.push(format!("{address} by {}: {why}", uplink.name)),
        }
    }
    Err(failures.join("; "))
}

async fn dial_one(target: &Target, address: SocketAddr, uplink: &Uplink) -> Result<Box<dyn Stream>, String> {
    let tcp = timeout(CONNECT_AT_MOST, connect(address, uplink, target.keep_alive))
        .await
        .map_err(|_| format!("no answer in {} s", CONNECT_AT_MOST.as_secs()))?
        .map_err(|e| e.to_string())?;
    let Some(ClientTls { config, server_name }) = &target.tls else { return Ok(Box::new(tcp)) };
    let connector = TlsConnector::from(config.clone());
    let stream = timeout(HANDSHAKE_AT_MOST, connector.connect(server_name.clone(), tcp))
        .await
        .map_err(|_| format!("no TLS in {} s", HANDSHAKE_AT_MOST.as_secs()))?
        .map_err(|e| tls::words(&e))?;
    Ok(Box::new(stream))
}

async fn connect(address: SocketAddr, uplink: &Uplink, keep_alive: Duration) -> io::Result<TcpStream> {
    let socket = bound::socket(Type::STREAM, address, uplink.link, uplink.source)?;
    socket.set_tcp_nodelay(true)?;
    let patience = (keep_alive * 2).clamp(USER_TIMEOUT.0, USER_TIMEOUT.1);
    socket.set_tcp_user_timeout(Some(patience))?;
    TcpSocket::from_std_stream(socket.into()).connect(address).await
}

/// The local socket of one connection; its file goes with it.
pub(crate) struct Gate {
    listener: UnixListener,
    path: PathBuf,
}

impl Gate {
    pub(crate) fn open(run_dir: &Path) -> Result<Self, String> {
        let path = run_dir.join(format!("mqtt-{}.sock", std::process::id()));
        let told = |e: io::Error| format!("cannot make {}: {e}; check the run directory", path.display());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path).map_err(told)?;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).map_err(told)?;
        Ok(Self { listener, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for rumqttc. Whoever else comes is turned away.
    async fn enter(self) -> io::Result<UnixStream> {
        let own = i32::try_from(std::process::id()).ok();
        loop {
            let (stream, _) = self.listener.accept().await?;
            if stream.peer_cred()?.pid() == own {
                return Ok(stream);
            }
            tracing::warn!("somebody else knocked at the MQTT bridge and was turned away");
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may be gone already; a stale one is replaced at the next connection.
        std::fs::remove_file(&self.path).ok();
    }
}

/// Carries bytes both ways until one side ends; says why, or `None` if it was our side.
pub(crate) async fn carry(gate: Gate, dialled: Dialled) -> Option<String> {
    let local = match gate.enter().await {
        Ok(local) => local,
        Err(error) => return Some(format!("the MQTT bridge has no client: {error}")),
    };
    let (from_client, to_client) = local.into_split();
    let (from_broker, to_broker) = tokio::io::split(dialled.stream);
    let mut down = std::pin::pin!(downwards(from_broker, to_client));
    let unsent = tokio::select! {
        ended = upwards(from_client, to_broker) => ended.err()?,
        ended = &mut down => return Some(why_ended(ended)),
    };
    // Why the broker takes no more may lie in what it said before: an alert, for instance.
    match timeout(LAST_WORDS, down).await {
        Ok(ended) => Some(why_ended(ended)),
        Err(_) => Some(unsent.to_string()),
    }
}

fn why_ended(ended: io::Result<()>) -> String {
    ended.err().map_or_else(|| "the broker closed the connection".to_owned(), |error| tls::words(&error))
}

/// At its end the broker is told: DISCONNECT must arrive, or it publishes the will.
async fn upwards(mut client: impl AsyncRead + Unpin, mut broker: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = client.read(&mut chunk).await.unwrap_or(0);
        if count == 0 {
            return broker.shutdown().await;
        }
        broker.write_all(&chunk[..count]).await?;
        broker.flush().await?;
    }
}

async fn downwards(
    mut broker: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (mut shrink, mut chunk, mut out) = (Shrink::default(), vec![0; CHUNK], Vec::with_capacity(CHUNK));
    loop {
        let count = broker.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        out.clear();
        shrink.feed(&chunk[..count], &mut out);
        // Our own client has gone: what it did not read matters to nobody.
        if client.write_all(&out).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
