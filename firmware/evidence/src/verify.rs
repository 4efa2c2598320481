//! Reading: does every line follow from the one before it?

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain::{At, Chain, Hash, Link, checksum};

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Not a line of evidence, or decayed: its checksum does not fit.
    Damaged,
    /// Not the number after the one before.
    Number {
        /// Expected.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// It does not name the hash of the line before it: something was changed, put in or taken out.
    Broken {
        /// Number of the entry that does not follow.
        n: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the line is damaged"),
            Self::Number { expected, found } => {
                write!(f, "entry {expected} is missing, {found} stands in its place")
            }
            Self::Broken { n } => write!(f, "entry {n} does not follow from the one before it"),
        }
    }
}

impl core::error::Error for Fault {}

/// What a whole log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of the first entry read; 0 for an empty log.
    pub first: u64,
    /// The end of the chain, to be compared with what the NOC was sent.
    pub chain: Chain,
}

/// Reads line by line. The first line is believed: what stood before it is somebody else's to prove.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    summary: Option<Summary>,
}

impl Verifier {
    /// Continues a chain that is known, instead of believing the first line.
    #[must_use]
    pub const fn after(chain: Chain) -> Self {
        Self { summary: Some(Summary { first: chain.newest + 1, chain }) }
    }

    /// One line, with or without its line feed; answers with its stamp and entry.
    ///
    /// # Errors
    /// [`Fault`]; the verifier stays behind the last good line.
    pub fn line(&mut self, line: &str) -> Result<(At, Value), Fault> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (sum, json) = line.split_once(' ').ok_or(Fault::Damaged)?;
        if sum != checksum(json) {
            return Err(Fault::Damaged);
        }
        let link: Link<Value> = serde_json::from_str(json).map_err(|_| Fault::Damaged)?;
        if let Some(Summary { chain, .. }) = self.summary {
            if link.n != chain.newest + 1 {
                return Err(Fault::Number { expected: chain.newest + 1, found: link.n });
            }
            if link.prev != chain.head {
                return Err(Fault::Broken { n: link.n });
            }
        }
        let first = self.summary.map_or(link.n, |summary| summary.first);
        self.summary = Some(Summary { first, chain: Chain { newest: link.n, head: Hash::of(json) } });
        Ok((link.at, link.entry))
    }

    /// What was read so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: At = At { boot: 1, tick_ms: 5, wall_ms: None };

    fn log(entries: usize) -> (Vec<String>, Chain) {
        let mut chain = Chain::default();
        let lines = (0..entries).map(|n| chain.append(AT, &format!("step {n}")).unwrap()).collect();
        (lines, chain)
    }

    fn verify(lines: &[String]) -> Result<Summary, Fault> {
        let mut verifier = Verifier::default();
        lines.iter().try_for_each(|line| verifier.line(line).map(drop))?;
        Ok(verifier.summary())
    }

    #[test]
    fn an_untouched_log_leads_to_its_head() {
        let (lines, chain) = log(5);
        assert_eq!(verify(&lines), Ok(Summary { first: 1, chain }));
        assert_eq!(verify(&lines[2..]), Ok(Summary { first: 3, chain }), "a log whose beginning was dropped");
        assert_eq!(verify(&[]), Ok(Summary::default()));
    }

    #[test]
    fn what_was_changed_taken_out_or_moved_is_found() {
        let (lines, _) = log(5);
        let without = |n: usize| [&lines[..n], &lines[n + 1..]].concat();
        assert_eq!(verify(&without(2)), Err(Fault::Number { expected: 3, found: 4 }));

        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert_eq!(verify(&swapped), Err(Fault::Number { expected: 2, found: 3 }));

        // A forger who mends the checksum is betrayed by the next line.
        let json = lines[2].split_once(' ').unwrap().1.trim_end().replace("step 2", "step X");
        let mut forged = lines.clone();
        forged[2] = format!("{} {json}\n", checksum(&json));
        assert_eq!(verify(&forged), Err(Fault::Broken { n: 4 }));
    }

    #[test]
    fn a_chain_is_continued_after_a_restart() {
        let (lines, mut chain) = log(3);
        let mut verifier = Verifier::after(chain);
        let next = chain.append(AT, &"after the restart").unwrap();
        assert_eq!(verifier.line(&next).unwrap().1, Value::from("after the restart"));
        assert!(Verifier::after(chain).line(&lines[2]).is_err());
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_always_found(line in 0usize..4, place in 0usize..60, byte in any::<u8>()) {
            let (lines, chain) = log(5);
            let mut bytes = lines[line].clone().into_bytes();
            let place = place % (bytes.len() - 1);
            if bytes[place] != byte {
                bytes[place] = byte;
                let mut changed = lines;
                changed[line] = String::from_utf8_lossy(&bytes).into_owned();
                prop_assert_ne!(verify(&changed), Ok(Summary { first: 1, chain }));
            }
        }

        #[test]
        fn any_text_is_survived(text in ".{0,200}") {
            let _ = Verifier::default().line(&text);
        }
    }
}
