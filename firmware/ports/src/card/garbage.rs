//! Odd input, told at most once a second.

use appliance::CardEvent;
use ata_wire::host::Counters;

/// What of the session's counters has been told.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    told: Counters,
    next_ms: u64,
}

impl Garbage {
    /// What to tell, if it is time.
    pub(super) fn due(&mut self, counters: Counters, now_ms: u64) -> Option<CardEvent> {
        if counters == self.told || now_ms < self.next_ms {
            return None;
        }
        let damaged = counters.damaged.wrapping_sub(self.told.damaged);
        let unknown = counters.unknown.wrapping_sub(self.told.unknown);
        (self.told, self.next_ms) = (counters, now_ms + INTERVAL_MS);
        Some(CardEvent::Garbage { damaged, unknown })
    }
}

const INTERVAL_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_garbage_is_told_once_a_second_and_adds_up() {
        let mut garbage = Garbage::default();
        let mut told = Vec::new();
        for now_ms in 5_000..7_500_u64 {
            let damaged = u32::try_from(now_ms - 4_999).unwrap();
            let due = garbage.due(Counters { damaged, unknown: 0 }, now_ms);
            told.extend(due.map(|event| (now_ms, event)));
        }
        let event = |damaged| CardEvent::Garbage { damaged, unknown: 0 };
        assert_eq!(told, [(5_000, event(1)), (6_000, event(1_000)), (7_000, event(1_000))]);
    }
}
