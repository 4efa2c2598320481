//! Two hundred messages on eight lines over a wire that errs: each reaches the station once, each is
//! kissed off, and every kiss-off was heard while the panel listened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::observer::kiss_off;
use e2e::strict_station::{Event, events};
use peers::spandsp::Report;

use crate::cast::{Cast, LINES};
use crate::telephone::Told;

const REPORTS_A_LINE: u16 = 25;
/// The wire between card and box damages one octet in 100,000.
const ERROR_RATE: f64 = 1e-5;
/// Five calls of five messages take 110 s; a message that was lost on the wire costs a call more.
const WITHIN: Duration = Duration::from_secs(400);
/// A kiss-off lasts 850 ms, so it began at least so long before the panel took it for good.
pub(crate) const KISS_OFF_TAKES: Duration = Duration::from_millis(750);

#[test]
fn two_hundred_messages_on_eight_lines_reach_the_station_once_each() {
    let mut cast = Cast::open(reports, ERROR_RATE).unwrap_or_else(|error| panic!("no cast: {error:#}"));
    let heard = listen(&mut cast, |_, _| ());

    assert_eq!(heard.gave_up, [""; 0], "{}", cast.lab.last_words(20));
    let expected: usize = (0..LINES).map(|line| reports(line).len()).sum();
    assert_eq!(heard.kissed_off.len(), expected, "each report is kissed off once");
    cast.station.judge().unwrap_or_else(|error| panic!("{error:#}"));
    let arrived = by_report(&events(cast.station.received()));
    for (report, at) in &heard.kissed_off {
        let event =
            arrived.get(report).unwrap_or_else(|| panic!("{report} was kissed off and never arrived"));
        assert!(event.first + KISS_OFF_TAKES <= *at, "{report} was kissed off before the station had it");
    }
    assert_eq!(arrived.len(), expected, "nothing arrived that no panel said");
    assert_eq!([heard.faults, heard.of_wrong_length].concat(), [""; 0]);
    assert!(heard.kiss_offs >= expected, "the witness heard {} of {expected} kiss-offs", heard.kiss_offs);
    cast.daemon.expect_running().unwrap_or_else(|error| panic!("{error:#}"));
    let status = cast.branch.ask("status").unwrap_or_else(|error| panic!("{error:#}"));
    let damaged = status["counters"]["card_frames_damaged"].as_u64().unwrap_or_default();
    assert!(damaged > 0, "the wire did not err at all: nothing is proved: {}", status["counters"]);
}

#[derive(Default)]
pub(crate) struct Heard {
    /// What the station would call the report, and when.
    pub(crate) kissed_off: BTreeMap<String, Instant>,
    pub(crate) gave_up: Vec<String>,
    kiss_offs: usize,
    pub(crate) faults: Vec<String>,
    pub(crate) of_wrong_length: Vec<String>,
}

/// Until every panel has finished; `each` is told how many reports were kissed off, whenever one more was.
pub(crate) fn listen(cast: &mut Cast, mut each: impl FnMut(&mut Cast, usize)) -> Heard {
    let deadline = Instant::now() + WITHIN;
    let mut heard = Heard::default();
    let mut finished = 0;
    while finished < LINES {
        let left = deadline.saturating_duration_since(Instant::now());
        let told = cast.told.recv_timeout(left).unwrap_or_else(|error| {
            let done = heard.kissed_off.len();
            panic!("{error}: {finished} lines finished, {done} kissed off\n{}", cast.lab.last_words(40))
        });
        match told {
            Told::KissedOff { report, at } => {
                let twice = heard.kissed_off.insert(data(report), at);
                assert!(twice.is_none(), "{report:04X?} was reported twice");
                each(cast, heard.kissed_off.len());
            }
            Told::GaveUp { line, report } => heard.gave_up.push(format!("line {line}: {report:04X?}")),
            Told::Finished { line, heard: heard_by_panel, said } => {
                let kiss_offs = kiss_off::kiss_offs(&heard_by_panel, &said);
                let with_line = |fault: String| format!("line {line}: {fault}");
                heard.faults.extend(kiss_off::faults(&kiss_offs).into_iter().map(with_line));
                heard
                    .of_wrong_length
                    .extend(kiss_off::of_wrong_length(&kiss_offs).into_iter().map(with_line));
                heard.kiss_offs += kiss_offs.len();
                finished += 1;
            }
        }
    }
    heard
}

/// Signals of panels by what they say; each only once.
fn by_report(events: &[Event]) -> BTreeMap<String, Event> {
    let mut arrived = BTreeMap::new();
    for event in events.iter().filter(|event| event.account != "AAAA") {
        let twice = arrived.insert(event.data.clone(), event.clone());
        assert!(twice.is_none(), "two events for one report: {twice:?} and {event:?}");
    }
    arrived
}

fn reports(line: u8) -> Vec<Report> {
    (1..=REPORTS_A_LINE).map(|number| report(line, number)).collect()
}

/// All different, over all lines; numbers have two digits.
pub(crate) fn report(line: u8, number: u16) -> Report {
    Report {
        account: 0x1111 * (u16::from(line) + 1),
        message_type: 0x18,
        qualifier: if number % 5 == 4 { 3 } else { 1 },
        event: [0x110, 0x130, 0x131, 0x301, 0x401][usize::from(number % 5)],
        partition: 1,
        zone: number / 10 * 16 + number % 10,
    }
}

/// As DC-09 writes it.
fn data(report: Report) -> String {
    let Report { account, qualifier, event, partition, zone, .. } = report;
    format!("#{account:04X}|{qualifier:X}{event:03X} {partition:02X} {zone:03X}")
}
