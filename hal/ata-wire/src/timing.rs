//! Every time of the language, in milliseconds, with its reason.

/// Between two hellos of a host that waits for a card, and between two hellos of a card that waits
/// for the host's acknowledgement.
pub const HELLO_MS: u64 = 200;

/// Between two hellos once the card has shown that no version fits: only a reflashed card helps.
pub const MISMATCH_HELLO_MS: u64 = 1_000;

/// Between two heartbeats, both ways.
pub const HEARTBEAT_MS: u64 = 250;

/// A host that heard nothing valid for so long calls the card lost: four heartbeats.
pub const CARD_LOST_AFTER_MS: u64 = 1_000;

/// A card that heard nothing valid for so long considers the host dead. Long enough for a restart of
/// the host's program, so that a panel sees no trouble from an update.
pub const HOST_DEAD_AFTER_MS: u64 = 30_000;

/// From an event's first sending to its first repeat.
pub const REPEAT_FIRST_MS: u64 = 20;

/// Repeats double their distance up to this.
pub const REPEAT_MAX_MS: u64 = 1_000;

/// A host greets a linked card again, because events were lost, at most this often.
pub const REGREET_MS: u64 = 1_000;
