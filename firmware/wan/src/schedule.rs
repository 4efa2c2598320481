//! When a link is probed next: by its verdict, by what it is to the family, and by what it costs.
//!
//! All targets of a round leave at once. The time of the next round is computed from the last one
//! whenever it is asked for, so a verdict that changes moves the next round with it.

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::Timing;
use crate::jitter::Permille;
use crate::link_health::{PROVING_ROUNDS, State};

/// No configuration makes the box probe faster: the window must outlast the longest timeout.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// Stretching for our own lateness ends here.
const MAX_STRETCHED: Duration = Duration::from_secs(1);

/// Intervals are doubled at most so many times for our own lateness.
const MAX_STRETCH: u8 = 5;

/// What a link is to its family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Role {
    /// It carries the traffic, or is about to.
    pub(crate) active: bool,
    /// No other link could take over.
    pub(crate) alone: bool,
    /// No link of the family works: whoever answers is needed.
    pub(crate) needed: bool,
    /// The link that carries the traffic is suspected: a standby is to be fresh when it is wanted.
    pub(crate) doubt: bool,
}

/// Between two rounds; `None` while the link cannot be probed.
pub(crate) fn interval(state: State, metered: bool, role: Role, timing: &Timing) -> Option<Duration> {
    // A dead metered link is asked once a second: its unanswered probes may be billed for weeks.
    let costly = if metered { timing.probe_standby } else { timing.probe_active };
    let waiting =
        if metered && !role.doubt && !role.needed { timing.probe_metered } else { timing.probe_standby };
    let interval = match state {
        State::Unheard | State::NoCarrier | State::NoAddress => return None,
        State::Probing { .. } | State::Suspect { .. } => timing.probe_burst,
        // Haste buys nothing where nobody could take over.
        State::Up { .. } if role.active && role.alone => costly,
        State::Up { .. } if role.active => timing.probe_active,
        State::Up { .. } => waiting,
        State::Down if role.needed => costly.min(timing.probe_standby),
        State::Down => waiting,
        State::HoldDown { .. } if role.needed => timing.probe_burst,
        State::HoldDown { .. } if role.active => timing.probe_active.min(proving(timing)),
        State::HoldDown { .. } => proving(timing),
    };
    Some(interval.max(MIN_INTERVAL))
}

/// The hold time must hold enough rounds to mean anything.
fn proving(timing: &Timing) -> Duration {
    (timing.hold_down / u32::from(PROVING_ROUNDS)).min(timing.probe_standby).max(timing.probe_burst)
}

/// When the rounds of one link leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    last_sent: Option<Tick>,
    factor: Permille,
    stretch: u8,
}

impl Schedule {
    pub(crate) const fn new() -> Self {
        Self { last_sent: None, factor: Permille::ONE, stretch: 0 }
    }

    /// When the next round leaves.
    pub(crate) fn due(&self, interval: Duration) -> Tick {
        self.last_sent.map_or(Tick::ZERO, |sent| sent + self.factor.of(self.stretched(interval)))
    }

    /// A round left; the next one is varied by `factor`.
    pub(crate) const fn sent(&mut self, now: Tick, factor: Permille) {
        self.last_sent = Some(now);
        self.factor = factor;
    }

    /// The interval with what our own lateness asks for: a box that notices its deadlines 30 ms late
    /// can judge rounds that are 100 ms apart, though not those of a burst.
    pub(crate) fn stretched(&self, interval: Duration) -> Duration {
        (interval * (1 << self.stretch)).min(MAX_STRETCHED).max(interval)
    }

    /// A round had to be discarded because we were late.
    pub(crate) fn late(&mut self) {
        self.stretch = (self.stretch + 1).min(MAX_STRETCH);
    }

    /// A round was decided in time.
    pub(crate) const fn in_time(&mut self) {
        self.stretch = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Role = Role { active: false, alone: false, needed: false, doubt: false };
    const ACTIVE: Role = Role { active: true, ..NOBODY };
    const ALONE: Role = Role { active: true, alone: true, ..NOBODY };
    const NEEDED: Role = Role { needed: true, ..NOBODY };
    const DOUBT: Role = Role { doubt: true, ..NOBODY };
    const UP: State = State::Up { since: Tick::ZERO };
    const SUSPECT: State = State::Suspect { up_since: Tick::ZERO };
    const HOLD_DOWN: State = State::HoldDown { since: Tick::ZERO };

    #[test]
    fn a_link_is_probed_as_its_verdict_its_role_and_its_price_ask_for() {
        // (state, role, unmetered, metered), milliseconds
        let table = [
            (UP, ACTIVE, 200, 200),
            (UP, ALONE, 200, 1_000),
            (UP, NOBODY, 1_000, 30_000),
            (UP, DOUBT, 1_000, 1_000),
            (UP, NEEDED, 1_000, 1_000),
            (SUSPECT, NOBODY, 50, 50),
            (State::Probing { trusted: false }, NOBODY, 50, 50),
            (State::Down, NOBODY, 1_000, 30_000),
            (State::Down, NEEDED, 200, 1_000),
            (HOLD_DOWN, NOBODY, 600, 600),
            (HOLD_DOWN, NEEDED, 50, 50),
            (HOLD_DOWN, ACTIVE, 200, 200),
        ];
        for (state, role, unmetered, metered) in table {
            for (is_metered, expected) in [(false, unmetered), (true, metered)] {
                let interval = interval(state, is_metered, role, &Timing::default());
                assert_eq!(
                    interval,
                    Some(Duration::from_millis(expected)),
                    "{state:?} {role:?} {is_metered}"
                );
            }
        }
    }

    #[test]
    fn a_link_that_cannot_be_probed_is_not() {
        for state in [State::Unheard, State::NoCarrier, State::NoAddress] {
            assert_eq!(interval(state, false, NEEDED, &Timing::default()), None);
        }
    }

    #[test]
    fn no_configuration_probes_without_end() {
        let zero = Timing { probe_burst: Duration::ZERO, ..Timing::default() };

        assert_eq!(interval(SUSPECT, false, NOBODY, &zero), Some(MIN_INTERVAL));
    }

    #[test]
    fn the_next_round_follows_the_interval_that_holds_when_it_is_asked_for() {
        let mut schedule = Schedule::new();
        assert_eq!(schedule.due(Duration::from_secs(1)), Tick::ZERO, "the first one at once");

        schedule.sent(Tick(5_000), Permille::ONE);

        assert_eq!(schedule.due(Duration::from_secs(1)), Tick(6_000));
        assert_eq!(schedule.due(Duration::from_millis(50)), Tick(5_050));
    }

    #[test]
    fn our_own_lateness_stretches_a_burst_until_a_round_is_decided_in_time() {
        let mut schedule = Schedule::new();
        let burst = Duration::from_millis(50);
        let mut intervals = Vec::new();
        for _ in 0..6 {
            schedule.late();
            intervals.push(schedule.stretched(burst).as_millis());
        }

        assert_eq!(intervals, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(schedule.stretched(Duration::from_secs(30)), Duration::from_secs(30));
        schedule.in_time();
        assert_eq!(schedule.stretched(burst), burst);
    }
}
