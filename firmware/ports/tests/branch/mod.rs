//! A branch with a real broker: certificates, Mosquitto, a proxy that misbehaves, the box, a collector.

mod broker;
mod certificates;
#[path = "../../../outbox/tests/world/collector.rs"]
mod collector;
mod mute;
mod noc;
mod proxy;
mod the_box;

use std::time::{Duration, Instant};

pub use broker::Broker;
pub use certificates::Authority;
pub use mute::mute_broker;
pub use noc::Noc;
pub use proxy::Proxy;
pub use the_box::TheBox;

/// Anything that takes longer does not happen.
pub const SOON: Duration = Duration::from_secs(30);

/// Looks again until it is so.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never: {what}");
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
