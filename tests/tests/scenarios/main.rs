//! The real programs in namespaces, in trouble: what must hold is judged by the observer.
//!
//! Needs root and the packages that `cargo xtask test` installs. Each scenario has namespaces of its
//! own, so that they can run side by side.

mod bad_files;
mod bad_input;
mod broker;
mod disk_full;
mod flaps;
mod flight_recording;
mod foreign_changes;
mod kill_in_switch;
mod no_record_lost;
mod restart;
mod switch;

use lab::{Lab, Link, TcpFlow, UdpFlow};

/// The long forms were asked for (`cargo xtask test --all`).
fn long_form() -> bool {
    std::env::var_os("HOLDFAST_TEST_ALL").is_some()
}

/// The kernel's names of the two links of the default lab.
fn wans() -> (String, String) {
    (Link::A.interface(), Link::B.interface())
}

/// A UDP packet each millisecond and a TCP dialogue, both from the LAN to the internet.
fn traffic(lab: &Lab, family: lab::FlowFamily) -> anyhow::Result<(UdpFlow, TcpFlow)> {
    let udp = UdpFlow::start(lab, family, std::time::Duration::from_millis(1))?;
    Ok((udp, TcpFlow::start(lab, family)?))
}
