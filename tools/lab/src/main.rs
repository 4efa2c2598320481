//! `holdfast-lab`: the demo, benchmarks and housekeeping of labs.
fn main() {}
