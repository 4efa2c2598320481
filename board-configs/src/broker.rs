//! `host:port` and what can stand for a host.

use core::net::{IpAddr, Ipv6Addr};

/// Host and port; the port is `None` where the text does not say it.
pub(crate) fn parse(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        let port = match rest {
            "" => None,
            rest => Some(port(rest.strip_prefix(':')?)?),
        };
        return Some((address.to_owned(), port));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text.to_owned(), None));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (text, None),
    };
    is_host(host).then(|| (host.to_owned(), port))
}

/// An address, or a name of DNS (RFC 1123).
pub(crate) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label) && !all_digits(text))
}

fn port(digits: &str) -> Option<u16> {
    let digits_only = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|port| digits_only && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_written_with_or_without_a_port() {
        let cases = [
            ("broker.example.net:8883", Some(("broker.example.net", Some(8883)))),
            ("broker", Some(("broker", None))),
            ("192.0.2.1:1883", Some(("192.0.2.1", Some(1883)))),
            ("[2001:db8::1]:8883", Some(("2001:db8::1", Some(8883)))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("broker:0", None),
            ("broker:+1", None),
            ("broker:65536", None),
            ("broker:", None),
            ("", None),
            ("mqtt://broker", None),
            ("bro ker", None),
            ("300.0.2.1", None),
            ("[2001:db8::1]8883", None),
        ];
        for (text, parts) in cases {
            assert_eq!(parse(text), parts.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
        }
    }
}
