//! What a person or a test can ask for: a line of plain words, or one JSON object.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::panel::{PanelSettings, PanelStatus};

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
    /// Plug an alarm panel into a line.
    Panel {
        /// Which line.
        line: u8,
        /// How it is set; what is left out is as from the box.
        #[serde(default)]
        settings: Box<PanelSettings>,
    },
    /// Give a panel something to report.
    Event {
        /// Whose line.
        line: u8,
        /// Qualifier and event, four digits: 1131 is a new burglary.
        code: String,
        /// Partition, two digits.
        group: String,
        /// Zone or user, three digits.
        zone: String,
    },
    /// Pull out whatever is plugged into a line.
    Unpanel {
        /// Which line.
        line: u8,
    },
    /// Record both directions of a line: left what its telephone says, right what it hears.
    Record {
        /// Which line.
        line: u8,
        /// A WAV; absent: the recording ends.
        file: Option<PathBuf>,
    },
    /// Play a WAV into a line, off-hook while it plays.
    Play {
        /// Which line.
        line: u8,
        /// 16-bit PCM at 8 kHz.
        file: PathBuf,
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
    /// Every panel.
    pub panels: Vec<PanelStatus>,
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
            | Self::Panel { .. }
            | Self::Event { .. }
            | Self::Unpanel { .. }
            | Self::Record { .. }
            | Self::Play { .. }
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
        ["panel", line] => Command::Panel { line: number(line)?, settings: Box::default() },
        ["panel", line, "account", account] => {
            let settings = PanelSettings { account: account.to_owned(), ..PanelSettings::default() };
            Command::Panel { line: number(line)?, settings: Box::new(settings) }
        }
        ["event", line, code, group, zone] => {
            let [code, group, zone] = [code, group, zone].map(str::to_owned);
            Command::Event { line: number(line)?, code, group, zone }
        }
        ["unpanel", line] => Command::Unpanel { line: number(line)? },
        ["record", line, "off"] => Command::Record { line: number(line)?, file: None },
        ["record", line, file] => Command::Record { line: number(line)?, file: Some(file.into()) },
        ["play", line, file] => Command::Play { line: number(line)?, file: file.into() },
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
    silent SECONDS | deaf SECONDS | unplug SECONDS | reset | version V | errors RATE | panel LINE [account N] | \
    event LINE CODE GROUP ZONE | unpanel LINE | record LINE FILE|off | play LINE FILE | status | quit";

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
            ("panel 1", r#"{"do":"panel","line":1}"#),
            ("panel 1 account 77B1", r#"{"do":"panel","line":1,"settings":{"account":"77B1"}}"#),
            ("event 0 1131 01 015", r#"{"do":"event","line":0,"code":"1131","group":"01","zone":"015"}"#),
            ("record 2 /a.wav", r#"{"do":"record","line":2,"file":"/a.wav"}"#),
            ("record 2 off", r#"{"do":"record","line":2}"#),
            ("play 2 /a.wav", r#"{"do":"play","line":2,"file":"/a.wav"}"#),
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
