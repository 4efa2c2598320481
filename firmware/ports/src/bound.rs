//! A socket that leaves by one link: marked for the policy rules and bound to the link's own address.
//!
//! It refuses `SO_BINDTODEVICE`: without a route such a socket believes whoever answers its ARP.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hal::LinkId;
use socket2::{Domain, Socket, Type};

/// A non-blocking socket to reach `to` with; the port of its own end is the kernel's choice.
pub(crate) fn socket(kind: Type, to: SocketAddr, link: LinkId, source: IpAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), kind, None)?;
    socket.set_nonblocking(true)?;
    socket.set_mark(link.mark()).map_err(|e| named("mark the socket (needs CAP_NET_ADMIN)", &e))?;
    let own = SocketAddr::new(source, 0);
    socket.bind(&own.into()).map_err(|e| named(&format!("bind to {source}"), &e))?;
    Ok(socket)
}

fn named(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}
