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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_carries_its_links_mark_and_source() {
        let (link, source) = (LinkId::new(3).unwrap(), IpAddr::from([127, 0, 0, 5]));
        for kind in [Type::STREAM, Type::DGRAM] {
            let socket = socket(kind, SocketAddr::from(([127, 0, 0, 1], 9)), link, source).unwrap();
            assert_eq!(socket.mark().unwrap(), link.mark());
            assert_eq!(socket.local_addr().unwrap().as_socket().map(|own| own.ip()), Some(source));
        }
    }

    #[test]
    fn a_source_that_is_not_ours_is_told_with_its_address() {
        let (link, foreign) = (LinkId::new(1).unwrap(), IpAddr::from([192, 0, 2, 1]));
        let refused = socket(Type::DGRAM, SocketAddr::from(([127, 0, 0, 1], 9)), link, foreign).unwrap_err();
        assert!(refused.to_string().starts_with("cannot bind to 192.0.2.1: "), "{refused}");
    }
}
