//! Days in moments: loss, flapping, and the same again to the byte.

use hal::{Family, Tick};
use hal_sim::{Entropy, World};
use wan::{Notice, WanConfig};

use crate::site::{FIBRE, LTE, blackhole, id, link, ms, running, secs, two_links};

const DAY: u64 = 24 * 3_600;

#[test]
fn a_day_of_five_percent_loss_moves_nothing_and_alarms_nobody() {
    for seed in 1..=2 {
        let mut world = running(two_links(), seed);
        for n in [FIBRE, LTE] {
            world.change(id(n), |l| {
                l.v4.loss_permille = 50;
                l.v6.loss_permille = 50;
            });
        }
        let from = world.now();

        world.run_for(secs(DAY));

        assert_eq!(world.notices(from).count(), 0, "seed {seed}");
    }
}

#[test]
fn a_day_of_flapping_keeps_the_site_on_a_working_link() {
    let mut world = running(two_links(), 4);
    let mut chance = Entropy::new(4);
    let from = world.now();
    let mut dark_ms = 0;
    let mut flaps = 0;

    while world.now() < from + secs(DAY) {
        flaps += 1;
        flap(&mut world, &mut chance, &mut dark_ms);
    }

    // Each flap of the fibre costs its detection at most; LTE never fails.
    assert!(flaps > 1_000, "{flaps}");
    assert!(dark_ms <= flaps * 750, "{dark_ms} ms dark in {flaps} flaps");
    assert!(all_down(&world, from) == 0);
    world.run_for(secs(120));
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
}

/// The fibre fails for a moment or a minute, by cable or upstream, and comes back for as long.
fn flap(world: &mut World, chance: &mut Entropy, dark_ms: &mut u64) {
    let (outage, rest) = (10 + chance.below(60_000), 10 + chance.below(90_000));
    let by_cable = chance.permille(500);
    let set = |world: &mut World, bad: bool| {
        if by_cable {
            world.change(id(FIBRE), |l| l.carrier = !bad);
        } else {
            blackhole(world, FIBRE, bad);
        }
    };
    set(world, true);
    *dark_ms += run_measured(world, outage);
    set(world, false);
    *dark_ms += run_measured(world, rest);
}

/// Runs and answers for how many milliseconds IPv4 led nowhere.
fn run_measured(world: &mut World, time_ms: u64) -> u64 {
    let end = world.now() + ms(time_ms);
    let mut dark = 0;
    // A switch takes less than a second: what is dark for longer is dark all the time.
    while world.now() < end {
        let step = if world.carries(Family::V4) { (end.0 - world.now().0).min(1_000) } else { 1 };
        dark += u64::from(!world.carries(Family::V4)) * step;
        world.run_for(ms(step));
    }
    dark
}

#[test]
fn bursts_of_loss_shorter_than_the_verdict_move_nothing() {
    let mut world = running(two_links(), 5);
    let mut chance = Entropy::new(5);
    let from = world.now();

    for _ in 0..2_000 {
        blackhole(&mut world, FIBRE, true);
        world.run_for(ms(200));
        blackhole(&mut world, FIBRE, false);
        world.run_for(ms(2_000 + chance.below(3_000)));
    }

    assert_eq!(world.switches(from), 0);
}

#[test]
fn the_same_seed_and_world_give_the_same_actions_to_the_byte() {
    let story = |seed: u64| {
        let mut world = World::new(three_links(), seed);
        world.keep_trace();
        world.start(None, None);
        let mut chance = Entropy::new(99);
        for _ in 0..200 {
            let n = 1 + u8::try_from(chance.below(3)).unwrap();
            let bad = chance.permille(500);
            if chance.permille(300) {
                world.change(id(n), |l| l.carrier = !bad);
            } else {
                blackhole(&mut world, n, bad);
            }
            world.run_for(ms(chance.below(20_000)));
        }
        let actions: Vec<_> = world.trace().iter().map(|e| (e.at.0, &e.action)).collect();
        serde_json::to_vec(&actions).unwrap()
    };

    assert!(story(7) == story(7));
    assert!(story(7) != story(8), "the seed matters");
}

#[test]
fn a_snapshot_goes_on_like_the_original() {
    let mut world = running(three_links(), 6);
    blackhole(&mut world, FIBRE, true);
    world.run_for(ms(300));
    let mut copy = world.clone();
    let json = serde_json::to_string(&world.wan).unwrap();
    copy.wan = serde_json::from_str(&json).unwrap();
    assert_eq!(copy.wan, world.wan);

    for world in [&mut world, &mut copy] {
        world.keep_trace();
        world.run_for(secs(300));
    }

    assert!(world.trace() == copy.trace());
    assert_eq!(copy.wan, world.wan);
}

fn three_links() -> WanConfig {
    let mut config = two_links();
    config.links.push(link(3, 3));
    config
}

fn all_down(world: &World, from: Tick) -> usize {
    world.notices(from).filter(|n| matches!(n, Notice::AllDown { .. })).count()
}
