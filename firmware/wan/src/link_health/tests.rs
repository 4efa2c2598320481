use core::time::Duration;

use super::*;

const MISSED: Evidence = Evidence { missed_in_row: 1, unreachable: false, answered_in_row: 0 };
const SILENT: Evidence = Evidence { missed_in_row: 3, unreachable: false, answered_in_row: 0 };
const REFUSED: Evidence = Evidence { missed_in_row: 3, unreachable: true, answered_in_row: 0 };
const ANSWERED: Evidence = Evidence { missed_in_row: 0, unreachable: false, answered_in_row: 1 };
const STEADY: Evidence = Evidence { missed_in_row: 0, unreachable: false, answered_in_row: PROVING_ROUNDS };
const NOTHING: Evidence = Evidence { missed_in_row: 0, unreachable: false, answered_in_row: 0 };

const START: Tick = Tick(10_000);
const TRUSTED: State = State::Probing { trusted: true };
const MISTRUSTED: State = State::Probing { trusted: false };
const UP: State = State::Up { since: START };
const SUSPECT: State = State::Suspect { up_since: START };
const HOLD_DOWN: State = State::HoldDown { since: START };

#[test]
fn every_state_answers_every_evidence() {
    let later = Tick(12_000);
    let hold_down_from_later = State::HoldDown { since: later };
    let table = [
        (TRUSTED, NOTHING, TRUSTED),
        (TRUSTED, MISSED, TRUSTED),
        (TRUSTED, SILENT, State::Down),
        (TRUSTED, ANSWERED, State::Up { since: later }),
        (MISTRUSTED, ANSWERED, hold_down_from_later),
        (MISTRUSTED, SILENT, State::Down),
        (UP, NOTHING, UP),
        (UP, ANSWERED, UP),
        (UP, MISSED, SUSPECT),
        (UP, REFUSED, State::Down),
        (SUSPECT, MISSED, SUSPECT),
        (SUSPECT, ANSWERED, UP),
        (SUSPECT, SILENT, State::Down),
        (State::Down, SILENT, State::Down),
        (State::Down, NOTHING, State::Down),
        (State::Down, ANSWERED, hold_down_from_later),
        (HOLD_DOWN, STEADY, HOLD_DOWN),
        (HOLD_DOWN, MISSED, State::Down),
        (HOLD_DOWN, NOTHING, HOLD_DOWN),
        (State::NoCarrier, ANSWERED, State::NoCarrier),
        (State::NoAddress, ANSWERED, State::NoAddress),
        (State::Unheard, ANSWERED, State::Unheard),
    ];
    for (state, evidence, expected) in table {
        let mut health = LinkHealth { state, ..LinkHealth::new() };

        let changed = health.weigh(evidence, &Timing::default(), later);

        assert_eq!(health.state(), expected, "{state:?} {evidence:?}");
        assert_eq!(changed, state != expected);
    }
}

#[test]
fn the_hold_time_needs_both_its_length_and_its_rounds() {
    let hold = Duration::from_secs(3);
    let table = [
        (STEADY, START + hold, State::Up { since: START + hold }),
        (STEADY, START + hold - Duration::from_millis(1), HOLD_DOWN),
        (ANSWERED, START + hold * 2, HOLD_DOWN),
    ];
    for (evidence, now, expected) in table {
        let mut health = LinkHealth { state: HOLD_DOWN, ..LinkHealth::new() };

        health.weigh(evidence, &Timing::default(), now);

        assert_eq!(health.state(), expected, "{evidence:?} at {now}");
    }
}

#[test]
fn a_link_that_was_up_is_trusted_after_its_address_changed_and_mistrusted_after_its_carrier_was_lost() {
    let table = [
        (UP, vec![Footing::Moved], TRUSTED),
        (SUSPECT, vec![Footing::Moved], TRUSTED),
        (State::Down, vec![Footing::Moved], MISTRUSTED),
        (HOLD_DOWN, vec![Footing::Moved], MISTRUSTED),
        (UP, vec![Footing::NoCarrier, Footing::Moved], MISTRUSTED),
        (UP, vec![Footing::NoAddress, Footing::Moved], MISTRUSTED),
    ];
    for (state, footings, expected) in table {
        let mut health = LinkHealth { state, ..LinkHealth::new() };

        for footing in footings {
            health.stand_on(footing, false, START);
        }

        assert_eq!(health.state(), expected, "{state:?}");
    }
}

#[test]
fn only_verdicts_that_stand_are_told_and_each_once() {
    let mut health = LinkHealth { told: Some(Verdict::Up), state: UP, ..LinkHealth::new() };
    let timing = Timing::default();
    let mut told = Vec::new();

    for evidence in [MISSED, ANSWERED, MISSED, SILENT, ANSWERED, MISSED, ANSWERED] {
        health.weigh(evidence, &timing, START);
        told.extend(health.tell(false));
        assert_eq!(health.tell(false), None);
    }

    let why = VerdictWhy::RoundsMissed(3);
    assert_eq!(told, [Told { from: Verdict::Up, to: Verdict::Down, why }]);
}

#[test]
fn what_is_not_there_yet_is_told_when_patience_ends() {
    let mut health = LinkHealth::new();
    health.stand_on(Footing::NoAddress, true, START);

    assert_eq!(health.tell(true), None);
    let told = health.tell(false).unwrap();

    assert_eq!((told.from, told.to), (Verdict::Probing, Verdict::NoAddress));
}

#[test]
fn what_was_up_and_loses_its_carrier_is_told_with_or_without_patience() {
    let mut health = LinkHealth { told: Some(Verdict::Up), state: UP, ..LinkHealth::new() };

    health.stand_on(Footing::NoCarrier, true, START);

    assert_eq!(health.tell(true).map(|t| (t.to, t.why)), Some((Verdict::NoCarrier, VerdictWhy::Carrier)));
}
