//! A stream of octets to messages. Whatever comes in, the next delimiter makes it whole again.

use crate::codec::{self, Damage, Refused};
use crate::limits::MAX_STUFFED;
use crate::{Message, cobs};

/// Takes octets in any portions and gives messages and refusals.
#[derive(Clone, Debug)]
pub struct Decoder {
    frame: [u8; MAX_STUFFED],
    /// Octets since the last delimiter, also those that found no room.
    len: usize,
}

impl Decoder {
    /// At the beginning of a stream, where a frame may already be under way.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame: [0; MAX_STUFFED], len: 0 }
    }

    /// Takes one octet; a delimiter ends a frame.
    pub fn push(&mut self, octet: u8) -> Option<Result<Message, Refused>> {
        if octet == 0 {
            return self.end_of_frame();
        }
        if let Some(place) = self.frame.get_mut(self.len) {
            *place = octet;
        }
        self.len = self.len.saturating_add(1);
        None
    }

    /// Forgets a frame that is under way.
    pub fn reset(&mut self) {
        self.len = 0;
    }

    /// Two delimiters in a row are no frame and no error.
    fn end_of_frame(&mut self) -> Option<Result<Message, Refused>> {
        let len = core::mem::take(&mut self.len);
        if len == 0 {
            return None;
        }
        let Some(stuffed) = self.frame.get_mut(..len) else {
            return Some(Err(Refused::Damaged(Damage::Length)));
        };
        let raw = cobs::decode_in_place(stuffed).ok_or(Refused::Damaged(Damage::Stuffing));
        Some(raw.and_then(|raw| codec::decode(&stuffed[..raw])))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
