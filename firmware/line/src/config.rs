//! How a line behaves. Times have the standard's clause where one sets them.

use core::time::Duration;

use hal::LineId;
use serde::{Deserialize, Serialize};

/// What hangs on the line, as far as this machine treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A panel that dials and speaks Contact ID: answered by the box itself.
    Alarm,
    /// Dial tone and a number; the call is somebody else's from there.
    Phone,
}

/// A line's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineConfig {
    /// Which line.
    pub line: LineId,
    /// What hangs on it.
    pub profile: Profile,
    /// The number is complete after so long without a digit.
    pub number_pause: Duration,
    /// From answering to the handshake: panels want 0.5 to 2 s of quiet (DC-05).
    pub settle: Duration,
    /// After a handshake without any digit for so long, the next handshake.
    pub first_digit: Duration,
    /// Handshakes before the call is given up.
    pub handshakes: u8,
    /// Two digits of one message are never further apart.
    pub digit_gap: Duration,
    /// The panel's receiver is muted for so long after its last digit.
    pub kiss_off_earliest: Duration,
    /// A tone that begins later would run into the panel's repeat (1.25 s, DC-05).
    pub kiss_off_latest: Duration,
    /// An open loop for so long is a hang-up; shorter is a bounce.
    pub hang_up: Duration,
    /// Off-hook without dialling, or without saying anything, for so long: reorder tone.
    pub patience: Duration,
    /// Reorder tone for so long, then the howler.
    pub reorder: Duration,
    /// The howler for so long, then silence until it hangs up.
    pub howler: Duration,
    /// The same digits within this time are the same signal, until it was kissed off.
    pub same_signal: Duration,
    /// Without any path for so long, the line's voltage is withdrawn; `None`: never.
    pub withdraw_after: Option<Duration>,
    /// With a proven path for so long, it is restored.
    pub restore_after: Duration,
}

impl LineConfig {
    /// The defaults of a profile.
    #[must_use]
    pub const fn new(line: LineId, profile: Profile) -> Self {
        let withdraw_after = match profile {
            Profile::Alarm => Some(Duration::from_secs(60)),
            Profile::Phone => None,
        };
        Self {
            line,
            profile,
            number_pause: Duration::from_millis(1_500),
            settle: Duration::from_millis(1_250),
            first_digit: Duration::from_secs(2),
            handshakes: 8,
            digit_gap: Duration::from_millis(500),
            kiss_off_earliest: Duration::from_millis(200),
            kiss_off_latest: Duration::from_millis(1_100),
            hang_up: Duration::from_millis(300),
            patience: Duration::from_secs(30),
            reorder: Duration::from_secs(30),
            howler: Duration::from_secs(60),
            same_signal: Duration::from_secs(30 * 60),
            withdraw_after,
            restore_after: Duration::from_secs(30),
        }
    }
}
