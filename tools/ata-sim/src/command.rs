//! What a person or a test can ask for: a line of plain words, or one JSON object.

use serde::{Deserialize, Serialize};

/// A wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Lift a line.
    Off {
        /// Which.
        line: u8,
    },
    /// Hang a line up.
    On {
        /// Which.
        line: u8,
    },
    /// Change hooks many times, never faster than the card's queue takes them.
    Flip {
        /// Which line; absent: one after the other.
        line: Option<u8>,
        /// How many changes.
        count: u32,
        /// Changes per second; 0: as fast as they are acknowledged.
        rate: f64,
    },
    /// Put random octets on the wire to the host.
    Garbage {
        /// How many, at most 1,048,576.
        count: usize,
    },
    /// Neither speak nor hear: a card that hangs.
    Silent {
        /// How long.
        seconds: f64,
    },
    /// Speak but do not hear: a broken receive wire.
    Deaf {
        /// How long.
        seconds: f64,
    },
    /// Take the device away.
    Unplug {
        /// How long.
        seconds: f64,
    },
    /// Restart the card: another boot id, lines and queue as after power-on.
    Reset {},
    /// Restart the card with a firmware that claims to speak only this version.
    Version {
        /// Which.
        version: u8,
    },
    /// Damage octets both ways from here on.
    Errors {
        /// Probability for each octet, 0 to 1.
        rate: f64,
    },
    /// Say how everything is.
    Status {},
    /// End.
    Quit {},
}

/// What comes back for a wish: one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// It is done or under way.
    pub ok: bool,
    /// Why not, and how it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// For `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// How the simulated card is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its boot id.
    pub card_boot: u32,
    /// `apart`, `greeted`, `linked`.
    pub link: String,
    /// The card holds its host for dead (30 s).
    pub host_dead: bool,
    /// Hook state of every line.
    pub off_hook: Vec<bool>,
    /// Events that wait for their acknowledgement.
    pub queued: usize,
    /// Events lost for want of room.
    pub events_lost: u32,
    /// The number that the next event will get.
    pub next_seq: u16,
    /// Hook events since the simulator started, all boots.
    pub hooks: u64,
    /// Hook changes that `flip` still has to make.
    pub flips_left: u32,
    /// Damaged frames that the card received.
    pub damaged: u32,
    /// Frames that the card did not know.
    pub unknown: u32,
    /// Probability of damage for each octet.
    pub error_rate: f64,
    /// The device is there.
    pub plugged: bool,
}

impl Answer {
    pub(crate) fn done() -> Self {
        Self { ok: true, error: None, status: None }
    }

    pub(crate) fn refused(why: String) -> Self {
        Self { ok: false, error: Some(why), status: None }
    }
}

impl Command {
    /// Reads a line; the error says what is understood.
    pub fn parse(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let command = if line.starts_with('{') { from_json(line) } else { from_words(line) };
        command.and_then(Self::checked)
    }

    fn checked(self) -> Result<Self, String> {
        let seconds_ok = |seconds: &f64| (0.0..=MAX_SECONDS).contains(seconds);
        match &self {
            Self::Garbage { count } if *count > MAX_GARBAGE => {
                Err(format!("garbage {count}: at most {MAX_GARBAGE} octets at once"))
            }
            Self::Silent { seconds } | Self::Deaf { seconds } | Self::Unplug { seconds }
                if !seconds_ok(seconds) =>
            {
                Err(format!("{seconds} seconds: 0 to {MAX_SECONDS}"))
            }
            Self::Errors { rate } if !(0.0..=1.0).contains(rate) => {
                Err(format!("errors {rate}: a probability for each octet, 0 to 1, for example 1e-4"))
            }
            Self::Flip { rate, .. } if !(0.0..=MAX_FLIP_RATE).contains(rate) => {
                Err(format!("flip rate {rate}: changes per second, 0 to {MAX_FLIP_RATE}; 0: as acknowledged"))
            }
            Self::Off { .. }
            | Self::On { .. }
            | Self::Flip { .. }
            | Self::Garbage { .. }
            | Self::Silent { .. }
            | Self::Deaf { .. }
            | Self::Unplug { .. }
            | Self::Reset {}
            | Self::Version { .. }
            | Self::Errors { .. }
            | Self::Status {}
            | Self::Quit {} => Ok(self),
        }
    }
}

fn from_json(line: &str) -> Result<Command, String> {
    serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}; {EXPECTED}"))
}

fn from_words(line: &str) -> Result<Command, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let command = match words[..] {
        ["off", line] => Command::Off { line: number(line)? },
        ["on", line] => Command::On { line: number(line)? },
        ["flip", "all", count, rate] => {
            Command::Flip { line: None, count: number(count)?, rate: number(rate)? }
        }
        ["flip", line, count, rate] => {
            Command::Flip { line: Some(number(line)?), count: number(count)?, rate: number(rate)? }
        }
        ["garbage", count] => Command::Garbage { count: number(count)? },
        ["silent", seconds] => Command::Silent { seconds: number(seconds)? },
        ["deaf", seconds] => Command::Deaf { seconds: number(seconds)? },
        ["unplug", seconds] => Command::Unplug { seconds: number(seconds)? },
        ["reset"] => Command::Reset {},
        ["version", version] => Command::Version { version: number(version)? },
        ["errors", rate] => Command::Errors { rate: number(rate)? },
        ["status"] => Command::Status {},
        ["quit"] => Command::Quit {},
        _ => return Err(format!("`{line}`: {EXPECTED}")),
    };
    Ok(command)
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number that fits; {EXPECTED}"))
}

/// The commands, for `--help` and for errors.
pub(crate) const EXPECTED: &str = "expected: off LINE | on LINE | flip LINE|all COUNT RATE | garbage COUNT | \
    silent SECONDS | deaf SECONDS | unplug SECONDS | reset | version V | errors RATE | status | quit";

/// Octets of `garbage`: more than a pty holds, few enough to keep in memory.
pub(crate) const MAX_GARBAGE: usize = 1 << 20;

const MAX_SECONDS: f64 = 86_400.0;
const MAX_FLIP_RATE: f64 = 100_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_json_say_the_same() {
        for (words, json) in [
            ("off 0", r#"{"do":"off","line":0}"#),
            ("flip all 9 200", r#"{"do":"flip","count":9,"rate":200}"#),
            ("flip 1 9 0.5", r#"{"do":"flip","line":1,"count":9,"rate":0.5}"#),
            ("unplug 1.5", r#"{"do":"unplug","seconds":1.5}"#),
            (" status ", r#"{"do":"status"}"#),
        ] {
            let command = Command::parse(words).unwrap();
            assert_eq!(command, Command::parse(json).unwrap());
            assert_eq!(command, Command::parse(&serde_json::to_string(&command).unwrap()).unwrap());
        }
    }

    #[test]
    fn what_is_not_understood_says_what_would_be() {
        for odd in ["", "of 0", "off", "off 300", "off x", "{}", r#"{"do":"off"}"#, r#"{"do":"reset","x":1}"#]
        {
            let error = Command::parse(odd).unwrap_err();
            assert!(error.contains("expected: off LINE"), "{odd}: {error}");
        }
    }

    #[test]
    fn what_is_out_of_range_says_the_range() {
        for odd in ["errors 2", "errors NaN", "silent -1", "garbage 99999999", "flip 0 1 1e9", "unplug inf"] {
            assert!(Command::parse(odd).unwrap_err().contains("0 to") || odd.starts_with("garbage"), "{odd}");
        }
    }
}
