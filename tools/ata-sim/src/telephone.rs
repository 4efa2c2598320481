//! What can be plugged into a line: it hears, it speaks, it lifts its receiver. Nothing more.

use linecard::BLOCK;

/// A telephone, an alarm panel, or another program that is one.
pub trait Telephone: Send {
    /// The next 10 ms. `heard` is what the line played in the 10 ms before, `feed` whether the line
    /// has voltage, `sample` the card's counter at the first sample of what is said.
    ///
    /// It is asked for every 10 ms of the card's clock, in order and without gaps; the counter starts
    /// again when the card does.
    fn turn(&mut self, heard: &[i16; BLOCK], feed: bool, sample: u32) -> Turn;
}

/// What a telephone does for 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its receiver is lifted.
    pub off_hook: bool,
    /// What it says, linear, 8 kHz. Nobody hears it while it is on-hook.
    pub said: [i16; BLOCK],
}

impl Turn {
    /// A telephone at rest.
    pub const ON_HOOK: Self = Self { off_hook: false, said: [0; BLOCK] };
}
