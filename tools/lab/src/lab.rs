//! A lab that stands: its namespaces, its files, and what can be done to its links.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lines::tail;
use crate::namespace::Namespace;
use crate::nft::{self, Blackhole, Faults, Sent};
use crate::options::{LabOptions, LinkOptions};
use crate::plan::{self, Link, index};
use crate::prefix::Prefix;
use crate::teardown;
use crate::topology::{self, Isp, Topology};
use crate::wires::Wires;

/// A branch, its ISPs and an internet. Everything goes when it is dropped.
#[derive(Debug)]
pub struct Lab {
    prefix: Prefix,
    options: LabOptions,
    folder: PathBuf,
    topology: Topology,
    faults: Vec<Faults>,
}

impl Lab {
    /// Builds it, after removing what dead owners left behind. Needs root.
    pub fn build(options: &LabOptions) -> Result<Self> {
        crate::require_root()?;
        drop(teardown::sweep());
        let prefix = Prefix::fresh();
        let built = Self::build_as(prefix, options);
        if built.is_err() {
            teardown::remove(prefix);
        }
        built
    }

    fn build_as(prefix: Prefix, options: &LabOptions) -> Result<Self> {
        let links = options.links.len();
        anyhow::ensure!(
            (1..=usize::from(plan::MAX_LINKS)).contains(&links),
            "a lab has 1 to {} links, {links} were asked for",
            plan::MAX_LINKS
        );
        let folder = teardown::claim(prefix)?;
        for part in ["logs", "run", "data", "broker", "noc", "certificates", "boards"] {
            fs::create_dir_all(folder.join(part))
                .with_context(|| format!("make {part} in {}", folder.display()))?;
        }
        let topology = Topology::build(prefix, options)?;
        Ok(Self {
            prefix,
            options: options.clone(),
            folder,
            topology,
            faults: vec![Faults::default(); links],
        })
    }

    /// What all its names begin with.
    #[must_use]
    pub const fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Its files: logs, the daemon's folders, the broker's, certificates.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it was asked to be.
    #[must_use]
    pub const fn options(&self) -> &LabOptions {
        &self.options
    }

    /// Where the output of its children goes.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Its links, in order of preference.
    pub fn links(&self) -> impl Iterator<Item = (Link, &LinkOptions)> {
        self.options.numbered()
    }

    /// What people call a link.
    pub fn name_of(&self, link: Link) -> Result<&str> {
        Ok(&self.options.links.get(link.index()).with_context(|| absent(link))?.name)
    }

    /// The host on the LAN.
    #[must_use]
    pub const fn lan(&self) -> &Namespace {
        &self.topology.lan
    }

    /// The box: where the daemon runs.
    #[must_use]
    pub const fn branch(&self) -> &Namespace {
        &self.topology.branch
    }

    /// The internet: targets, broker, collector, far ends of flows.
    #[must_use]
    pub const fn internet(&self) -> &Namespace {
        &self.topology.internet
    }

    /// An ISP's router.
    pub fn isp(&self, link: Link) -> Result<&Namespace> {
        let isp = self.topology.isps.get(link.index()).with_context(|| absent(link))?;
        Ok(&isp.namespace)
    }

    /// Pulls a link's cable: the box loses carrier.
    pub fn cut(&mut self, link: Link) -> Result<()> {
        let isp = self.router(link)?;
        isp.wires.set_up(isp.access, false)
    }

    /// Plugs it in again.
    pub fn restore(&mut self, link: Link) -> Result<()> {
        let isp = self.router(link)?;
        isp.wires.set_up(isp.access, true)
    }

    /// Pulls and plugs a cable `times` times and leaves it plugged in. Blocks until done.
    pub fn flap(&mut self, link: Link, times: u32, down: Duration, up: Duration) -> Result<()> {
        for _ in 0..times {
            self.cut(link)?;
            std::thread::sleep(down);
            self.restore(link)?;
            std::thread::sleep(up);
        }
        Ok(())
    }

    /// Lets packets vanish upstream while carrier stays up.
    pub fn blackhole(&mut self, link: Link, what: Blackhole) -> Result<()> {
        self.weather(link, |faults| faults.blackhole = Some(what))
    }

    /// Ends [`Self::blackhole`].
    pub fn unblackhole(&mut self, link: Link) -> Result<()> {
        self.weather(link, |faults| faults.blackhole = None)
    }

    /// The ISP answers "administratively prohibited" to everything, or stops doing so.
    pub fn refuse(&mut self, link: Link, refusing: bool) -> Result<()> {
        self.weather(link, |faults| faults.refusing = refusing)
    }

    /// Loses so many of every hundred packets, each way, at random; 0 ends it.
    pub fn loss(&mut self, link: Link, pct: u8) -> Result<()> {
        anyhow::ensure!(pct <= 100, "a loss of {pct} per cent is not possible: 0 to 100");
        self.weather(link, |faults| faults.loss_pct = pct)
    }

    /// Ends every fault of a link: cable in, nothing dropped.
    pub fn heal(&mut self, link: Link) -> Result<()> {
        self.weather(link, |faults| *faults = Faults::default())?;
        self.restore(link)
    }

    /// TCP and UDP packets that the branch has sent over a link, dropped ones included.
    pub fn sent(&self, link: Link) -> Result<Sent> {
        nft::sent(self.isp(link)?)
    }

    /// Does what a DHCP client and a router advertisement do: default routes of a link appear in
    /// the box's `main` table, or go.
    pub fn lease(&self, link: Link, present: bool) -> Result<()> {
        self.branch().run(|| {
            let mut wires = Wires::open()?;
            topology::default_routes(link)
                .iter()
                .try_for_each(|route| if present { wires.route(route) } else { wires.remove_route(route) })
        })
    }

    /// Gives the box's end of a link another IPv4 address of the same network, or the planned one
    /// back: `host` is its last part, 2 as planned. The old address is taken away first.
    pub fn renumber(&self, link: Link, from: u8, to: u8) -> Result<()> {
        let with_host = |host: u8| plan::box_wan_as(link, host);
        self.branch().run(|| {
            let mut wires = Wires::open()?;
            wires.remove_address(index::box_wan(link), with_host(from))?;
            wires.address(index::box_wan(link), &[with_host(to)])
        })
    }

    /// The ends of all logs, for people who want to know what went wrong.
    #[must_use]
    pub fn last_words(&self, lines: usize) -> String {
        let mut logs: Vec<PathBuf> =
            fs::read_dir(self.logs()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        logs.sort();
        logs.iter().map(|log| tail(log, lines)).collect()
    }

    fn router(&mut self, link: Link) -> Result<&mut Isp> {
        self.topology.isps.get_mut(link.index()).with_context(|| absent(link))
    }

    fn weather(&mut self, link: Link, change: impl FnOnce(&mut Faults)) -> Result<()> {
        let faults = self.faults.get_mut(link.index()).with_context(|| absent(link))?;
        let mut wanted = *faults;
        change(&mut wanted);
        nft::apply(&self.topology.isps[link.index()].namespace, &wanted)?;
        *faults = wanted;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("last words of lab {}:\n{}", self.prefix, self.last_words(25));
        }
        teardown::remove(self.prefix);
    }
}

fn absent(link: Link) -> String {
    format!("this lab has no link {link}")
}
