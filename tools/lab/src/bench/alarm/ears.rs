//! Three detectors of DTMF behind one question: which digits are in these samples?

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use dsp::{Heard, LineEar};
use hal::Sample;
use peers::spandsp::DigitDetector;

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ear {
    /// The product's.
    Ours,
    /// `libspandsp2`, with its filter for dial tone.
    Spandsp,
    /// The program `multimon-ng`.
    Multimon,
}

/// Samples at a time, as the card gives them.
const BLOCK: usize = 80;

impl Ear {
    /// The digits.
    pub(super) fn hear(self, samples: &[i16]) -> Result<String> {
        match self {
            Self::Ours => Ok(ours(samples)),
            Self::Spandsp => {
                let mut detector = DigitDetector::new(true)?;
                Ok(samples.chunks(BLOCK).map(|block| detector.hear(block)).collect())
            }
            Self::Multimon => multimon(samples),
        }
    }
}

fn ours(samples: &[i16]) -> String {
    let mut ear = LineEar::default();
    let mut digits = String::new();
    for (number, block) in (0_u32..).zip(samples.chunks(BLOCK)) {
        ear.feed(block, Sample(number.wrapping_mul(BLOCK as u32)), |heard| {
            if let Heard::Digit { digit, .. } = heard {
                digits.push(digit.as_char());
            }
        });
    }
    digits
}

/// It wants 22,050 samples a second.
fn multimon(samples: &[i16]) -> Result<String> {
    let octets = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let raw = ["-t", "raw", "-e", "signed", "-b", "16", "-c", "1"];
    let resample = [&raw[..], &["-r", "8000", "-", "-r", "22050"], &raw[..], &["-"]].concat();
    let faster = through("sox", &resample, octets)?;
    let heard = through("multimon-ng", &["-q", "-c", "-a", "DTMF", "-t", "raw", "-"], faster)?;
    let lines = String::from_utf8(heard).context("multimon-ng prints text")?;
    Ok(lines.lines().filter_map(|line| line.strip_prefix("DTMF: ")).collect())
}

/// What a program makes of its input.
pub(super) fn through(program: &str, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("start {program}: install Debian's package {program}"))?;
    let mut stdin = child.stdin.take().context("a piped standard input")?;
    // Its input and its output are both longer than a pipe.
    let feeder = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().with_context(|| format!("read from {program}"))?;
    ensure!(output.status.success(), "{program} ended with {}", output.status);
    feeder
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        .context(format!("feed {program}"))?;
    Ok(output.stdout)
}
