//! Loss of carrier, alone in its file: any other test that reads interfaces at the same time makes
//! the kernel hand out the events that it holds back.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test measures, its helpers unwrap")]

mod world;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use hal_linux::links::LinkWatch;
use world::{in_a_namespace, watched};

#[test]
fn carrier_loss_is_told_within_a_poll_on_urgent_and_rate_limited_interfaces() {
    // The kernel reports a loss of carrier at once where the two ends bear different numbers, and
    // at most once a second where they bear the same, as it does for hardware.
    for peer_index in [21, 11] {
        in_a_namespace(move |net| {
            let mut isp = net.another();
            let home = net.home();
            net.cable("wan1", 11, &isp, "box", peer_index);
            net.add_address("wan1", "10.0.1.2/24");
            net.set_up("wan1", true);
            isp.visit(&home, |isp| isp.set_up("box", true));
            let mut watch = LinkWatch::open(&[watched(1)], 0, "holdfast").unwrap();
            until_carrier(&mut watch, true);

            for flap in 0..4 {
                isp.visit(&home, |isp| isp.set_up("box", false));
                let took = until_carrier(&mut watch, false);
                assert!(took < Duration::from_millis(250), "peer #{peer_index}, flap {flap}: {took:?}");
                isp.visit(&home, |isp| isp.set_up("box", true));
                until_carrier(&mut watch, true);
            }
        });
    }
}

fn until_carrier(watch: &mut LinkWatch, carrier: bool) -> Duration {
    let (never, _kept) = UnixStream::pair().unwrap();
    let started = Instant::now();
    loop {
        let changes = watch.turn().unwrap();
        if changes.facts.iter().any(|f| f.carrier == carrier) {
            return started.elapsed();
        }
        assert!(started.elapsed() < Duration::from_secs(5), "carrier {carrier} was never told");
        watch.wait(never.as_fd()).unwrap();
    }
}
