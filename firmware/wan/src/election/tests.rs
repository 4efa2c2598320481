use super::*;

const NOW: Tick = Tick(100_000);
const UP: Standing = Standing::Up { since: Tick(90_000) };
const LONG_UP: Standing = Standing::Up { since: Tick(40_000) };
const PROVEN: Standing = Standing::Proving { answered: 2 };
const UNPROVEN: Standing = Standing::Proving { answered: 1 };
const TERMS: Terms =
    Terms { now: NOW, failback_after: Duration::from_secs(60), settling: false, adopted: false };
const SETTLING: Terms = Terms { settling: true, ..TERMS };

use Standing::{Down, NoAddress, NoCarrier, Suspect, Unheard, Unverified};

/// Ranks are 1, 2, 3 in order; the table says current, standings, chosen, why.
#[test]
fn a_running_site_chooses() {
    let table = [
        // A working link is kept.
        (1, [UP, LONG_UP, Down], Some(1), Why::KeepCurrent),
        (1, [Suspect, LONG_UP, Down], Some(1), Why::KeepCurrent),
        (2, [Down, Suspect, LONG_UP], Some(2), Why::KeepCurrent),
        (2, [Unverified, UP, LONG_UP], Some(2), Why::KeepCurrent),
        (2, [UNPROVEN, UP, LONG_UP], Some(2), Why::KeepCurrent),
        (2, [Down, PROVEN, LONG_UP], Some(2), Why::KeepCurrent),
        (2, [Unverified, Unverified, LONG_UP], Some(2), Why::KeepCurrent),
        // A preferred one has to wait.
        (2, [UP, UP, Down], Some(2), Why::WaitForFailback),
        (2, [LONG_UP, UP, Down], Some(1), Why::Failback),
        (3, [UP, LONG_UP, UP], Some(2), Why::Failback),
        (3, [LONG_UP, LONG_UP, UP], Some(1), Why::Failback),
        // A dead one is left for the best that answers.
        (1, [NoCarrier, UP, UP], Some(2), Why::CurrentLostCarrier),
        (1, [NoAddress, Suspect, UP], Some(3), Why::CurrentLostAddress),
        (1, [Down, Suspect, PROVEN], Some(2), Why::CurrentDown),
        (1, [Down, UNPROVEN, PROVEN], Some(3), Why::CurrentDown),
        (1, [UNPROVEN, UP, Down], Some(2), Why::CurrentDown),
        // But not for one that may be dead too.
        (1, [Down, Unverified, Down], Some(1), Why::CurrentDown),
        (1, [Down, UNPROVEN, Down], Some(1), Why::CurrentDown),
        (1, [NoCarrier, Unheard, Down], Some(1), Why::CurrentLostCarrier),
        (1, [Down, Down, NoCarrier], Some(1), Why::AllDown),
        (2, [NoCarrier, NoAddress, Down], Some(2), Why::AllDown),
    ];
    for (current, standings, link, why) in table {
        let choice = elect(Some(id(current)), &ranked(standings), TERMS);
        assert_eq!((choice.link, choice.why), (link.map(id), why), "{current} {standings:?}");
    }
}

#[test]
fn a_site_without_any_route_takes_the_best_there_is() {
    let table = [
        ([Unverified, Unverified, Down], Some(1), Why::First, false),
        ([Unverified, UP, Down], Some(2), Why::First, true),
        ([NoCarrier, NoAddress, Unverified], Some(3), Why::First, false),
        ([Down, UNPROVEN, Unverified], Some(2), Why::First, false),
        ([NoCarrier, Down, Down], Some(2), Why::AllDown, false),
        ([NoCarrier, NoAddress, NoAddress], None, Why::AllDown, false),
    ];
    for (standings, link, why, works) in table {
        let choice = elect(None, &ranked(standings), SETTLING);
        assert_eq!(choice, Choice { link: link.map(id), why, works, revisit: None }, "{standings:?}");
    }
}

#[test]
fn a_site_that_settles_takes_the_preferred_link_at_once_but_awaits_the_verdict_of_its_first() {
    let table = [
        (2, [UP, UP, Down], Some(1), Why::First),
        (2, [Unverified, Unverified, UP], Some(1), Why::First),
        (2, [Unverified, UP, Down], Some(2), Why::KeepCurrent),
        (1, [Unverified, UP, UP], Some(1), Why::First),
        (1, [Down, UP, UP], Some(2), Why::CurrentDown),
        (3, [Unverified, UP, Unverified], Some(2), Why::First),
    ];
    for (current, standings, link, why) in table {
        let choice = elect(Some(id(current)), &ranked(standings), SETTLING);
        assert_eq!((choice.link, choice.why), (link.map(id), why), "{current} {standings:?}");
    }
}

#[test]
fn an_adopted_link_stays_until_it_is_judged() {
    let adopted = Terms { adopted: true, ..TERMS };
    let table = [
        ([Unheard, UP, LONG_UP], Some(1), Why::Adopted),
        ([Unverified, UP, LONG_UP], Some(1), Why::Adopted),
        ([UP, UP, UP], Some(1), Why::KeepCurrent),
        ([Down, UP, UP], Some(2), Why::CurrentDown),
    ];
    for (standings, link, why) in table {
        let choice = elect(Some(id(1)), &ranked(standings), adopted);
        assert_eq!((choice.link, choice.why), (link.map(id), why), "{standings:?}");
    }
}

#[test]
fn equal_ranks_are_kept_as_they_stand_and_ties_go_by_the_site_file() {
    let mut equal = ranked([LONG_UP, UP, UP]);
    for candidate in &mut equal {
        candidate.rank = 1;
    }

    assert_eq!(elect(Some(id(3)), &equal, TERMS).link, Some(id(3)));
    equal[2].standing = Down;
    assert_eq!(elect(Some(id(3)), &equal, TERMS).link, Some(id(1)));
}

#[test]
fn the_choice_says_when_failback_is_due() {
    let soon = Standing::Up { since: Tick(50_000) };

    let choice = elect(Some(id(3)), &ranked([UP, soon, UP]), TERMS);

    assert_eq!((choice.why, choice.revisit), (Why::WaitForFailback, Some(Tick(110_000))));
}

#[test]
fn the_standby_is_never_a_dead_link() {
    let table = [
        (1, [UP, UP, UP], Some(2)),
        (2, [UP, UP, UP], Some(1)),
        (1, [UP, Suspect, UP], Some(2)),
        (1, [UP, Unverified, UP], Some(3)),
        (1, [UP, Unverified, UNPROVEN], Some(3)),
        (1, [UP, Down, Unverified], Some(3)),
        (1, [UP, Down, NoCarrier], None),
        (1, [UP, NoAddress, Unheard], None),
    ];
    for (active, standings, expected) in table {
        assert_eq!(standby(Some(id(active)), &ranked(standings)), expected.map(id), "{active} {standings:?}");
    }
}

/// Of all situations of three links: a working link is left only by failback, a route never leads to
/// a link that is known to be dead while another one answers, and nobody is sent to a stranger.
#[test]
fn no_situation_leads_onto_a_worse_or_unverified_link() {
    let all = [Unheard, NoCarrier, NoAddress, Unverified, Down, UNPROVEN, PROVEN, Suspect, UP, LONG_UP];
    for first in all {
        for second in all {
            for third in all {
                for current in 1..=3 {
                    check_choice(current, [first, second, third]);
                }
            }
        }
    }
}

fn check_choice(current: u8, standings: [Standing; 3]) {
    let candidates = ranked(standings);
    let choice = elect(Some(id(current)), &candidates, TERMS);
    let chosen = choice.link.expect("a current link is never left for nothing");
    let at = |link: LinkId| candidates.iter().find(|c| c.link == link).expect("chosen among the candidates");
    let (from, to) = (at(id(current)), at(chosen));
    if chosen == from.link {
        let rescue = candidates.iter().any(|c| c.link != from.link && c.works());
        let dead = matches!(from.standing, NoCarrier | NoAddress | Down) || from.standing == UNPROVEN;
        assert!(!(dead && rescue), "{current} {standings:?}");
        return;
    }
    assert!(to.works(), "{current} {standings:?}");
    if from.works() {
        assert!(to.rank < from.rank && to.standing == LONG_UP, "{current} {standings:?}");
    }
}

fn ranked(standings: [Standing; 3]) -> Vec<Candidate> {
    let candidate = |(n, standing)| Candidate { link: id(n), rank: n, standing };
    (1..).zip(standings).map(candidate).collect()
}

fn id(n: u8) -> LinkId {
    LinkId::new(n).unwrap()
}
