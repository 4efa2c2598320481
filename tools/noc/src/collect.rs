//! `holdfast-noc collect`: opens the store, joins writer, bridge and session, waits for the end.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::bridge::{Bridge, Route};
use crate::print::Printer;
use crate::session;
use crate::store::Store;
use crate::telling::{Started, Telling};
use crate::tls::{self, TlsFiles};
use crate::writer;

/// What the collector has to be told.
#[derive(clap::Args, Debug)]
pub struct CollectArgs {
    /// The broker
    #[arg(long, value_name = "HOST:PORT")]
    broker: String,
    /// Who signed the broker's certificate (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "insecure_plain")]
    ca: Option<PathBuf>,
    /// The collector's certificate, with its chain (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "insecure_plain")]
    cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "insecure_plain")]
    key: Option<PathBuf>,
    /// The name in the broker's certificate, if it is not the host of --broker
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Where records are kept; made if missing
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The name of the session at the broker; a second collector needs another name and another store
    #[arg(long, value_name = "ID", default_value = "holdfast-noc")]
    client_id: String,
    /// One JSON object for everything that happens, instead of sentences
    #[arg(long)]
    json: bool,
    /// Speak to the broker in clear, unauthenticated: for a desk only
    #[arg(long, conflicts_with_all = ["ca", "cert", "key", "server_name"])]
    insecure_plain: bool,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or the disk takes nothing at the end.
pub fn run(args: &CollectArgs) -> Result<()> {
    let route = route(args)?;
    let mut printer = Printer::new(args.json);
    let (store, found) = Store::open(&args.store)?;
    printer.tell_all(&found);
    printer.tell(&Telling::Started(Started {
        store: args.store.display().to_string(),
        sites: store.sites().count(),
        records: store.sites().map(crate::site::Site::held).sum(),
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(args, route, store, &mut printer))
}

async fn serve(args: &CollectArgs, route: Route, store: Store, printer: &mut Printer) -> Result<()> {
    let known = store.sites().map(|site| (site.id().clone(), site.watermark())).collect();
    let bridge = Bridge::open(&args.store, route).with_context(|| {
        format!("store {}: cannot make the socket run/broker in it", args.store.display())
    })?;
    let writer = writer::spawn(store).context("cannot start the thread of the store")?;
    let stop = stop_signal()?;
    let totals = session::serve(&bridge, &args.client_id, writer, known, printer, stop).await;
    printer.tell(&Telling::Stopped { records: totals.records, duplicates: totals.duplicates });
    if totals.store_failing {
        bail!(
            "store {}: the last deliveries could not be committed; the boxes keep them",
            args.store.display()
        );
    }
    Ok(())
}

fn route(args: &CollectArgs) -> Result<Route> {
    let broker = args.broker.clone();
    let Some((host, port)) = broker.rsplit_once(':') else {
        bail!("--broker {broker}: expected HOST:PORT, for example noc.example.net:8883");
    };
    if port.parse::<u16>().is_err() {
        bail!("--broker {broker}: {port:?} is no port; expected HOST:PORT, for example noc.example.net:8883");
    }
    let name = args.server_name.as_deref().unwrap_or_else(|| host.trim_matches(['[', ']']));
    let tls = match (&args.ca, &args.cert, &args.key) {
        (Some(ca), Some(cert), Some(key)) => {
            let files = TlsFiles { ca: ca.clone(), cert: cert.clone(), key: key.clone() };
            Some(tls::client(&files, name)?)
        }
        _ if args.insecure_plain => None,
        _ => bail!("--ca, --cert and --key are needed; --insecure-plain goes without, on a desk"),
    };
    Ok(Route { broker, tls })
}

/// Told once, at the first signal.
fn stop_signal() -> Result<oneshot::Receiver<()>> {
    let mut term = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (tell, stop) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        // The session may have ended by itself.
        tell.send(()).ok();
    });
    Ok(stop)
}
