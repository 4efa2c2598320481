//! What a card knows of itself, for whoever drives it.

/// Odd input since the card's boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames with a bad checksum, length, stuffing or field.
    pub damaged: u32,
    /// Whole frames that this card does not know, or that do not belong to its link.
    pub unknown: u32,
}

/// What a card knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// Its boot id.
    pub boot_id: u32,
    /// Its link.
    pub link: LinkStatus,
    /// Nothing valid came from a host for 30 s, or never.
    pub host_dead: bool,
    /// Events waiting for acknowledgement.
    pub queued: usize,
    /// Events that still find room.
    pub free: usize,
    /// Events lost for want of room.
    pub events_lost: u32,
    /// Odd input.
    pub counters: Counters,
}

/// Where a card's link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// No host.
    Apart,
    /// Between the host's hello and its acknowledgement.
    Greeted,
    /// Events flow.
    Linked,
}
