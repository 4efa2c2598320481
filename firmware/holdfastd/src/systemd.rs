//! What systemd is told: ready, alive, stopping. Without systemd all of it is silence.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;

/// A turn that takes longer than this has hung, whatever came out of it: no pat.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// Pats systemd's watchdog, as long as turns of the loop end in time.
pub(crate) struct Watchdog {
    every: Option<Duration>,
    next: Instant,
}

impl Watchdog {
    /// As systemd asks for it in the environment.
    pub(crate) fn from_environment() -> Self {
        // Half of it: one lost pat is no reason to be killed.
        let every = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        Self { every, next: Instant::now() }
    }

    /// When the next pat is due; the loop wakes for it.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.every.map(|_| self.next)
    }

    /// A turn has ended that took so long.
    pub(crate) fn turn_ended(&mut self, took: Duration) {
        let Some(every) = self.every else { return };
        if took > LONGEST_TURN {
            tracing::error!(?took, "a turn of the loop took too long; the watchdog is not patted for it");
            return;
        }
        let now = Instant::now();
        if now >= self.next {
            self.next = now + every;
            notify(NotifyState::Watchdog);
        }
    }
}

/// Routes and lines are served.
pub(crate) fn ready() {
    notify(NotifyState::Ready);
}

/// What is finished before the end begins to be finished.
pub(crate) fn stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}
