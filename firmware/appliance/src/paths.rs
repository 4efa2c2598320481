//! Links as paths to stations: which may be used, which work, and what is wrong when none does.

use core::time::Duration;
use std::collections::BTreeMap;

use hal::{Family, LinkId, Now, Tick};
use noc_messages::Severity;
use serde::{Deserialize, Serialize};
use station::{Event, PathId, StationId};
use wan::Reach;

use crate::voice::Fault;
use crate::{Appliance, Command, StationCommand};

/// Three signs of life without an answer take so long; a path that was not heard of until then fails.
const PROVEN_WITHIN: Duration = Duration::from_secs(20);
/// A forger must not push honest entries out of the evidence.
const DOUBTS_APART: Duration = Duration::from_secs(10);

/// Every link that leads to stations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Paths {
    links: BTreeMap<LinkId, LinkUse>,
    /// Until then a path that nothing was heard of counts as one that works.
    benefit_until: Option<Tick>,
    /// What was last told of all paths together.
    works: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LinkUse {
    usable: bool,
    works: BTreeMap<StationId, bool>,
    /// When a link that is usable, but whose path did not work, must have proven itself.
    prove_by: Option<Tick>,
    next_doubt: Tick,
}

impl Paths {
    pub(crate) fn new(links: impl Iterator<Item = LinkId>, now: Tick) -> Self {
        let fresh = LinkUse { usable: false, works: BTreeMap::new(), prove_by: None, next_doubt: now };
        let links: BTreeMap<_, _> = links.map(|link| (link, fresh.clone())).collect();
        let benefit_until = (!links.is_empty()).then(|| now + PROVEN_WITHIN);
        Self { links, benefit_until, works: true }
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.links.values().filter_map(|link| link.prove_by).chain(self.benefit_until).min()
    }

    /// A signal can be delivered, as far as is known.
    pub(crate) fn any_works(&self) -> bool {
        self.links.keys().any(|link| self.link_works(*link))
    }

    fn link_works(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| {
            let unheard = link.works.is_empty() && (link.usable || self.benefit_until.is_some());
            unheard || link.works.values().any(|works| *works)
        })
    }

    pub(crate) fn works(&self, path: PathId) -> Option<bool> {
        self.links.get(&path.link)?.works.get(&path.station).copied()
    }

    pub(crate) fn may_keep_doubt(&mut self, path: PathId, now: Tick) -> bool {
        let due = self.links.get_mut(&path.link).filter(|link| link.next_doubt <= now);
        due.map(|link| link.next_doubt = now + DOUBTS_APART).is_some()
    }
}

impl Appliance {
    /// Links that may carry signals: those not judged down. When all of those are known to lead
    /// nowhere, every link that has an address: a wrong verdict must not hold an alarm back.
    pub(crate) fn refresh_paths(&mut self, now: Now) {
        let ways = self.ways();
        let paths = &self.alarm.paths;
        let trusted = |way: &Reach| !way.down && paths.link_works(way.link);
        let all = !ways.iter().any(trusted);
        let usable = |link: LinkId| ways.iter().any(|way| way.link == link && (all || !way.down));
        let changes: Vec<(LinkId, bool)> = (paths.links.iter())
            .filter(|(id, link)| link.usable != usable(**id))
            .map(|(id, link)| (*id, !link.usable))
            .collect();
        for (link, usable) in changes {
            self.link_changed(link, usable, now);
        }
        self.prove_paths(now);
        self.tell_lines_of_paths(now);
    }

    /// A link counts from the moment its table stands; from then on as long as it has an address.
    fn ways(&self) -> Vec<Reach> {
        let Some(stations) = &self.setup.stations else { return Vec::new() };
        let families = Family::BOTH.into_iter().filter(|family| stations.families.contains(family));
        let used = |link: LinkId| self.alarm.paths.links.get(&link).is_some_and(|l| l.usable);
        families.flat_map(|family| self.wan.reaches(family)).filter(|w| w.routed || used(w.link)).collect()
    }

    fn link_changed(&mut self, link: LinkId, usable: bool, now: Now) {
        let Some(state) = self.alarm.paths.links.get_mut(&link) else { return };
        state.usable = usable;
        let failed_before = state.works.values().any(|works| !works);
        state.prove_by = (usable && failed_before).then(|| now.tick + PROVEN_WITHIN);
        if !usable {
            let stations = self.setup.stations.as_ref().map_or(0, |s| s.config.stations.len());
            let stations = (0..u8::try_from(stations).unwrap_or(u8::MAX)).map(StationId);
            let close = stations.map(|station| StationCommand::Close { path: PathId { station, link } });
            self.commands.extend(close.map(Command::Station));
        }
        self.tell_stations(Event::Link { link, usable }, now);
    }

    /// A path whose link is down is not told by itself: the link's own condition is the cause.
    pub(crate) fn path_changed(&mut self, path: PathId, works: bool, now: Now) {
        let Some(link) = self.alarm.paths.links.get_mut(&path.link) else { return };
        link.works.insert(path.station, works);
        let (station, name) = self.names_of(path);
        let resource = format!("station/{station}/{name}");
        if works {
            self.clear(&resource, "station-path-down", now);
        } else if self.alarm.paths.links.get(&path.link).is_some_and(|link| link.usable) {
            let why = "the station does not answer over this link";
            self.raise(&resource, "station-path-down", Severity::Minor, why, now);
        }
    }

    fn prove_paths(&mut self, now: Now) {
        if self.alarm.paths.benefit_until.is_some_and(|until| until <= now.tick) {
            self.alarm.paths.benefit_until = None;
        }
        let mut failed = Vec::new();
        for (id, link) in &mut self.alarm.paths.links {
            if link.prove_by.is_some_and(|by| by <= now.tick) {
                link.prove_by = None;
                let silent = link.works.iter().filter(|(_, works)| !**works);
                failed.extend(silent.map(|(station, _)| PathId { station: *station, link: *id }));
            }
        }
        for path in failed {
            self.path_changed(path, false, now);
        }
    }

    fn tell_lines_of_paths(&mut self, now: Now) {
        if self.alarm.stations.is_none() {
            return;
        }
        let links: Vec<LinkId> = self.alarm.paths.links.keys().copied().collect();
        for link in links {
            let fails = !self.alarm.paths.link_works(link);
            self.alarm.voice.set(Fault::Path(link), fails, now);
        }
        let works = self.alarm.paths.any_works();
        self.alarm.voice.set(Fault::Stations, !works, now);
        if works == self.alarm.paths.works {
            return;
        }
        self.alarm.paths.works = works;
        if works {
            self.clear("station", "no-station", now);
        } else {
            let why = "no station answers over any link: alarms cannot be delivered";
            self.raise("station", "no-station", Severity::Critical, why, now);
        }
        for line in self.alarm.lines.values_mut() {
            line.handle(line::Event::Path { works }, now);
        }
    }
}
