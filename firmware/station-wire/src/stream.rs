//! Frames out of a byte stream: TCP cuts and joins as it likes.

/// The largest frame that is kept; a longer one is dropped and counted.
pub const MAX_FRAME: usize = 2048;

/// Collects bytes and hands out what lies between LF and CR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splitter {
    frame: Vec<u8>,
    inside: bool,
    /// Frames dropped because they were too long.
    pub oversized: u32,
}

impl Splitter {
    /// Takes bytes, calls `each` for every complete frame (LF and CR excluded). Bytes outside of
    /// frames are skipped; a second LF begins anew.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    self.frame.clear();
                    self.inside = true;
                }
                b'\r' if self.inside => {
                    self.inside = false;
                    if !self.frame.is_empty() {
                        each(&self.frame);
                    }
                }
                _ if !self.inside => {}
                _ if self.frame.len() == MAX_FRAME => {
                    self.inside = false;
                    self.oversized = self.oversized.saturating_add(1);
                }
                other => self.frame.push(*other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, u32) {
        let mut splitter = Splitter::default();
        let mut frames = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |frame| frames.push(frame.to_vec()));
        }
        (frames, splitter.oversized)
    }

    #[test]
    fn frames_come_out_whole_however_they_were_cut() {
        let whole = b"junk\r\nfirst\r\nsecond\r\n\r";
        for cut in 0..whole.len() {
            let (frames, oversized) = split(&[&whole[..cut], &whole[cut..]]);
            assert_eq!(frames, [b"first".to_vec(), b"second".to_vec()], "cut at {cut}");
            assert_eq!(oversized, 0);
        }
    }

    #[test]
    fn a_frame_without_an_end_is_dropped_and_the_next_one_is_read() {
        let endless = vec![b'x'; MAX_FRAME + 10];
        let (frames, oversized) = split(&[b"\n", &endless, b"\r\nnext\r"]);
        assert_eq!((frames, oversized), (vec![b"next".to_vec()], 1));
    }

    proptest! {
        #[test]
        fn memory_is_bounded_whatever_comes(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let mut splitter = Splitter::default();
            splitter.feed(&bytes, |frame| assert!(frame.len() <= MAX_FRAME));
            prop_assert!(splitter.frame.len() <= MAX_FRAME);
        }
    }
}
