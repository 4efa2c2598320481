//! The machine as a table and in words: why traffic goes where it goes, and what each link lacks.
//!
//! It decides nothing and says nothing that is not in the machine.

use core::fmt::Write as _;
use core::time::Duration;

use hal::{Family, LinkId, Now, Tick};

use crate::link_health::State;
use crate::wan::Link;
use crate::{FamilyStatus, LinkStatus, TargetStatus, Verdict, VerdictWhy, Wan, WanCounters, WanStatus, Why};

impl Wan {
    /// The whole machine, for people and tools.
    #[must_use]
    pub fn status(&self, now: Now) -> WanStatus {
        let judged = Family::BOTH.into_iter().filter(|family| self.lanes(*family).next().is_some());
        WanStatus {
            families: judged.map(|family| self.family_status(family)).collect(),
            links: self
                .links
                .iter()
                .flat_map(|l| Family::BOTH.into_iter().filter_map(|f| link_status(l, f, now.tick)))
                .collect(),
            counters: WanCounters { plans_refused: self.failover.refused, ..self.counters },
        }
    }

    /// Why traffic goes where it goes, what each other link lacks and when traffic will go back: one
    /// sentence a line.
    #[must_use]
    pub fn explain(&self, now: Now) -> Vec<String> {
        let mut lines = Vec::new();
        for family in Family::BOTH.into_iter().filter(|f| self.lanes(*f).next().is_some()) {
            lines.push(self.explain_family(family, now.tick));
            lines.extend(self.explain_failback(family, now.tick));
            let links = self.links.iter();
            lines.extend(links.filter_map(|l| explain_link(l, family, now.tick)));
        }
        if self.failover.refused > 0 {
            lines.push(format!("The kernel refused {} route plans since the start.", self.failover.refused));
        }
        if self.counters.late_rounds > 0 {
            lines.push(format!(
                "{} probe rounds were discarded because this box was too busy to judge them.",
                self.counters.late_rounds
            ));
        }
        lines
    }

    fn family_status(&self, family: Family) -> FamilyStatus {
        let seat = self.failover.seat(family);
        FamilyStatus {
            family,
            active: seat.active,
            standby: seat.standby,
            why: self.families.of(family).why.unwrap_or(if seat.adopted { Why::Adopted } else { Why::First }),
            since: seat.since,
            switches: seat.switches,
        }
    }

    fn explain_family(&self, family: Family, now: Tick) -> String {
        let seat = self.failover.seat(family);
        let state = self.families.of(family);
        let Some(active) = seat.active else {
            return format!("{family} goes nowhere: no link has carrier, an address and a gateway.");
        };
        let mut line = format!("{family} goes over {}", self.name(active));
        if let Some(since) = seat.since {
            let _ = write!(line, " for {}", spell(now.since(since)));
        }
        let _ = write!(line, ": {}.", why_words(state.why.unwrap_or(Why::Adopted)));
        if let Some(wanted) = state.chosen.filter(|wanted| *wanted != active) {
            let _ = write!(line, " It is to go over {}; the kernel has not confirmed it.", self.name(wanted));
        }
        match seat.standby {
            Some(standby) => {
                let _ = write!(line, " Behind it stands {}.", self.name(standby));
            }
            None => line.push_str(" Nothing stands behind it."),
        }
        line
    }

    fn explain_failback(&self, family: Family, now: Tick) -> Option<String> {
        let due = self.families.of(family).revisit?;
        let current = self.link(self.failover.seat(family).active?)?.config.rank;
        let better = self.links.iter().filter(|l| l.config.rank < current);
        let up = better.filter(|l| {
            l.lanes.of(family).as_ref().is_some_and(|lane| matches!(lane.health.state(), State::Up { .. }))
        });
        let best = up.min_by_key(|l| l.config.rank)?;
        let wait = spell(due.since(now));
        Some(format!("{family} goes back to {} in {wait}, if that stays up.", best.config.name))
    }

    fn name(&self, id: LinkId) -> String {
        self.link(id).map_or_else(|| id.to_string(), |l| l.config.name.clone())
    }
}

fn link_status(link: &Link, family: Family, now: Tick) -> Option<LinkStatus> {
    let lane = link.lanes.of(family).as_ref()?;
    let target = |(at, target): (usize, &core::net::IpAddr)| TargetStatus {
        target: *target,
        loss_pct: lane.window.target_loss_pct(at, now).unwrap_or(0),
        rtt_us: lane.window.target_rtt_us(at),
    };
    Some(LinkStatus {
        link: link.config.id,
        name: link.config.name.clone(),
        family,
        verdict: lane.health.verdict(),
        why: lane.health.why(),
        since: lane.health.since(),
        source: lane.hop().map(|hop| hop.source),
        gateway: lane.hop().and_then(|hop| hop.gateway),
        srtt_us: lane.window.srtt_us(),
        loss_pct: lane.window.loss_pct(),
        targets: lane.targets().iter().enumerate().map(target).collect(),
    })
}

fn explain_link(link: &Link, family: Family, now: Tick) -> Option<String> {
    let lane = link.lanes.of(family).as_ref()?;
    let health = &lane.health;
    let age = health.since().map_or_else(String::new, |at| format!(" for {}", spell(now.since(at))));
    let why = health.why().map_or_else(String::new, |why| format!("; {}", evidence_words(why)));
    let loss = lane.window.loss_pct().map_or_else(String::new, |pct| format!("; {pct} % of rounds lost"));
    let (verdict, remedy) = verdict_words(health.verdict());
    let rank = link.config.rank;
    Some(format!("{family} on {} (rank {rank}): {verdict}{age}{why}{loss}.{remedy}", link.config.name))
}

const fn why_words(why: Why) -> &'static str {
    match why {
        Why::First => "it was the best choice when the site started",
        Why::Adopted => "the kernel already routed this way when the daemon started",
        Why::KeepCurrent => "it works and no link is preferred to it",
        Why::CurrentLostCarrier => "the link in use has no carrier",
        Why::CurrentLostAddress => "the link in use has no address or gateway",
        Why::CurrentDown => "the link in use does not answer",
        Why::Failback => "a preferred link has been up for the failback time",
        Why::WaitForFailback => "a preferred link is up, but not for long enough",
        Why::AllDown => "no link works, so the last route is kept",
    }
}

/// The verdict, and what somebody at the box can do about it.
const fn verdict_words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::NoCarrier => ("no carrier", " Check the cable and the modem."),
        Verdict::NoAddress => ("no address or gateway", " Check its DHCP or static settings."),
        Verdict::Probing => ("not judged yet", ""),
        Verdict::Up => ("up", ""),
        Verdict::Suspect => ("suspected", ""),
        Verdict::Down => ("down", " Its targets may be dead themselves: see them one by one in the status."),
        Verdict::HoldDown => ("answers again and is proving itself", ""),
    }
}

fn evidence_words(why: VerdictWhy) -> String {
    match why {
        VerdictWhy::Carrier => "the kernel reported its carrier".to_owned(),
        VerdictWhy::Addressing => "its addressing changed".to_owned(),
        VerdictWhy::Answered => "its targets answer".to_owned(),
        VerdictWhy::RoundMissed => "one probe round found no quorum".to_owned(),
        VerdictWhy::RoundsMissed(rounds) => format!("{rounds} probe rounds in a row found no quorum"),
        VerdictWhy::Unreachable => "routers or the kernel say that nothing can arrive".to_owned(),
        VerdictWhy::HoldTimePassed => "every round was answered for the hold time".to_owned(),
    }
}

/// `350 ms`, `12 s`, `3 min 20 s`, `5 h 3 min`.
fn spell(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_spelled_as_people_say_it() {
        let table = [
            (0, "0 ms"),
            (350, "350 ms"),
            (12_900, "12 s"),
            (200_000, "3 min 20 s"),
            (18_200_000, "5 h 3 min"),
        ];
        for (ms, words) in table {
            assert_eq!(spell(Duration::from_millis(ms)), words);
        }
    }
}
