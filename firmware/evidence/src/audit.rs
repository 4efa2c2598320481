//! Reading on after a fault: every line is judged, what can be read is handed out.

use serde_json::Value;

use crate::chain::{At, Chain};
use crate::verify::{Fault, Verifier};

/// What one line was.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Number, stamp and entry, wherever the line can be read.
    pub entry: Option<(u64, At, Value)>,
    /// What is wrong with the line or its place.
    pub fault: Option<Fault>,
}

/// Reads a whole log, faults and all. A line that does not follow is told once, and believed for the
/// sake of those behind it.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    verifier: Verifier,
    first: Option<u64>,
    entries: u64,
    damaged: u64,
    faults: u64,
    /// Damaged lines since the last readable one: numbers that are accounted for.
    skipped: u64,
}

impl Audit {
    /// One line, with or without its line feed.
    pub fn line(&mut self, line: &[u8]) -> Seen {
        let read = core::str::from_utf8(line).map_err(|_| Fault::Damaged);
        let (entry, fault) = match read.and_then(|text| self.verifier.line(text)) {
            Ok((at, entry)) => (Some((at, entry)), None),
            Err(Fault::Damaged) => (None, Some(Fault::Damaged)),
            Err(fault) => (self.believe(line), self.unexplained(fault)),
        };
        self.faults += u64::from(fault.is_some());
        let Some((at, entry)) = entry else {
            self.damaged += 1;
            self.skipped += 1;
            return Seen { entry: None, fault };
        };
        let n = self.verifier.summary().chain.newest;
        self.first.get_or_insert(n);
        self.entries += 1;
        self.skipped = 0;
        Seen { entry: Some((n, at, entry)), fault }
    }

    /// Number of the first entry that could be read; 0 if none could.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first.unwrap_or_default()
    }

    /// The end of what was read. Numbers of damaged lines at the very end are not used again.
    #[must_use]
    pub fn chain(&self) -> Chain {
        let Chain { newest, head } = self.verifier.summary().chain;
        Chain { newest: newest + self.skipped, head }
    }

    /// Entries that could be read.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Lines that could not be read.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Everything that is wrong, damaged lines included.
    #[must_use]
    pub const fn faults(&self) -> u64 {
        self.faults
    }

    fn believe(&mut self, line: &[u8]) -> Option<(At, Value)> {
        self.verifier = Verifier::default();
        core::str::from_utf8(line).ok().and_then(|text| self.verifier.line(text).ok())
    }

    /// A jump over exactly the numbers of the damaged lines before it has been told with them.
    fn unexplained(&self, fault: Fault) -> Option<Fault> {
        match fault {
            Fault::Number { expected, found } if self.skipped > 0 && found == expected + self.skipped => None,
            Fault::Number { .. } | Fault::Broken { .. } | Fault::Damaged => Some(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: u64) -> Vec<Vec<u8>> {
        let mut chain = Chain::default();
        let at = At { boot: 1, tick_ms: 5, wall_ms: None };
        (0..entries).map(|n| chain.append(at, &n).unwrap().into_bytes()).collect()
    }

    fn audit(lines: &[Vec<u8>]) -> (Audit, Vec<Fault>) {
        let mut audit = Audit::default();
        let faults = lines.iter().filter_map(|line| audit.line(line).fault).collect();
        (audit, faults)
    }

    #[test]
    fn each_fault_is_told_once_and_everything_readable_is_read() {
        let damaged = |at: usize| {
            let mut lines = log(6);
            lines[at][20] ^= 1;
            lines
        };
        let without = |at: usize| {
            let mut lines = log(6);
            lines.remove(at);
            lines
        };
        let cases = [
            (log(6), vec![], 6, 0, 6),
            (damaged(2), vec![Fault::Damaged], 5, 1, 6),
            (damaged(0), vec![Fault::Damaged], 5, 1, 6),
            (damaged(5), vec![Fault::Damaged], 5, 1, 6),
            (without(2), vec![Fault::Number { expected: 3, found: 4 }], 5, 0, 6),
            (without(0), vec![], 5, 0, 6),
        ];
        for (lines, faults, entries, unreadable, newest) in cases {
            let (audit, found) = audit(&lines);
            assert_eq!(found, faults);
            assert_eq!((audit.entries(), audit.damaged()), (entries, unreadable), "{faults:?}");
            assert_eq!(audit.chain().newest, newest, "{faults:?}");
        }
    }

    #[test]
    fn a_chain_that_goes_on_after_damage_skips_the_damaged_numbers() {
        let mut lines = log(4);
        lines[3][20] ^= 1;
        let (before, _) = audit(&lines);

        let mut chain = before.chain();
        let at = At { boot: 2, tick_ms: 0, wall_ms: None };
        lines.push(chain.append(at, &"after").unwrap().into_bytes());

        assert_eq!(audit(&lines).1, [Fault::Damaged]);
        assert_eq!(chain.newest, 5);
    }

    #[test]
    fn what_a_forger_leaves_is_a_fault_wherever_it_stands() {
        let mut lines = log(5);
        let mut forged = Chain::default();
        for _ in 0..3 {
            lines[2] = forged.append(At { boot: 9, tick_ms: 9, wall_ms: None }, &"forged").unwrap().into();
        }
        assert_eq!(audit(&lines).1, [Fault::Broken { n: 3 }, Fault::Broken { n: 4 }]);
    }
}
