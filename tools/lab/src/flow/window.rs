//! What a path did to a numbered flow within a window of time. Pure.

use std::time::Duration;

use serde::Serialize;

/// One packet that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Its number.
    pub(super) seq: u32,
    /// When, microseconds since the flow's start.
    pub(super) at_us: u64,
}

/// What a path did to a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PathReport {
    /// Packets sent.
    pub sent: u64,
    /// Of these, how many never arrived.
    pub lost: u64,
    /// The longest run of consecutive packets that never arrived.
    pub lost_in_a_row: u64,
    /// Copies beyond the first.
    pub duplicates: u64,
    /// Packets that arrived after a later one.
    pub reordered: u64,
    /// The longest silence of the path, microseconds: from the sending of a packet that did not
    /// arrive to the arrival of the next one. A stalled sender or receiver is no silence.
    pub silence_us: u64,
    /// The longest time at the receiver without any packet, microseconds, whosever fault it was.
    pub gap_us: u64,
    /// The longest time between two packets at the sender: a gap cannot be told from this below it.
    pub sender_gap_us: u64,
}

impl PathReport {
    /// The longest silence of the path.
    #[must_use]
    pub const fn silence(&self) -> Duration {
        Duration::from_micros(self.silence_us)
    }

    /// The longest time at the receiver without any packet.
    #[must_use]
    pub const fn gap(&self) -> Duration {
        Duration::from_micros(self.gap_us)
    }
}

/// Judges what was sent from `from_us` to `to_us`. `sent` holds the sending time of every packet by
/// its number; `arrivals` are in the order of arrival and may reach beyond the window.
pub(super) fn judge(sent: &[u64], arrivals: &[Arrival], from_us: u64, to_us: u64) -> PathReport {
    let first = sent.partition_point(|at| *at < from_us);
    let last = sent.partition_point(|at| *at <= to_us).max(first);
    let window = &sent[first..last];
    let mut copies = vec![0_u32; window.len()];
    let mut report = PathReport { sent: window.len() as u64, ..PathReport::default() };
    let mut newest = None;
    for arrival in arrivals {
        let Some(copy) = (arrival.seq as usize).checked_sub(first).and_then(|place| copies.get_mut(place))
        else {
            continue;
        };
        *copy += 1;
        if *copy == 1 && newest > Some(arrival.seq) {
            report.reordered += 1;
        }
        newest = newest.max(Some(arrival.seq));
    }
    report.duplicates = copies.iter().map(|n| u64::from(n.saturating_sub(1))).sum();
    report.lost = copies.iter().filter(|n| **n == 0).count() as u64;
    report.lost_in_a_row = copies.split(|n| *n > 0).map(|run| run.len() as u64).max().unwrap_or(0);
    report.sender_gap_us = longest_step(window.iter().copied());
    report.silence_us = longest_silence(sent, arrivals, from_us, to_us);
    report.gap_us = longest_gap(arrivals, from_us, to_us);
    report
}

/// Of every arrival, how long the first packet sent after all that had arrived before was awaited;
/// and at the end, how long the next one is awaited already.
fn longest_silence(sent: &[u64], arrivals: &[Arrival], from_us: u64, to_us: u64) -> u64 {
    let mut awaited = 0;
    let mut longest = 0;
    for arrival in arrivals {
        let since = sent.get(awaited).copied().filter(|since| *since <= to_us && arrival.at_us >= from_us);
        longest = longest.max(since.map_or(0, |since| arrival.at_us.saturating_sub(since)));
        awaited = awaited.max(arrival.seq as usize + 1);
    }
    let waiting = sent.get(awaited).map_or(0, |since| to_us.saturating_sub(*since));
    longest.max(waiting)
}

/// From the last arrival before the window to the first one after it, so that a gap over an edge
/// counts whole; a flow that has stopped arriving is a gap up to the window's end.
fn longest_gap(arrivals: &[Arrival], from_us: u64, to_us: u64) -> u64 {
    let first = arrivals.partition_point(|a| a.at_us < from_us).saturating_sub(1);
    let last = arrivals.partition_point(|a| a.at_us <= to_us);
    let inside = arrivals[first.min(last)..last].iter().map(|a| a.at_us);
    let after = arrivals.get(last).map_or(to_us, |a| a.at_us);
    longest_step(inside.chain([after]))
}

fn longest_step(times: impl Iterator<Item = u64>) -> u64 {
    let mut before = None;
    let mut longest = 0;
    for at in times {
        longest = longest.max(before.map_or(0, |b| at.saturating_sub(b)));
        before = Some(at);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One packet each millisecond, from 0.
    fn sent(count: u64) -> Vec<u64> {
        (0..count).map(|n| n * 1000).collect()
    }

    fn arrived(seqs: impl IntoIterator<Item = (u32, u64)>) -> Vec<Arrival> {
        seqs.into_iter().map(|(seq, at_ms)| Arrival { seq, at_us: at_ms * 1000 + 50 }).collect()
    }

    #[test]
    fn a_clean_flow_has_no_gap_beyond_its_pace() {
        let all = arrived((0..100).map(|n| (n, u64::from(n))));
        let report = judge(&sent(100), &all, 0, 99_000);
        let clean = PathReport {
            sent: 100,
            silence_us: 50,
            gap_us: 1000,
            sender_gap_us: 1000,
            ..PathReport::default()
        };
        assert_eq!(report, clean);
    }

    #[test]
    fn a_hole_is_lost_packets_and_a_gap() {
        let all = arrived((0..100).filter(|n| !(30..50).contains(n)).map(|n| (n, u64::from(n))));
        let report = judge(&sent(100), &all, 0, 99_000);
        assert_eq!((report.lost, report.lost_in_a_row, report.gap_us), (20, 20, 21_000));
        // From the sending of packet 30 to the arrival of packet 50.
        assert_eq!(report.silence_us, 20_050);
    }

    #[test]
    fn a_flow_that_ends_in_silence_is_a_gap_to_the_end_of_the_window() {
        let all = arrived((0..10).map(|n| (n, u64::from(n))));
        let report = judge(&sent(100), &all, 0, 99_000);
        assert_eq!((report.lost, report.gap_us), (90, 99_000 - 9_050));
        assert_eq!(report.silence_us, 99_000 - 10_000);
    }

    #[test]
    fn a_gap_over_the_edge_of_the_window_counts_whole() {
        let all = arrived((0..100).filter(|n| !(30..50).contains(n)).map(|n| (n, u64::from(n))));
        for (from_us, to_us, gap_us, silence_us) in
            [(40_000, 99_000, 21_000, 20_050), (0, 40_000, 21_000, 20_050), (60_000, 99_000, 1000, 50)]
        {
            let report = judge(&sent(100), &all, from_us, to_us);
            assert_eq!((report.gap_us, report.silence_us), (gap_us, silence_us), "{from_us} to {to_us}");
        }
    }

    #[test]
    fn copies_and_late_comers_are_not_losses() {
        let all = arrived([(0, 0), (2, 2), (1, 3), (2, 3), (3, 3)]);
        let report = judge(&sent(4), &all, 0, 3000);
        assert_eq!((report.lost, report.duplicates, report.reordered), (0, 1, 1));
    }

    #[test]
    fn a_sender_that_stalled_is_not_blamed_on_the_path() {
        let stalled = [0, 1000, 41_000, 42_000];
        let all: Vec<Arrival> =
            stalled.iter().zip(0..).map(|(at, seq)| Arrival { seq, at_us: at + 50 }).collect();
        let report = judge(&stalled, &all, 0, 42_000);
        assert_eq!((report.lost, report.gap_us, report.sender_gap_us), (0, 40_000, 40_000));
        assert_eq!(report.silence_us, 50);
    }

    #[test]
    fn packets_held_back_and_delivered_late_are_silence_though_none_is_lost() {
        let all = arrived((0..100).map(|n| (n, u64::from(if (30..60).contains(&n) { 60 } else { n }))));
        let report = judge(&sent(100), &all, 0, 99_000);
        assert_eq!((report.lost, report.silence_us), (0, 30_050));
    }

    #[test]
    fn nothing_sent_is_nothing_lost() {
        assert_eq!(judge(&[], &[], 0, 0), PathReport::default());
    }
}
