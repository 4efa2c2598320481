//! The daemon is killed while eight panels report: nothing is lost, nothing is kissed off that the station
//! does not have, and a sequence names one message across every restart.

use std::collections::BTreeMap;
use std::time::Instant;

use e2e::strict_station::events;
use peers::spandsp::Report;

use crate::cast::{Cast, LINES};
use crate::traffic::{KISS_OFF_TAKES, listen, report};

const REPORTS_A_LINE: u16 = 5;
/// Kiss-offs after which the daemon is killed; the other seven lines are somewhere in a call then.
const KILLED_AFTER: [usize; 3] = [4, 12, 20];

#[test]
fn a_daemon_that_is_killed_in_mid_alarm_loses_nothing_and_tells_no_lie() {
    let mut cast = Cast::open(reports, 0.0).unwrap_or_else(|error| panic!("no cast: {error:#}"));
    let heard = listen(&mut cast, |cast, kissed_off| {
        if KILLED_AFTER.contains(&kissed_off) {
            cast.start_daemon_again().unwrap_or_else(|error| panic!("{error:#}"));
        }
    });

    assert_eq!(heard.gave_up, [""; 0], "{}", cast.lab.last_words(20));
    assert_eq!(heard.kissed_off.len(), usize::from(REPORTS_A_LINE) * usize::from(LINES));
    assert_eq!(heard.faults, [""; 0]);
    // The next daemon takes the card over silent: what played for a signal that was delivered is cut off.
    let cut = heard.of_wrong_length;
    assert!(cut.len() <= KILLED_AFTER.len() * usize::from(LINES), "{cut:?}");
    cast.station.judge().unwrap_or_else(|error| panic!("{error:#}"));
    let mut arrived: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for event in events(cast.station.received()).iter().filter(|event| event.account != "AAAA") {
        arrived.entry(event.data.clone()).or_default().push(event.first);
    }
    for (report, at) in &heard.kissed_off {
        let first = arrived.get(report).and_then(|times| times.first());
        let first = first.unwrap_or_else(|| panic!("{report} was kissed off and never arrived"));
        assert!(*first + KISS_OFF_TAKES <= *at, "{report} was kissed off before the station had it");
    }
    // After a kill a duplicate is allowed, a loss is not.
    let most = arrived.values().map(Vec::len).max().unwrap_or_default();
    assert!(most <= 1 + KILLED_AFTER.len(), "one report became {most} events: {arrived:?}");
    assert_eq!(arrived.len(), heard.kissed_off.len(), "nothing arrived that no panel said");
}

fn reports(line: u8) -> Vec<Report> {
    (1..=REPORTS_A_LINE).map(|number| report(line, number)).collect()
}
