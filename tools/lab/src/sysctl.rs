//! Kernel switches of the namespace that the calling thread is in.

use std::fs;

use anyhow::{Context, Result};

/// Writes `net/...` switches.
pub(crate) fn set(switches: &[(&str, &str)]) -> Result<()> {
    for (key, value) in switches {
        let path = format!("/proc/sys/net/{key}");
        fs::write(&path, value)
            .with_context(|| format!("write {value} to {path}: is /proc/sys writable?"))?;
    }
    Ok(())
}

/// What every host of the lab has: an IPv6 address is usable at once and outlives a pulled cable.
pub(crate) const HOST: &[(&str, &str)] = &[
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/all/keep_addr_on_down", "1"),
    ("ipv6/conf/default/keep_addr_on_down", "1"),
];

/// What every router of the lab has besides.
pub(crate) const ROUTER: &[(&str, &str)] =
    &[("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"), ("ipv6/conf/default/forwarding", "1")];
