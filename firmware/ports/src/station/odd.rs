//! What is no reply: counted, and told at most once a second.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Between two tellings.
const PAUSE: Duration = Duration::from_secs(1);

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Odd {
    count: u32,
    what: String,
    told: Option<Instant>,
}

impl Odd {
    pub(super) fn add(&mut self, count: u32, what: impl FnOnce() -> String) {
        if count > 0 {
            self.count = self.count.saturating_add(count);
            self.what = what();
        }
    }

    /// Comes when there is something to tell and it may be told. Cancelling loses nothing.
    pub(super) async fn due(&self) {
        if self.count == 0 {
            return std::future::pending().await;
        }
        if let Some(told) = self.told {
            sleep_until(told + PAUSE).await;
        }
    }

    /// How many since the last time, and the latest in words.
    pub(super) fn take(&mut self) -> (u32, String) {
        self.told = Some(Instant::now());
        (std::mem::take(&mut self.count), std::mem::take(&mut self.what))
    }
}
