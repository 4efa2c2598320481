//! Which link a family's traffic should take, and why: a pure function of what is known.
//!
//! It prefers staying: a working link is left only for a preferred one that has proven itself for
//! the failback time, a dead one only for one that answers. It refuses to remember anything, and it
//! never proposes to leave a link for one that is worse or unverified.

use core::time::Duration;

use hal::{LinkId, Tick};

use crate::Why;

/// A link that just came back is used without its hold time when nothing else works and so many
/// rounds in a row were answered.
const PROOF_IN_NEED: u8 = 2;

/// A link as the election sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) link: LinkId,
    pub(crate) rank: u8,
    pub(crate) standing: Standing,
}

/// The verdict, reduced to what a choice depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The kernel has said nothing of it yet.
    Unheard,
    NoCarrier,
    NoAddress,
    /// It could be used, and nobody knows whether it works.
    Unverified,
    Down,
    /// It was down and has answered so many rounds in a row.
    Proving {
        answered: u8,
    },
    Suspect,
    Up {
        since: Tick,
    },
}

/// The circumstances of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) now: Tick,
    pub(crate) failback_after: Duration,
    /// The site has just started and nothing was adopted: the best link may still be taken at once.
    pub(crate) settling: bool,
    /// Traffic still goes where the kernel sent it when the daemon started.
    pub(crate) adopted: bool,
}

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// `None`: no link could carry anything.
    pub(crate) link: Option<LinkId>,
    pub(crate) why: Why,
    /// The chosen link answers.
    pub(crate) works: bool,
    /// The choice will be another one at this time, if nothing happens until then.
    pub(crate) revisit: Option<Tick>,
}

/// Chooses the link for a family. `candidates` are in the order of the site file.
pub(crate) fn elect(current: Option<LinkId>, candidates: &[Candidate], terms: Terms) -> Choice {
    let Some(current) = candidates.iter().find(|c| Some(c.link) == current) else {
        return first(candidates);
    };
    match current.standing {
        Standing::Unheard => keep(current, unjudged_why(terms)),
        Standing::NoCarrier => leave(current, candidates, Why::CurrentLostCarrier),
        Standing::NoAddress => leave(current, candidates, Why::CurrentLostAddress),
        Standing::Unverified => await_verdict(current, candidates, terms),
        Standing::Down => leave(current, candidates, Why::CurrentDown),
        Standing::Proving { .. } if !current.works() => leave(current, candidates, Why::CurrentDown),
        Standing::Proving { .. } | Standing::Suspect | Standing::Up { .. } => {
            stay_or_fail_back(current, candidates, terms)
        }
    }
}

/// The link to stand behind `active`: the kernel takes it by itself when the active one loses its
/// carrier, so it is never one that is known to be dead.
pub(crate) fn standby(active: Option<LinkId>, candidates: &[Candidate]) -> Option<LinkId> {
    let others = candidates.iter().filter(|c| Some(c.link) != active);
    let usable = others.filter_map(|c| {
        let class = match c.standing {
            Standing::Up { .. } | Standing::Suspect => 0,
            Standing::Proving { .. } => 1,
            Standing::Unverified => 2,
            Standing::Unheard | Standing::NoCarrier | Standing::NoAddress | Standing::Down => return None,
        };
        Some((class, c.rank, c.link))
    });
    usable.min_by_key(|(class, rank, _)| (*class, *rank)).map(|(_, _, link)| link)
}

/// Nothing carries traffic: any route is better than none, a verified one better than any.
fn first(candidates: &[Candidate]) -> Choice {
    if let Some(works) = rescuer(candidates, None) {
        return Choice { link: Some(works.link), why: Why::First, works: true, revisit: None };
    }
    let class_of = |c: &Candidate| match c.standing {
        Standing::Proving { .. } => Some(0),
        Standing::Unverified => Some(1),
        Standing::Down => Some(2),
        Standing::Unheard | Standing::NoCarrier | Standing::NoAddress => None,
        Standing::Suspect | Standing::Up { .. } => Some(0),
    };
    let routable = candidates.iter().filter_map(|c| Some((class_of(c)?, c)));
    let Some((class, best)) = routable.min_by_key(|(class, c)| (*class, c.rank)) else {
        return Choice { link: None, why: Why::AllDown, works: false, revisit: None };
    };
    let why = if class == 2 { Why::AllDown } else { Why::First };
    Choice { link: Some(best.link), why, works: false, revisit: None }
}

/// The current link is dead: the best link that answers, or stay.
fn leave(current: &Candidate, candidates: &[Candidate], why: Why) -> Choice {
    if let Some(rescuer) = rescuer(candidates, Some(current.link)) {
        return Choice { link: Some(rescuer.link), why, works: true, revisit: None };
    }
    let undecided = candidates.iter().any(|c| c.link != current.link && c.may_still_work());
    Choice {
        link: Some(current.link),
        why: if undecided { why } else { Why::AllDown },
        works: false,
        revisit: None,
    }
}

/// Nobody knows whether the current link works; its verdict takes less than a second.
fn await_verdict(current: &Candidate, candidates: &[Candidate], terms: Terms) -> Choice {
    let preferred = candidates.iter().filter(|c| {
        let better = c.rank < current.rank;
        better && matches!(c.standing, Standing::Up { .. } | Standing::Unverified)
    });
    let best = preferred.min_by_key(|c| (!c.works(), c.rank));
    match best {
        Some(best) if terms.settling => {
            Choice { link: Some(best.link), why: Why::First, works: best.works(), revisit: None }
        }
        Some(_) | None => keep(current, unjudged_why(terms)),
    }
}

fn stay_or_fail_back(current: &Candidate, candidates: &[Candidate], terms: Terms) -> Choice {
    let due = |c: &Candidate| match c.standing {
        Standing::Up { .. } if terms.settling => Some(terms.now),
        Standing::Up { since } => Some(since + terms.failback_after),
        Standing::Unheard
        | Standing::NoCarrier
        | Standing::NoAddress
        | Standing::Unverified
        | Standing::Down
        | Standing::Proving { .. }
        | Standing::Suspect => None,
    };
    let preferred = candidates.iter().filter(|c| c.rank < current.rank);
    let preferred: Vec<(Tick, &Candidate)> = preferred.filter_map(|c| Some((due(c)?, c))).collect();
    let ready = preferred.iter().filter(|(due, _)| *due <= terms.now).min_by_key(|(_, c)| c.rank);
    if let Some((_, best)) = ready {
        let why = if terms.settling { Why::First } else { Why::Failback };
        return Choice { link: Some(best.link), why, works: true, revisit: None };
    }
    let revisit = preferred.iter().map(|(due, _)| *due).min();
    let why = if revisit.is_some() { Why::WaitForFailback } else { Why::KeepCurrent };
    Choice { link: Some(current.link), why, works: true, revisit }
}

/// The best link that answers: verdict before rank, rank before the order of the site file.
fn rescuer(candidates: &[Candidate], except: Option<LinkId>) -> Option<&Candidate> {
    let class_of = |c: &Candidate| match c.standing {
        Standing::Up { .. } => Some(0),
        Standing::Suspect => Some(1),
        Standing::Proving { .. } if c.works() => Some(2),
        Standing::Proving { .. }
        | Standing::Unheard
        | Standing::NoCarrier
        | Standing::NoAddress
        | Standing::Unverified
        | Standing::Down => None,
    };
    let answering = candidates.iter().filter(|c| Some(c.link) != except);
    let answering = answering.filter_map(|c| Some((class_of(c)?, c)));
    answering.min_by_key(|(class, c)| (*class, c.rank)).map(|(_, c)| c)
}

const fn keep(current: &Candidate, why: Why) -> Choice {
    Choice { link: Some(current.link), why, works: current.works(), revisit: None }
}

const fn unjudged_why(terms: Terms) -> Why {
    match (terms.adopted, terms.settling) {
        (true, _) => Why::Adopted,
        (false, true) => Why::First,
        (false, false) => Why::KeepCurrent,
    }
}

impl Candidate {
    const fn works(&self) -> bool {
        match self.standing {
            Standing::Up { .. } | Standing::Suspect => true,
            Standing::Proving { answered } => answered >= PROOF_IN_NEED,
            Standing::Unheard
            | Standing::NoCarrier
            | Standing::NoAddress
            | Standing::Unverified
            | Standing::Down => false,
        }
    }

    const fn may_still_work(&self) -> bool {
        match self.standing {
            Standing::Unheard
            | Standing::Unverified
            | Standing::Proving { .. }
            | Standing::Suspect
            | Standing::Up { .. } => true,
            Standing::NoCarrier | Standing::NoAddress | Standing::Down => false,
        }
    }
}

#[cfg(test)]
mod tests;
