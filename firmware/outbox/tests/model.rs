//! Whatever happens in whatever order: nothing is lost silently, order holds, memory is bounded.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod world;

use noc_messages::Class;
use proptest::prelude::*;
use world::{World, config};

#[derive(Clone, Debug)]
enum Step {
    Record(Class, usize),
    Store(usize),
    Sync,
    FlashFails,
    FlashHeals,
    Connect,
    Disconnect,
    Take(usize),
    Acknowledge(usize),
    Deliver(usize),
    Confirm,
    Pass(u64),
    Restart { power_cut: bool },
    BrokerForgets,
    CollectorCrashes,
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![3 => Just(Class::State), 2 => Just(Class::Signal), 1 => Just(Class::Audit), 1 => Just(Class::Metric)]
}

fn step(forgetful: bool) -> impl Strategy<Value = Step> {
    let forgets =
        if forgetful { [Step::BrokerForgets, Step::CollectorCrashes] } else { [Step::Sync, Step::Confirm] };
    prop_oneof![
        12 => (class(), 0_usize..600).prop_map(|(class, size)| Step::Record(class, size)),
        8 => (1_usize..8).prop_map(Step::Store),
        4 => Just(Step::Sync),
        1 => Just(Step::FlashFails),
        2 => Just(Step::FlashHeals),
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        5 => (1_usize..20).prop_map(Step::Take),
        5 => (1_usize..20).prop_map(Step::Acknowledge),
        5 => (1_usize..20).prop_map(Step::Deliver),
        3 => Just(Step::Confirm),
        3 => (1_u64..40_000).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(|power_cut| Step::Restart { power_cut }),
        2 => prop::sample::select(forgets.to_vec()),
    ]
}

/// What was never durable and went down with the daemon or its power: the only thing that may go.
#[derive(Default)]
struct Excused {
    places: std::collections::BTreeSet<noc_messages::Position>,
    flash_failed: bool,
}

fn play(world: &mut World, excused: &mut Excused, step: &Step) {
    match *step {
        Step::Record(class, size) => drop(world.record(class, size)),
        Step::Store(n) => world.store(n),
        Step::Sync => world.sync(),
        Step::FlashFails => {
            excused.flash_failed = true;
            world.flash.fail();
        }
        Step::FlashHeals => world.flash.heal(),
        Step::Connect => world.connect(),
        Step::Disconnect => world.disconnect(),
        Step::Take(n) => world.take(n),
        Step::Acknowledge(n) => world.acknowledge(n),
        Step::Deliver(n) => world.deliver(n),
        Step::Confirm => world.confirm(),
        Step::Pass(ms) => world.pass(ms),
        Step::Restart { power_cut } => {
            if power_cut || excused.flash_failed || world.outbox.status().store_failing {
                let unconfirmed = world.made.iter().filter(|(_, p)| !world.confirmed.contains(p));
                excused.places.extend(unconfirmed.map(|(_, p)| *p));
            }
            world.flash.heal();
            world.restart(power_cut);
        }
        Step::BrokerForgets => world.broker.clear(),
        Step::CollectorCrashes => world.collector.crash(),
    }
    excused.flash_failed |= world.outbox.status().store_failing;
}

fn nothing_is_lost(world: &World, excused: &Excused) -> Result<(), TestCaseError> {
    for (class, place) in &world.made {
        let fine = world.collector.holds(*class, *place)
            || world.collector.is_told_lost(*class, *place)
            || excused.places.contains(place);
        prop_assert!(fine, "{class:?} {place:?} is lost silently; {:?}", world.collector);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_durable_record_arrives_in_order_whatever_is_cut(
        steps in prop::collection::vec(step(false), 1..250),
    ) {
        let mut world = World::new(config(100_000));
        let mut excused = Excused::default();
        for step in steps {
            play(&mut world, &mut excused, &step);
        }
        world.settle();

        nothing_is_lost(&world, &excused)?;
        let told = &world.collector.lost;
        prop_assert!(told.is_empty() || !excused.places.is_empty(), "{:?}", told);
        if !excused.flash_failed {
            for (class, arrived) in &world.collector.arrived {
                prop_assert!(arrived.is_sorted(), "{class:?} out of order: {arrived:?}");
            }
        }
        prop_assert_eq!(world.flash.len(), 0);
    }

    #[test]
    fn a_forgetful_broker_or_collector_loses_nothing(steps in prop::collection::vec(step(true), 1..250)) {
        let mut world = World::new(config(100_000));
        let mut excused = Excused::default();
        for step in steps {
            play(&mut world, &mut excused, &step);
        }
        world.settle();

        nothing_is_lost(&world, &excused)?;
    }

    #[test]
    fn a_full_spool_tells_exactly_what_it_gave_up(steps in prop::collection::vec(step(true), 1..400)) {
        let mut world = World::new(config(40));
        let mut excused = Excused::default();
        for step in steps {
            play(&mut world, &mut excused, &step);
        }
        world.settle();
        // An eviction whose word went down with the power shows at the next record of its class.
        for class in Class::DURABLE {
            world.record(class, 0);
        }
        world.settle();

        nothing_is_lost(&world, &excused)?;
    }
}
