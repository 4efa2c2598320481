//! Whatever happens to the wire, the host and the card: an event is told once, in order, or counted.

mod common;

use common::Bench;
use linecard::HookOutcome;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Hook(u8, bool),
    Run(u64),
    Errors(u64),
    Keep(bool),
    CutToCard(bool),
    CutToHost(bool),
    Reopen,
    RestartHost,
    ResetCard,
    Garbage(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..2_u8, any::<bool>()).prop_map(|(line, off)| Step::Hook(line, off)),
        8 => (1..400_u64).prop_map(Step::Run),
        1 => (0..30_000_u64).prop_map(Step::Errors),
        2 => any::<bool>().prop_map(Step::Keep),
        1 => any::<bool>().prop_map(Step::CutToCard),
        1 => any::<bool>().prop_map(Step::CutToHost),
        1 => Just(Step::Reopen),
        1 => Just(Step::RestartHost),
        1 => Just(Step::ResetCard),
        1 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Step::Garbage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn an_event_is_told_once_in_order_or_counted(steps in proptest::collection::vec(step(), 1..120)) {
        let mut bench = Bench::new(2);
        // What happened since the last restart of either side, which begins a ledger of its own.
        let mut queued = Vec::new();
        let mut boots = 1;
        for step in steps {
            match step {
                Step::Hook(line, off_hook) => {
                    if let HookOutcome::Queued(seq) = bench.card.hook(line, off_hook, bench.sample()) {
                        queued.push((seq, line, off_hook));
                    }
                }
                Step::Run(for_ms) => bench.run(for_ms),
                Step::Errors(ppm) => bench.errors_ppm = ppm,
                Step::Keep(keeps) => bench.keeps = keeps,
                Step::CutToCard(cut) => bench.cut_to_card = cut,
                Step::CutToHost(cut) => bench.cut_to_host = cut,
                Step::Reopen => bench.host.reopened(bench.now_ms),
                Step::Garbage(octets) => {
                    bench.host.receive(&octets, bench.now_ms);
                    octets.iter().for_each(|octet| bench.card.receive(*octet));
                }
                Step::RestartHost | Step::ResetCard => {
                    prop_assert!(is_in_order_without_repeats(&told_of(&bench, &queued), &queued));
                    bench.told.clear();
                    bench.kept = bench.kept.filter(|_| matches!(step, Step::RestartHost));
                    boots += 1;
                    if matches!(step, Step::ResetCard) {
                        queued.clear();
                        bench.reset_card(0xc0 + boots, 2);
                    } else {
                        let kept = queued.iter().position(|hook| Some(hook.0) == bench.kept);
                        queued.drain(..kept.map_or(0, |index| index + 1));
                        bench.restart_host(0x40 + boots);
                    }
                }
            }
        }
        (bench.errors_ppm, bench.keeps, bench.cut_to_card, bench.cut_to_host) = (0, true, false, false);
        if let Some(hook) = bench.hooks().last() {
            bench.keep(hook.0);
        }
        bench.run(5_000);

        prop_assert!(bench.host.is_linked());
        prop_assert_eq!(bench.card.status().queued, 0);
        let told = bench.hooks();
        prop_assert_eq!(told_of(&bench, &queued), queued, "told {:?}", told);
        for line in 0..2 {
            let last = told.iter().rev().find(|hook| hook.1 == line);
            let state = bench.card.line(line).unwrap().off_hook;
            prop_assert!(last.is_none_or(|hook| hook.2 == state), "line {line} ended as {state}, told {last:?}");
        }
    }
}

/// What was told of this ledger. Beside it come changes that were held for want of room, and repeats
/// of what a host before this one kept without the card having heard of it.
fn told_of(bench: &Bench, ledger: &[Hook]) -> Vec<Hook> {
    bench.hooks().into_iter().filter(|hook| ledger.contains(hook)).collect()
}

fn is_in_order_without_repeats(part: &[Hook], whole: &[Hook]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|item| rest.any(|other| other == item))
}

type Hook = (ata_wire::Seq, u8, bool);
