//! The witness of the kernel: hears every change of routes and links, and looks for itself between.
//!
//! Notifications show each intermediate state, dumps what the kernel changes in silence.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::ledger::{Ledger, Scope};
use super::links::{Links, addresses};
use super::netlink::{CHANGES, DEL_ROUTE, GET_ROUTE, Heard, Message, NEW_ROUTE, REPLACED, Socket};
use super::routes::Default as Route;
use super::table::{Reign, Switch, Table};
use super::{Config, Family, namespace, routes, rules};

/// Between two looks at the routes.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Between two looks at rules, links and addresses.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(25);
/// So many looks before the first event: one of them finds nothing changing.
const FIRST_LOOKS: usize = 3;
/// A scenario that switches more often is broken.
pub(super) const MAX_SWITCHES: usize = 10_000;
/// Carriers come and go more often than traffic moves.
const MAX_REIGNS: usize = 10 * MAX_SWITCHES;

/// What was seen.
pub(super) struct Seen {
    pub(super) ledger: Ledger,
    pub(super) switches: Vec<Switch>,
    pub(super) reigns: Reigns,
    pub(super) looks: u64,
    pub(super) ended: Duration,
}

/// Who carried a family from when on, and who owned which address.
#[derive(Clone, Debug, Default)]
pub(super) struct Reigns {
    /// In order of time.
    pub(super) of: Vec<(Duration, Family, Reign)>,
    /// Every address that an interface ever had.
    pub(super) owned: BTreeSet<(u32, IpAddr)>,
    /// The numbers that the WAN interfaces ever had.
    pub(super) wans: BTreeSet<u32>,
}

/// Starts the witness in the box's namespace.
pub(super) fn spawn(
    config: Config,
    started: Instant,
    stop: Arc<AtomicBool>,
    news: SyncSender<Switch>,
) -> Result<JoinHandle<Result<Seen>>> {
    let namespace = config.namespace.clone();
    let prepare = move || {
        let mut witness = Witness::open(config, started, news)?;
        witness.look_around()?;
        for _ in 0..FIRST_LOOKS {
            witness.look()?;
        }
        Ok(witness)
    };
    namespace::spawn("observer-kernel", Some(&namespace), prepare, move |mut witness| {
        while !stop.load(Ordering::Relaxed) {
            witness.turn()?;
        }
        Ok(witness.end())
    })
}

struct Witness {
    config: Config,
    started: Instant,
    news: SyncSender<Switch>,
    ear: Socket,
    eye: Socket,
    links: Links,
    tables: [Table; 2],
    /// The interface last seen carrying each family.
    active: [Option<u32>; 2],
    looked_around: Option<Instant>,
    seen: Seen,
}

impl Witness {
    fn open(config: Config, started: Instant, news: SyncSender<Switch>) -> Result<Self> {
        let seen = Seen {
            ledger: Ledger::default(),
            switches: Vec::new(),
            reigns: Reigns::default(),
            looks: 0,
            ended: Duration::ZERO,
        };
        Ok(Self {
            config,
            started,
            news,
            ear: Socket::open(CHANGES)?,
            eye: Socket::open(0)?,
            links: Links::default(),
            tables: Default::default(),
            active: [None; 2],
            looked_around: None,
            seen,
        })
    }

    fn turn(&mut self) -> Result<()> {
        let heard = self.ear.hear(LOOK_EVERY).context("while listening")?;
        self.take(&heard)?;
        if self.looked_around.is_none_or(|at| at.elapsed() >= LOOK_AROUND_EVERY) {
            self.look_around().context("while looking around")?;
        }
        self.look().context("while looking at the routes")
    }

    fn end(mut self) -> Seen {
        self.seen.ended = self.started.elapsed();
        self.seen
    }

    fn take(&mut self, heard: &Heard) -> Result<()> {
        match heard {
            Heard::Messages(messages) => messages.iter().try_for_each(|message| self.take_one(message)),
            Heard::Overrun => {
                self.looked_around = None;
                self.tables.iter_mut().for_each(Table::doubt);
                Ok(())
            }
        }
    }

    fn take_one(&mut self, message: &Message) -> Result<()> {
        if !matches!(message.kind, NEW_ROUTE | DEL_ROUTE) {
            // A link or an address changed: the kernel may have taken routes away in silence.
            self.looked_around = None;
            self.tables.iter_mut().for_each(Table::doubt);
            return Ok(());
        }
        let Some((family, route)) = routes::parse(message)? else { return Ok(()) };
        let table = &mut self.tables[family as usize];
        if message.kind == NEW_ROUTE {
            table.add(route, message.flags & REPLACED != 0);
        } else {
            table.remove(&route);
        }
        self.judge(family);
        Ok(())
    }

    /// Looks at the routes. What was seen while something changed is older or newer than what is
    /// heard of it: then it is the notifications that count, and the look is for nothing.
    fn look(&mut self) -> Result<()> {
        let found = [self.dump(Family::V4)?, self.dump(Family::V6)?];
        let meanwhile = self.ear.hear(Duration::ZERO)?;
        if !meanwhile.is_nothing() {
            return self.take(&meanwhile);
        }
        for (family, routes) in Family::BOTH.into_iter().zip(found) {
            self.tables[family as usize].set(routes);
            self.judge(family);
        }
        self.seen.looks += 1;
        Ok(())
    }

    fn dump(&mut self, family: Family) -> Result<Vec<Route>> {
        let mut found = Vec::new();
        for message in self.eye.dump(GET_ROUTE, &routes::request(family))? {
            found.extend(routes::parse(&message)?.filter(|(f, _)| *f == family).map(|(_, route)| route));
        }
        Ok(found)
    }

    fn look_around(&mut self) -> Result<()> {
        self.links = Links::dump(&mut self.eye)?;
        let wans = &self.config.wans;
        let found = self.links.by_index.iter().filter(|(_, link)| wans.contains(&link.name));
        self.seen.reigns.wans.extend(found.map(|(index, _)| *index));
        self.seen.reigns.owned.append(&mut addresses(&mut self.eye)?);
        for family in Family::BOTH {
            if !self.serves(family) {
                continue;
            }
            let rules = rules::dump(&mut self.eye, family)?;
            let wrong = rules::judge(family, &rules, self.config.wans.len());
            self.seen.ledger.observe(Scope::Rules(family), self.started.elapsed(), wrong);
        }
        self.looked_around = Some(Instant::now());
        Ok(())
    }

    /// Rules are judged once the daemon has put its first route.
    fn serves(&self, family: Family) -> bool {
        self.seen.switches.iter().any(|switch| switch.family == family)
    }

    fn judge(&mut self, family: Family) {
        let table = &self.tables[family as usize];
        let at = self.started.elapsed();
        let (reign, wrong) = (table.reign(&self.links), table.judge(family, &self.links));
        self.seen.ledger.observe(Scope::Table(family), at, wrong);
        let reigns = &mut self.seen.reigns.of;
        let before = reigns.iter().rev().find(|(_, f, _)| *f == family).map(|(_, _, reign)| *reign);
        if before != Some(reign) && reigns.len() < MAX_REIGNS {
            reigns.push((at, family, reign));
        }
        if let Some(to) = reign.active {
            self.note_switch(family, to, at);
        }
    }

    fn note_switch(&mut self, family: Family, to: u32, at: Duration) {
        let last = self.active[family as usize].replace(to);
        if last == Some(to) || self.seen.switches.len() >= MAX_SWITCHES {
            return;
        }
        let from = last.map(|from| self.links.name(from));
        let switch = Switch { family, at, from, to: self.links.name(to) };
        self.seen.switches.push(switch.clone());
        // As many fit as there can be switches; nobody listens any more when all is over.
        drop(self.news.try_send(switch));
    }
}
