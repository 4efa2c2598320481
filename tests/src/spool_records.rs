//! Records for tests of the spool: class and content follow from the place, so that whoever finds
//! one knows what it must be.

use noc_messages::Class;

/// Of ten records seven are state changes, two signals, one audit.
#[must_use]
pub const fn class_of(seq: u64) -> Class {
    match seq % 10 {
        0 | 8 => Class::Signal,
        9 => Class::Audit,
        1.. => Class::State,
    }
}

/// Between 60 and 1,600 bytes, different for each place.
#[must_use]
pub fn content(boot: u32, seq: u64) -> String {
    let class = class_of(seq).as_str();
    let pad =
        format!("{boot}.{seq}/").repeat(usize::try_from(1 + (seq * 37 + u64::from(boot)) % 150).unwrap_or(1));
    format!(r#"{{"class":"{class}","boot":{boot},"seq":{seq},"pad":"{pad}"}}"#)
}
