//! Builds the namespaces and wires them up: lan host, box, ISPs, internet.
//!
//! The box is left as a technician finds it: addresses on its interfaces, no routing, no
//! firewall. Everything else about it is the daemon's business.

use anyhow::{Context, Result, ensure};
use hal_linux::netlink::packet::route::RouteProtocol;

use crate::namespace::Namespace;
use crate::nft::{self, Faults};
use crate::options::{Carrier, GatewayFrom, LabOptions, LinkOptions};
use crate::plan::{self, Link, index};
use crate::prefix::Prefix;
use crate::sysctl;
use crate::wires::{End, LOOPBACK, Route, Wires};

/// The namespaces of a lab.
#[derive(Debug)]
pub(crate) struct Topology {
    pub(crate) lan: Namespace,
    pub(crate) branch: Namespace,
    pub(crate) isps: Vec<Isp>,
    pub(crate) internet: Namespace,
}

/// An ISP's router, and the session that unplugs its customers.
#[derive(Debug)]
pub(crate) struct Isp {
    pub(crate) namespace: Namespace,
    pub(crate) wires: Wires,
    pub(crate) access: u32,
}

impl Topology {
    pub(crate) fn build(prefix: Prefix, options: &LabOptions) -> Result<Self> {
        let lan = host(&format!("{prefix}-lan"), sysctl::HOST)?;
        let branch = host(&format!("{prefix}-box"), sysctl::HOST)?;
        let internet = host(&format!("{prefix}-inet"), sysctl::HOST)?;
        wire_lan(&lan, &branch)?;
        wire_internet(&internet)?;
        let mut isps = Vec::new();
        for (link, wanted) in options.numbered() {
            isps.push(wire_isp(prefix, link, wanted, &branch, &internet)?);
        }
        Ok(Self { lan, branch, isps, internet })
    }
}

fn host(name: &str, switches: &[(&str, &str)]) -> Result<Namespace> {
    let namespace = Namespace::create(name)?;
    namespace.run(|| {
        sysctl::set(switches)?;
        Wires::open()?.set_up(LOOPBACK, true)
    })?;
    Ok(namespace)
}

fn wire_lan(lan: &Namespace, branch: &Namespace) -> Result<()> {
    let (here, there) = index::LAN;
    let far = lan.open()?;
    branch.run(|| {
        let mut wires = Wires::open()?;
        wires.cable(End { name: "lan", index: here }, End { name: "eth0", index: there }, &far)?;
        wires.address(here, &plan::BOX_LAN)?;
        wires.set_up(here, true)
    })?;
    lan.run(|| {
        let mut wires = Wires::open()?;
        wires.address(there, &plan::LAN_HOST)?;
        wires.set_up(there, true)?;
        plan::BOX_LAN.iter().try_for_each(|net| wires.route(&Route::default_via(net.address)))
    })
}

fn wire_internet(internet: &Namespace) -> Result<()> {
    internet.run(|| {
        let mut wires = Wires::open()?;
        for nets in plan::TARGETS.iter().chain([&plan::BROKER, &plan::STATION, &plan::FAR_END]) {
            wires.address(LOOPBACK, nets)?;
        }
        Ok(())
    })
}

fn wire_isp(
    prefix: Prefix,
    link: Link,
    wanted: &LinkOptions,
    branch: &Namespace,
    internet: &Namespace,
) -> Result<Isp> {
    let namespace = host(&format!("{prefix}-isp{}", link.number()), sysctl::HOST)?;
    namespace.run(|| sysctl::set(sysctl::ROUTER))?;
    let access = match wanted.carrier {
        Carrier::Prompt => index::isp_access(link),
        Carrier::RateLimited => index::box_wan(link),
    };
    plug_transit(link, &namespace, internet)?;
    plug_access(link, access, wanted, &namespace, branch)?;
    nft::apply(&namespace, &Faults::default())?;
    let wires = namespace.run(Wires::open)?;
    Ok(Isp { namespace, wires, access })
}

fn plug_transit(link: Link, isp: &Namespace, internet: &Namespace) -> Result<()> {
    let (near, far) = index::transit(link);
    let other = internet.open()?;
    isp.run(|| {
        let mut wires = Wires::open()?;
        let name = format!("isp{}", link.number());
        wires.cable(End { name: "transit", index: near }, End { name: &name, index: far }, &other)?;
        wires.address(near, &plan::transit_isp(link))?;
        wires.set_up(near, true)
    })?;
    internet.run(|| {
        let mut wires = Wires::open()?;
        wires.address(far, &plan::transit_internet(link))?;
        wires.set_up(far, true)?;
        let back = plan::gateway(link).into_iter().zip(plan::transit_isp(link));
        back.into_iter().try_for_each(|(to, via)| wires.route(&Route::via(to, via.address)))
    })?;
    isp.run(|| {
        let mut wires = Wires::open()?;
        plan::transit_internet(link).iter().try_for_each(|net| wires.route(&Route::default_via(net.address)))
    })
}

fn plug_access(
    link: Link,
    access: u32,
    wanted: &LinkOptions,
    isp: &Namespace,
    branch: &Namespace,
) -> Result<()> {
    let here = index::box_wan(link);
    let other = isp.open()?;
    isp.run(|| {
        let mut wires = Wires::open()?;
        // While the customer is unplugged, packets for him end here and are not sent round in circles.
        plan::gateway(link).iter().try_for_each(|net| wires.route(&Route::blackhole(*net)))
    })?;
    branch.run(|| {
        let mut wires = Wires::open()?;
        let name = link.interface();
        wires.cable(End { name: &name, index: here }, End { name: "access", index: access }, &other)?;
        wires.address(here, &plan::box_wan(link))
    })?;
    isp.run(|| {
        let mut wires = Wires::open()?;
        wires.address(access, &plan::gateway(link))?;
        wires.address(access, &[plan::GATEWAY_LINK_LOCAL])?;
        wires.set_up(access, true)
    })?;
    branch.run(|| {
        let mut wires = Wires::open()?;
        wires.set_up(here, true)?;
        if wanted.gateway == GatewayFrom::MainTable {
            default_routes(link).iter().try_for_each(|route| wires.route(route))?;
        }
        check_carrier(&mut wires, link, wanted.carrier)
    })
}

/// What a DHCP client and a router advertisement leave in `main`.
pub(crate) fn default_routes(link: Link) -> [Route; 2] {
    let [gateway4, _] = plan::gateway(link);
    let metric = 1000 + u32::from(link.number());
    let interface = Some(index::box_wan(link));
    let dhcp = Route::default_via(gateway4.address);
    let advertised = Route::default_via(plan::GATEWAY_LINK_LOCAL.address);
    [
        Route { metric, interface, protocol: RouteProtocol::Dhcp, ..dhcp },
        Route { metric, interface, protocol: RouteProtocol::Ra, ..advertised },
    ]
}

/// The kernel decides by these two numbers how promptly it tells of a lost carrier.
fn check_carrier(wires: &mut Wires, link: Link, wanted: Carrier) -> Result<()> {
    let near = index::box_wan(link);
    let far = wires.other_end(near).with_context(|| format!("look at link {link}"))?;
    ensure!(
        (near == far) == (wanted == Carrier::RateLimited),
        "link {link}: interface numbers {near} and {far} do not give {wanted:?} carrier events"
    );
    Ok(())
}
