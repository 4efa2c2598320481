//! What the station does with a frame that is in order, and what it writes for that.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::frame::{self, Frame};
use super::secret::Secret;
use super::stamp;

/// What is done with a frame. An honest station knows only [`Behaviour::Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// ACK in the form of the frame; NAK if the stamp is outside of the window.
    Answer,
    /// Nothing.
    Silent,
    /// NAK with the station's clock.
    Nak,
    /// Understood, not processed.
    Duh,
    /// A reply with data.
    Rsp,
    /// The right answer, so much later.
    Late(Duration),
    /// The right ACK, but from another port of the station's address (UDP), or over no connection at all.
    ForgedPort,
    /// The right ACK, but from another address of the station's machine.
    ForgedAddress(IpAddr),
    /// ACK in clear whatever the frame was.
    InClear,
    /// ACK sealed with another key.
    OtherKey,
    /// ACK whose stamp is off by so many seconds.
    StampedOff(i64),
    /// ACK of another sequence.
    OtherSequence,
    /// ACK of another receiver.
    OtherReceiver,
    /// ACK of another prefix.
    OtherPrefix,
    /// ACK of another account.
    OtherAccount,
    /// ACK with one bit of it flipped.
    BrokenChecksum,
    /// The right answer, octet by octet with pauses (TCP).
    Split,
    /// The right answer, twice.
    Twice,
    /// So many octets of noise before the right answer.
    NoiseFirst(usize),
    /// So many octets of noise and no answer.
    Noise(usize),
    /// Closes the connection without an answer.
    HangUp,
}

/// What is to be written, by whom, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writing {
    pub(super) octets: Vec<u8>,
    pub(super) after: Duration,
    pub(super) by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Station,
    OtherPort,
    OtherAddress(IpAddr),
}

/// Receivers believe a frame that is so much older or newer than their clock (DC-09 5.5.1.9), seconds.
const BEHIND: i64 = 40;
const AHEAD: i64 = 20;
/// Between two octets of a split answer.
const SPLIT: Duration = Duration::from_millis(2);

/// The writings for a frame; `clock`: the station's, seconds since 1970.
pub(super) fn answer(what: Behaviour, frame: &Frame, secret: Option<&Secret>, clock: i64) -> Vec<Writing> {
    use Behaviour as B;
    let honest = || {
        let ahead = frame.stamp.map_or(0, |stamp| stamp - clock);
        if (-BEHIND..=AHEAD).contains(&ahead) { ack(frame, secret, clock) } else { nak(clock) }
    };
    let plain = |octets| vec![Writing { octets, after: Duration::ZERO, by: By::Station }];
    let forged = |by| vec![Writing { octets: ack(frame, secret, clock), after: Duration::ZERO, by }];
    let other = |change: fn(&mut Frame)| {
        let mut changed = frame.clone();
        change(&mut changed);
        plain(ack(&changed, secret, clock))
    };
    match what {
        B::Answer => plain(honest()),
        B::Silent | B::HangUp => Vec::new(),
        B::Nak => plain(nak(clock)),
        B::Duh => plain(reply("DUH", frame, None, clock)),
        B::Rsp => plain(reply("RSP", frame, secret, clock)),
        B::Late(after) => vec![Writing { octets: honest(), after, by: By::Station }],
        B::ForgedPort => forged(By::OtherPort),
        B::ForgedAddress(address) => forged(By::OtherAddress(address)),
        B::InClear => plain(reply("ACK", frame, None, clock)),
        B::OtherKey => plain(reply("ACK", frame, Secret::new(&[0x55; 16]).ok().as_ref(), clock)),
        B::StampedOff(seconds) => plain(ack(frame, secret, clock + seconds)),
        B::OtherSequence => other(|f| f.sequence = f.sequence % 9999 + 1),
        B::OtherReceiver => other(|f| f.receiver = Some("F0F".to_owned())),
        B::OtherPrefix => other(|f| f.prefix = "F0F".to_owned()),
        B::OtherAccount => other(|f| f.account = "FFFF0".to_owned()),
        B::BrokenChecksum => plain(broken(honest())),
        B::Split => split(&honest()),
        B::Twice => [plain(honest()), plain(honest())].concat(),
        B::NoiseFirst(count) => [plain(noise(count)), plain(honest())].concat(),
        B::Noise(count) => plain(noise(count)),
    }
}

fn ack(frame: &Frame, secret: Option<&Secret>, clock: i64) -> Vec<u8> {
    reply("ACK", frame, secret, clock)
}

/// Echoes sequence, R, L and account.
fn reply(identifier: &str, frame: &Frame, secret: Option<&Secret>, clock: i64) -> Vec<u8> {
    let receiver = frame.receiver.as_ref().map(|r| format!("R{r}")).unwrap_or_default();
    let account = if frame.account.is_empty() { String::new() } else { format!("#{}", frame.account) };
    let (star, rest) = match secret {
        Some(secret) => ("*", secret.seal(&format!("]_{}", stamp::write(clock)))),
        None => ("", "]".to_owned()),
    };
    wrap(&format!("\"{star}{identifier}\"{:04}{receiver}L{}{account}[{rest}", frame.sequence, frame.prefix))
}

/// Never encrypted, and of no sequence (DC-09 5.5.3).
fn nak(clock: i64) -> Vec<u8> {
    wrap(&format!("\"NAK\"0000R0L0A0[]_{}", stamp::write(clock)))
}

fn wrap(body: &str) -> Vec<u8> {
    format!("\n{:04X}0{:03X}{body}\r", frame::checksum(body.as_bytes()), body.len()).into_bytes()
}

fn broken(mut octets: Vec<u8>) -> Vec<u8> {
    let place = octets.len() / 2;
    octets[place] ^= 1;
    octets
}

fn split(octets: &[u8]) -> Vec<Writing> {
    let pauses = (0u32..).map(|place| SPLIT * place);
    let one = |(octet, after): (&u8, _)| Writing { octets: vec![*octet], after, by: By::Station };
    octets.iter().zip(pauses).map(one).collect()
}

/// Repeatable noise with frames begun, ended and left open in it.
fn noise(count: usize) -> Vec<u8> {
    let mut state: u32 = 0x1234_5678;
    let octet = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    // The last one ends whatever the noise has begun.
    (1..count).map(octet).chain([b'\r']).take(count).collect()
}

impl FromStr for Behaviour {
    type Err = anyhow::Error;

    /// A word, and a number where one is needed: `answer`, `late 3000` (ms), `noise 100`.
    fn from_str(text: &str) -> Result<Self> {
        let (word, value) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let number =
            || value.trim().parse::<i64>().with_context(|| format!("{word} wants a number, not {value:?}"));
        let count = || Ok::<_, anyhow::Error>(usize::try_from(number()?)?);
        Ok(match word {
            "answer" => Self::Answer,
            "silent" => Self::Silent,
            "nak" => Self::Nak,
            "duh" => Self::Duh,
            "rsp" => Self::Rsp,
            "late" => Self::Late(Duration::from_millis(u64::try_from(number()?)?)),
            "forged-port" => Self::ForgedPort,
            "forged-address" => Self::ForgedAddress(value.trim().parse().context("no address")?),
            "in-clear" => Self::InClear,
            "other-key" => Self::OtherKey,
            "stamped-off" => Self::StampedOff(number()?),
            "other-sequence" => Self::OtherSequence,
            "other-receiver" => Self::OtherReceiver,
            "other-prefix" => Self::OtherPrefix,
            "other-account" => Self::OtherAccount,
            "broken-checksum" => Self::BrokenChecksum,
            "split" => Self::Split,
            "twice" => Self::Twice,
            "noise-first" => Self::NoiseFirst(count()?),
            "noise" => Self::Noise(count()?),
            "hang-up" => Self::HangUp,
            other => bail!("{other:?} is no behaviour of a station"),
        })
    }
}
