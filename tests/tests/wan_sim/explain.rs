//! What the machine says of itself to people.

use hal::Now;

use crate::site::{FIBRE, LTE, blackhole, id, ms, running, secs, two_links};

#[test]
fn every_link_says_what_it_lacks_and_the_site_says_why_it_goes_where_it_goes() {
    let mut config = two_links();
    for link in &mut config.links {
        link.targets.retain(std::net::IpAddr::is_ipv4);
    }
    let mut world = running_v4(config);
    world.change(id(FIBRE), |l| l.carrier = false);
    world.run_for(secs(60));

    let told = world.wan.explain(Now::at(world.now()));

    assert_eq!(
        told,
        [
            "IPv4 goes over lte2 for 1 min 0 s: it works and no link is preferred to it. Nothing stands behind it.",
            "IPv4 on fibre (rank 1): no carrier for 1 min 0 s; the kernel reported its carrier. Check the cable and the modem.",
            "IPv4 on lte2 (rank 2): up for 1 min 9 s; its targets answer; 0 % of rounds lost.",
        ]
    );
}

fn running_v4(config: wan::WanConfig) -> hal_sim::World {
    let mut world = hal_sim::World::new(config, 1);
    world.start(None, None);
    world.run_for(secs(10));
    world
}

#[test]
fn failback_is_announced_with_its_time() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(5));
    blackhole(&mut world, FIBRE, false);
    world.run_for(secs(20));

    let told = world.wan.explain(Now::at(world.now()));

    let due = told.iter().find(|l| l.starts_with("IPv4 goes back to fibre in ")).expect("announced");
    assert!(due.ends_with(" s, if that stays up."), "{due}");
}

#[test]
fn a_switch_that_the_kernel_refuses_is_said_to_be_unconfirmed() {
    let mut world = running(two_links(), 1);
    world.kernel.refuses.insert(hal::Family::V4);
    world.change(id(FIBRE), |l| l.carrier = false);
    world.run_for(ms(500));

    let told = world.wan.explain(Now::at(world.now())).join("\n");

    assert!(told.contains("IPv4 goes over fibre"), "{told}");
    assert!(told.contains("It is to go over lte2; the kernel has not confirmed it."), "{told}");
    assert!(told.contains("The kernel refused"), "{told}");
}

#[test]
fn a_site_without_any_link_says_so() {
    let mut world = hal_sim::World::new(two_links(), 1);
    for n in [FIBRE, LTE] {
        world.change(id(n), |l| l.carrier = false);
    }
    world.start(None, None);
    world.run_for(secs(1));

    let told = world.wan.explain(Now::at(world.now()));

    assert_eq!(told[0], "IPv4 goes nowhere: no link has carrier, an address and a gateway.");
}
