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
    /// Bytes that stood outside of any frame, line ends excluded.
    pub skipped: u32,
}

impl Splitter {
    /// Takes bytes, calls `each` for every complete frame (LF and CR excluded). Bytes outside of
    /// frames are skipped and counted; a second LF begins anew.
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
                b'\r' => {}
                _ if !self.inside => self.skipped = self.skipped.wrapping_add(1),
                _ if self.frame.len() == MAX_FRAME => {
                    self.inside = false;
                    self.oversized = self.oversized.saturating_add(1);
                }
                other => self.frame.push(*other),
            }
        }
    }

    /// What follows has nothing to do with what came before, as between datagrams. Answers whether a
    /// frame was begun and is dropped.
    pub fn start_again(&mut self) -> bool {
        let begun = self.inside && !self.frame.is_empty();
        self.inside = false;
        self.frame.clear();
        begun
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

    #[test]
    fn what_stands_outside_of_frames_is_counted_and_line_ends_are_not() {
        let mut splitter = Splitter::default();
        splitter.feed(b"\"NAK\"\n\r\nframe\r\n\rxy", |frame| assert_eq!(frame, b"frame"));
        assert_eq!(splitter.skipped, 5 + 2);
    }

    #[test]
    fn a_frame_never_goes_on_behind_a_new_start() {
        let mut splitter = Splitter::default();
        let mut frames = 0;
        splitter.feed(b"\nhalf", |_| frames += 1);
        assert!(splitter.start_again());
        splitter.feed(b" a frame\r", |_| frames += 1);
        assert!(!splitter.start_again());
        assert_eq!(frames, 0);
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
