//! What every decoder promises for any input, one function each: it never panics, it takes no more memory
//! than its limit, and what it takes for whole can be written and read again as the same.
//!
//! `tests/mutations.rs` calls them with damaged good input in every test run; `libfuzzer/` lets a
//! coverage-guided fuzzer call them for as long as somebody likes. They refuse to judge what was meant.

mod files;
mod frames;

/// A decoder's promise; answers whether anything in the input was taken for whole.
pub type Target = fn(&[u8]) -> bool;

/// Every decoder of the box, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("card_frames", frames::card_frames),
    ("card_at_the_host", frames::card_at_the_host),
    ("host_at_the_card", frames::host_at_the_card),
    ("contact_id", frames::contact_id),
    ("station_replies", frames::station_replies),
    ("evidence_lines", files::evidence_lines),
    ("noc_messages", files::noc_messages),
    ("control_lines", files::control_lines),
    ("site_files", files::site_files),
    ("board_files", files::board_files),
];

/// The promise of that name; answers whether anything in the input was taken for whole.
///
/// # Panics
/// When there is no decoder of that name, or its promise is broken.
pub fn run(name: &str, input: &[u8]) -> bool {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of that name");
    target(input)
}
