//! Every size of the language, with its reason.

/// Lines of one card: eight fill 921600 baud with audio to four fifths.
pub const MAX_LINES: usize = 8;

/// Octets of a frame before stuffing, checksum included. One COBS block holds 254, so stuffing
/// always costs exactly one octet and a card can index every buffer with one octet.
pub const MAX_FRAME: usize = 254;

/// Octets of a frame after stuffing, without delimiters.
pub const MAX_STUFFED: usize = MAX_FRAME + 1;

/// Octets of a frame on the wire: a delimiter before and one behind.
pub const MAX_WIRE: usize = MAX_STUFFED + 2;

/// Events that a card keeps until they are acknowledged; also the host's window.
pub const EVENT_WINDOW: usize = 64;

/// Controls that a host keeps until they are acknowledged: two for each line.
pub const CONTROL_WINDOW: usize = 16;

/// Steps of a tone sequence: a special information tone has four.
pub const MAX_STEPS: usize = 8;

/// Frequencies of a step lie below this: half of the sample rate, Hz.
pub const FREQUENCY_BELOW: u16 = 4_000;

/// Octets of the firmware's name and version.
pub const FIRMWARE_TEXT: usize = 32;

/// Octets of the serial number.
pub const SERIAL_TEXT: usize = 24;

/// G.711 octets of an audio frame: 10 ms.
pub const AUDIO_OCTETS: usize = 80;

/// Audio frames that a host keeps until its program takes them: more than one read of a serial
/// device holds.
pub const AUDIO_BACKLOG: usize = 64;
