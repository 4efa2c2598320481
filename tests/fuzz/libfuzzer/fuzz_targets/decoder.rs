//! One decoder under libFuzzer; `HOLDFAST_FUZZ` names it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static NAME: LazyLock<String> = LazyLock::new(|| {
    let known: Vec<_> = fuzz_targets::TARGETS.iter().map(|(name, _)| *name).collect();
    std::env::var("HOLDFAST_FUZZ").unwrap_or_else(|_| panic!("set HOLDFAST_FUZZ to one of {}", known.join(", ")))
});

fuzz_target!(|input: &[u8]| {
    fuzz_targets::run(&NAME, input);
});
