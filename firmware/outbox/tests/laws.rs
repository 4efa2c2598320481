//! The outbox's laws, one by one.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod world;

use hal::Tick;
use noc_messages::{Class, Position};
use outbox::{Notice, Tag, WINDOW};
use world::{World, config};

fn seqs(world: &World) -> Vec<u64> {
    let place = |tag| match tag {
        Tag::Record(Position { seq, .. }) => Some(seq),
        Tag::State(_) => None,
    };
    world.published.iter().filter_map(|p| place(p.tag)).collect()
}

#[test]
fn nothing_is_published_before_it_is_durable() {
    let mut world = World::new(config(1000));
    world.connect();
    world.record(Class::Signal, 10);
    world.record(Class::State, 10);
    assert!(seqs(&world).is_empty());

    world.store(1);
    assert_eq!(seqs(&world), [1]);

    world.store(1);
    assert_eq!(seqs(&world), [1]);
    world.sync();
    assert_eq!(seqs(&world), [1, 2]);
}

#[test]
fn a_signal_overtakes_a_backlog_of_state_and_the_window_holds() {
    let mut world = World::new(config(10_000));
    for _ in 0..1000 {
        world.record(Class::State, 10);
    }
    world.store(usize::MAX);
    world.sync();
    world.connect();
    world.store(usize::MAX);
    assert_eq!(world.unacknowledged, WINDOW);

    world.record(Class::Signal, 10);
    world.store(1);
    world.take(1);
    world.acknowledge(1);

    assert_eq!(seqs(&world).last(), Some(&1001));
}

#[test]
fn a_puback_releases_nothing_and_the_watermark_does() {
    let mut world = World::new(config(1000));
    world.connect();
    world.record(Class::Signal, 10);
    world.store(1);
    world.take(1);
    world.acknowledge(1);
    assert_eq!((world.outbox.status().records, world.flash.len()), (1, 1));

    world.deliver(1);
    world.confirm();
    world.store(1);
    world.sync();

    assert_eq!((world.outbox.status().records, world.flash.len()), (0, 0));
}

#[test]
fn a_foreign_collector_releases_by_puback_in_batches() {
    let mut world = World::new(outbox::OutboxConfig { release_on_puback: true, ..config(1000) });
    world.connect();
    for _ in 0..5 {
        world.record(Class::Signal, 10);
    }
    world.store(usize::MAX);
    world.take(5);
    world.acknowledge(5);
    assert_eq!(world.flash.len(), 5);

    world.pass(1_000);
    world.store(usize::MAX);
    world.sync();

    assert_eq!((world.outbox.status().records, world.flash.len()), (0, 0));
    assert_eq!(world.outbox.poll_timeout(), None);
}

#[test]
fn every_connection_begins_again_behind_the_watermark() {
    let mut world = World::new(config(1000));
    world.connect();
    for _ in 0..3 {
        world.record(Class::Signal, 10);
    }
    world.store(usize::MAX);
    world.take(1);
    world.acknowledge(1);
    world.deliver(1);
    world.confirm();
    world.published.clear();

    world.connect();
    world.store(usize::MAX);

    assert_eq!(seqs(&world), [2, 3]);
}

#[test]
fn a_collector_that_never_confirms_gets_one_window_again_and_ever_more_rarely() {
    let mut world = World::new(config(10_000));
    world.connect();
    for _ in 0..200 {
        world.record(Class::Signal, 10);
    }
    world.store(usize::MAX);
    world.take(usize::MAX);
    while world.unacknowledged > 0 {
        world.acknowledge(usize::MAX);
        world.take(usize::MAX);
    }
    world.broker.clear();
    assert_eq!(seqs(&world).len(), 200);
    world.published.clear();

    let mut at = Vec::new();
    for second in 0..7200 {
        world.pass(1_000);
        world.store(usize::MAX);
        world.take(usize::MAX);
        world.acknowledge(usize::MAX);
        world.store(usize::MAX);
        if world.published.len() > at.len() * WINDOW {
            at.push(second);
        }
    }

    assert!(at[0] >= 29 && at.windows(3).all(|w| w[2] - w[1] > w[1] - w[0] || w[2] - w[1] > 3000), "{at:?}");
    assert!(seqs(&world).chunks(WINDOW).all(|again| again.first() == Some(&1)), "{:?}", seqs(&world));
    assert!((6..=9).contains(&at.len()), "{at:?}");
    // Live records still go out, and what was lost arrives once the collector confirms again.
    world.record(Class::Signal, 10);
    world.settle();
    assert_eq!(world.collector.arrived[&Class::Signal].len(), 201);
}

#[test]
fn a_watermark_from_the_future_releases_nothing_and_is_counted() {
    let mut world = World::new(config(1000));
    world.connect();
    let place = world.record(Class::Signal, 10);
    world.store(usize::MAX);
    let ahead = Position { boot: place.boot + 5, seq: 1 };

    world.outbox.handle_watermark(
        &noc_messages::Watermark { upto: [(Class::Signal, ahead)].into() },
        hal::Now::at(Tick(5)),
    );
    world.drain();
    world.store(usize::MAX);

    assert_eq!((world.outbox.status().watermarks_ahead, world.outbox.status().records), (1, 1));
}

#[test]
fn a_dead_flash_is_told_and_does_not_silence_the_box() {
    let mut world = World::new(config(1000));
    world.connect();
    world.flash.fail();
    world.record(Class::Signal, 10);
    world.store(usize::MAX);
    assert_eq!(world.notices, [Notice::StoreFailing(true)]);
    assert_eq!(seqs(&world), [1]);
    world.record(Class::State, 10);
    assert_eq!(seqs(&world), [1, 2]);

    world.flash.heal();
    world.settle();
    world.pass(2_000);
    world.store(1);

    assert_eq!(world.notices, [Notice::StoreFailing(true), Notice::StoreFailing(false)]);
    assert_eq!(world.outbox.status().records, 0);
}

#[test]
fn a_flash_that_does_not_answer_counts_as_dead_after_ten_seconds() {
    let mut world = World::new(config(1000));
    world.connect();
    world.record(Class::Signal, 10);
    world.pass(9_999);
    assert!(seqs(&world).is_empty());

    world.pass(1);

    assert_eq!(seqs(&world), [1]);
    assert!(world.outbox.status().store_failing);
}

#[test]
fn memory_stays_bounded_with_a_dead_flash_and_no_broker() {
    let mut world = World::new(config(1_000_000));
    world.flash.fail();
    for n in 0..20_000 {
        world.record(if n % 10 == 0 { Class::Signal } else { Class::State }, 300);
        world.store(usize::MAX);
        world.pass(10);
    }

    assert!(world.memory() < 3 * 1024 * 1024, "{}", world.memory());
    assert!(world.notices.iter().any(|n| matches!(n, Notice::Evicted { class: Class::State, .. })));
    world.settle();
    for (class, place) in &world.made {
        assert!(world.collector.holds(*class, *place) || world.collector.is_told_lost(*class, *place));
    }
}

#[test]
fn a_backlog_of_twenty_thousand_costs_no_memory() {
    let mut world = World::new(config(1_000_000));
    for _ in 0..100 {
        for _ in 0..200 {
            world.record(Class::State, 300);
        }
        world.store(usize::MAX);
        world.sync();
    }
    assert!(world.memory() < 16 * 1024, "{}", world.memory());
    world.connect();
    world.store(usize::MAX);
    assert!(world.memory() < 512 * 1024, "{}", world.memory());
}

#[test]
fn the_spool_warns_at_eighty_per_cent_and_stops_at_sixty() {
    let mut world = World::new(config(100));
    for _ in 0..81 {
        // Signals are the only class that may fill the spool.
        world.record(Class::Signal, 10);
        world.store(usize::MAX);
    }
    assert_eq!(world.notices, [Notice::NearlyFull(true)]);

    world.settle();

    assert_eq!(world.notices, [Notice::NearlyFull(true), Notice::NearlyFull(false)]);
}

#[test]
fn a_flood_of_state_evicts_state_and_never_a_signal() {
    let mut world = World::new(config(100));
    let signals: Vec<_> = (0..20).map(|_| world.record(Class::Signal, 10)).collect();
    for _ in 0..500 {
        world.record(Class::State, 10);
        world.store(usize::MAX);
        world.sync();
        world.pass(100);
    }
    assert!(world.flash.len() <= 101, "{}", world.flash.len());

    world.settle();

    assert!(signals.iter().all(|place| world.collector.holds(Class::Signal, *place)));
    for (class, place) in &world.made {
        assert!(world.collector.holds(*class, *place) || world.collector.is_told_lost(*class, *place));
    }
    let told: u64 = world.collector.lost.iter().map(|l| l.3).sum();
    assert!(told >= 400 && world.collector.lost.len() < 20, "{:?}", world.collector.lost);
}

#[test]
fn unreadable_records_are_told_lost_and_stop_nothing() {
    let mut world = World::new(config(1000));
    for _ in 0..10 {
        world.record(Class::Signal, 10);
    }
    world.store(usize::MAX);
    world.restart(false);
    world.flash.wipe(Class::Signal);
    world.record(Class::Signal, 10);

    world.settle();

    assert_eq!(world.collector.arrived[&Class::Signal].len(), 1);
    assert!(world.made.iter().take(10).all(|(class, place)| world.collector.is_told_lost(*class, *place)));
}

#[test]
fn a_snapshot_goes_on_like_the_machine_it_was_taken_of() {
    let mut world = World::new(config(1000));
    world.connect();
    for n in 0..100 {
        world.record(Class::DURABLE[n % 3], 10);
        world.store(1);
    }
    let json = serde_json::to_string(&world.outbox).unwrap();

    let mut copy: outbox::Outbox = serde_json::from_str(&json).unwrap();

    assert_eq!(copy, world.outbox);
    copy.handle_timeout(world.now());
    world.outbox.handle_timeout(world.now());
    assert_eq!(copy, world.outbox);
}
