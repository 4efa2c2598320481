//! The law of the kiss-off: after the station's acknowledgement, while the panel listens, never else.

use std::time::Duration;

use appliance::{CardCommand, Command, Entry};
use dsp::tones::Sequence;
use line::Step;

use crate::site::{self, frame};
use crate::station::Mood;
use crate::world::World;

const BURGLARY: &str = "1234181131010158";

/// A box whose paths are proven.
fn world(lines: u8) -> World {
    let mut world = World::new(lines);
    world.run(Duration::from_secs(5));
    world
}

fn kiss_offs(world: &World) -> usize {
    let is = |c: &Command| matches!(c, Command::Card(CardCommand::Play { sequence: Sequence::KissOff, .. }));
    world.seen.iter().filter(|(_, c)| is(c)).count()
}

fn sent(world: &World, digits: &str) -> usize {
    world.station.frames.iter().filter(|(signal, ..)| *signal == frame(digits)).count()
}

#[test]
fn no_kiss_off_before_station_ack() {
    for delay in [10, 400, 900, 2_500, 4_000] {
        let mut world = world(1);
        world.station.mood = Mood::Acks(delay);
        world.report(0, BURGLARY);
        assert!(world.until(60, |w| w.kissed(0).len() == 1), "an ACK after {delay} ms");
        world.run(Duration::from_secs(5));
        let steps: Vec<&Step> = (world.evidence.iter())
            .filter_map(|e| if let Entry::Call { step, .. } = e { Some(step) } else { None })
            .collect();
        let place = |is: &dyn Fn(&Step) -> bool| steps.iter().position(|s| is(s)).unwrap();
        let delivered = place(&|s| matches!(s, Step::Delivered { .. }));
        let kissed = place(&|s| {
            matches!(s, Step::KissedOff { after, .. }
            if (200..=1_100).contains(&after.as_millis()))
        });
        assert!(place(&|s| matches!(s, Step::Message { .. })) < delivered && delivered < kissed);
        assert!(matches!(steps.last(), Some(Step::HungUp { not_kissed_off: 0 })));
        assert_eq!(world.recovery().undelivered, []);
        world.replays();
    }
}
