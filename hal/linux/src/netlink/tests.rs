//! Reading only: whatever namespace runs the tests has a loopback interface.

use packet::link::{LinkAttribute, LinkMessage};
use packet::route::RouteMessage;

use super::*;

#[test]
fn a_dump_finds_the_loopback_interface() {
    let mut session = Session::open().unwrap();

    let links = session.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).unwrap();

    let names = links.iter().filter_map(|link| match link {
        RouteNetlinkMessage::NewLink(link) => link.attributes.iter().find_map(|a| match a {
            LinkAttribute::IfName(name) => Some(name.as_str()),
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(names.filter(|name| *name == "lo").count(), 1);
    assert_eq!(session.undecodable(), 0);
}

#[test]
fn a_refusal_carries_the_error_number_and_the_session_goes_on() {
    let mut session = Session::open().unwrap();
    let mut nowhere = LinkMessage::default();
    nowhere.header.index = 0x7fff_fff0;

    let refused = session.request(RouteNetlinkMessage::DelLink(nowhere.clone()), 0).unwrap_err();
    let absent = session.get(RouteNetlinkMessage::GetLink(nowhere)).unwrap();

    assert!(refused.is(Errno::ENODEV) || refused.is(Errno::EPERM), "{refused}");
    assert_eq!(absent, None);
    assert!(!session.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).unwrap().is_empty());
}

#[test]
fn answers_to_an_abandoned_request_are_skipped() {
    let mut session = Session::open().unwrap();
    let everything = RouteNetlinkMessage::GetLink(LinkMessage::default());

    session.exchange.transmit(everything, NLM_F_REQUEST | NLM_F_DUMP).unwrap();
    let mut nowhere = LinkMessage::default();
    nowhere.header.index = 0x7fff_fff0;
    let absent = session.get(RouteNetlinkMessage::GetLink(nowhere)).unwrap();

    assert_eq!(absent, None, "the abandoned dump must not be taken for the answer");
}

#[test]
fn a_silent_kernel_is_an_error_within_the_time_limit() {
    let mut session = Session::open().unwrap();
    setsockopt(&session.exchange.socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(20)).unwrap();

    let nothing = session.exchange.datagram("wait for nothing").unwrap_err();

    assert!(matches!(nothing, NetlinkError::Silent { what: "wait for nothing" }));
}

#[test]
fn a_table_that_does_not_exist_is_absent() {
    let mut session = Session::open().unwrap();
    let mut request = RouteMessage::default();
    request.header.address_family = packet::AddressFamily::Inet;
    request.header.table = 251;
    match session.dump(RouteNetlinkMessage::GetRoute(request)) {
        Ok(routes) => assert_eq!(routes, []),
        Err(error) => assert!(error.says_absent(), "{error}"),
    }
}

#[test]
fn frames_end_at_the_first_impossible_length() {
    let frame = |length: u32| [length.to_ne_bytes().as_slice(), &[0; 12]].concat();
    let table: &[(Vec<u8>, usize)] = &[
        (vec![], 0),
        (frame(16), 1),
        ([frame(16), frame(16)].concat(), 2),
        (frame(15), 0),
        (frame(17), 0),
        ([frame(16), vec![1, 2, 3]].concat(), 1),
        ([frame(18), vec![7, 7, 0, 0], frame(16)].concat(), 2),
    ];
    for (bytes, count) in table {
        assert_eq!(Frames(bytes).count(), *count, "{bytes:?}");
    }
}
