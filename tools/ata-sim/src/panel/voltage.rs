//! The line monitor of a panel: no voltage for long is trouble.

use super::settings::PanelSettings;
use super::voice::samples;

/// Voltage as it changes, on the panel's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voltage {
    feed: bool,
    since: u64,
    trouble: bool,
}

impl Voltage {
    pub(crate) const fn new() -> Self {
        Self { feed: true, since: 0, trouble: false }
    }

    pub(crate) const fn feeds(&self) -> bool {
        self.feed
    }

    pub(crate) const fn trouble(&self) -> bool {
        self.trouble
    }

    /// Some: the trouble light changed.
    pub(crate) fn see(&mut self, feed: bool, at: u64, settings: &PanelSettings) -> Option<bool> {
        if feed != self.feed {
            (self.feed, self.since) = (feed, at);
        }
        let patience_ms = if feed { settings.restored_after_ms } else { settings.trouble_after_ms };
        let long = at - self.since >= samples(patience_ms) as u64;
        (long && self.trouble == feed).then(|| {
            self.trouble = !feed;
            self.trouble
        })
    }
}
