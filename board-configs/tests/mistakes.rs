//! Sites that make no sense: each mistake with its words.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod common;

use common::{board, messages, site, site_on};

const GOOD: &str = "site = \"clinic-017\"\n\
                    targets = [\"9.9.9.9\", \"1.1.1.1\", \"8.8.8.8\"]\n\
                    [lan]\nport = \"lan\"\n\
                    [[link]]\nname = \"fibre\"\nport = \"wan1\"\n\
                    [[link]]\nname = \"lte\"\nport = \"wan2\"\n";

/// The messages when `line` of the good site (from 1) is replaced.
fn replaced(line: usize, by: &str) -> Vec<String> {
    let lines = GOOD.lines().enumerate().map(|(at, text)| if at + 1 == line { by } else { text });
    wrong(&lines.collect::<Vec<_>>().join("\n"))
}

/// The messages when `more` follows the good site; its first line is line 11.
fn followed(more: &str) -> Vec<String> {
    wrong(&format!("{GOOD}{more}"))
}

fn wrong(text: &str) -> Vec<String> {
    match site(text) {
        Ok(_) => Vec::new(),
        Err(errors) => messages(&errors),
    }
}

#[test]
fn the_good_site_is_good() {
    assert_eq!(wrong(GOOD), Vec::<String>::new());
}

/// Line, what replaces it, what is said.
const LINK_MISTAKES: &[(usize, &str, &str)] = &[
    (
        7,
        "port = \"wan9\"",
        "site.toml:7: link[1].port: \"wan9\" is not a port of board \"bench\": its ports are \
          lan, wan1, wan2. Use one of those.",
    ),
    (
        10,
        "port = \"wan1\"",
        "site.toml:10: link[2].port: \"wan1\" is the port of [link[1]] already. Give each \
          its own port.",
    ),
    (
        10,
        "port = \"lan\"",
        "site.toml:10: link[2].port: \"lan\" is the port of [lan] already. Give each its own \
          port.",
    ),
    (
        9,
        "name = \"fibre\"",
        "site.toml:9: link[2].name: \"fibre\" is the name of [link[1]] already. Give each \
          its own name.",
    ),
    (
        9,
        "name = \"LTE modem\"",
        "site.toml:9: link[2].name: found \"LTE modem\", expected 1 to 15 of a-z, 0-9 \
          and '-', beginning with a letter. Write it like name = \"fibre\".",
    ),
    (
        9,
        "nmae = \"lte\"",
        "site.toml:8: link[2].name: is missing, expected 1 to 15 of a-z, 0-9 and '-', \
          beginning with a letter. Add name = \"fibre\". What people call the link; it stands in every message about \
          it.",
    ),
    (
        9,
        "name = \"lte\"\npreference = 0",
        "site.toml:10: link[2].preference: found the number 0, expected a \
          whole number from 1 to 255. Write it like preference = 1.",
    ),
    (
        9,
        "name = \"lte\"\nmetered = \"yes\"",
        "site.toml:10: link[2].metered: found \"yes\", expected true or \
          false. Write it like metered = false.",
    ),
    (
        9,
        "name = \"lte\"\ngateway4 = \"fe80::1\"",
        "site.toml:10: link[2].gateway4: found \"fe80::1\", expected \
          an IPv4 address such as \"192.0.2.1\". Write it like gateway4 = \"192.0.2.1\".",
    ),
    (
        9,
        "name = \"lte\"\ngateway4 = \"0.0.0.0\"",
        "site.toml:10: link[2].gateway4: 0.0.0.0 cannot be a gateway. \
          Write the address that the provider gave, or remove the line for DHCP.",
    ),
    (
        9,
        "name = \"lte\"\nquorum = 4",
        "site.toml:10: link[2].quorum: 4 can never be reached: the smaller family \
          has 3 targets. Write 3 or less, or name more targets.",
    ),
    (
        2,
        "targets = [\"9.9.9.9\",\n\"9.9.9.9\"]",
        "site.toml:3: targets: 9.9.9.9 is named twice. Remove one of \
          them: it would count twice in the quorum.",
    ),
    (
        2,
        "targets = [\"9.9.9.9\", \"127.0.0.1\"]",
        "site.toml:2: targets: 127.0.0.1 is no target: it is this box \
          itself. Name a host beyond the provider that answers ping.",
    ),
    (
        2,
        "targets = [\"9.9.9.9\", \"dns.example\"]",
        "site.toml:2: targets: found \"dns.example\" is not an IP \
          address, expected a list of 1 to 16 IP addresses in quotes. Write it like targets = [\"192.0.2.1\", \
          \"2001:db8::1\"].",
    ),
];

#[test]
fn keys_of_links() {
    for (line, by, expected) in LINK_MISTAKES.iter().copied() {
        let found = replaced(line, by);
        assert!(
            found.iter().any(|message| message == expected),
            "{by}\nexpected {expected}\nfound {found:#?}"
        );
    }
}

#[test]
fn a_link_without_targets_could_not_be_judged() {
    let found = replaced(2, "");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("site.toml:5: link[1].targets: no target is named"), "{found:#?}");
}

#[test]
fn times() {
    let cases = [
        (
            "hold_down = 3",
            "site.toml:12: timing.hold_down: found the number 3, expected a time from 100ms to 1h, \
          written like \"100ms\" (ms, s, m, h). Write it like hold_down = \"3s\".",
        ),
        (
            "hold_down = \"2h\"",
            "site.toml:12: timing.hold_down: found 2h is more than 1h, expected a time from \
          100ms to 1h, written like \"100ms\" (ms, s, m, h). Write it like hold_down = \"3s\".",
        ),
        ("holddown = \"3s\"", "site.toml:12: timing.holddown: is not a known key. Did you mean hold_down?"),
        (
            "colour = \"3s\"",
            "site.toml:12: timing.colour: is not a known key. Known here: probe_active, \
          probe_standby, probe_metered, probe_burst, timeout_floor, rounds_down, hold_down, failback_after.",
        ),
        (
            "probe_burst = \"500ms\"",
            "site.toml:12: timing.probe_burst: 500ms contradicts probe_active = 200ms: \
          probe_burst must not be longer. Shorten probe_burst or lengthen probe_active.",
        ),
        (
            "probe_standby = \"100ms\"",
            "site.toml:12: timing.probe_standby: 200ms contradicts probe_standby = 100ms: \
          probe_active must not be longer. Shorten probe_active or lengthen probe_standby.",
        ),
        (
            "probe_metered = \"1s\"\nprobe_standby = \"2s\"",
            "site.toml:13: timing.probe_standby: 2s contradicts \
          probe_metered = 1s: probe_standby must not be longer. Shorten probe_standby or lengthen probe_metered.",
        ),
        (
            "rounds_down = 0",
            "site.toml:12: timing.rounds_down: found the number 0, expected a whole number from 1 to \
          20. Write it like rounds_down = 3.",
        ),
        (
            "rounds_down = -1",
            "site.toml:12: timing.rounds_down: found the number -1, expected a whole number from 1 \
          to 20. Write it like rounds_down = 3.",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(followed(&format!("[timing]\n{line}\n")), [expected], "{line}");
    }
}

#[test]
fn lines() {
    let line = |n: u8, name: &str| format!("[[line]]\nline = {n}\nprofile = \"phone\"\nname = \"{name}\"\n");
    assert_eq!(
        followed(&line(2, "desk")),
        [
            "site.toml:12: line[1].line: board \"bench\" has 2 lines, counted from 0: 2 is not one of them. Write 0 to 1."
        ]
    );
    assert_eq!(
        followed(&(line(0, "a") + &line(0, "b"))),
        ["site.toml:16: line[2].line: this line is used by [line[1]] already. Give each its own line."]
    );
    assert_eq!(
        followed(&(line(0, "a") + &line(1, "a"))),
        [
            "site.toml:18: line[2].name: [line[1]] has this name already. Give each its own name: people tell lines \
          apart by it."
        ]
    );
    assert_eq!(
        followed(&line(0, "a").replace("phone", "phon")),
        [
            "site.toml:13: line[1].profile: found \"phon\" (meant \"phone\"?), expected one of alarm, elevator, phone, \
          fax. Write it like profile = \"alarm\"."
        ]
    );
    let bare = board_configs::Board { card: None, ..board() };
    let errors = site_on(&bare, &format!("{GOOD}{}", line(0, "a"))).unwrap_err();
    assert_eq!(
        messages(&errors),
        [
            "site.toml:11: line: board \"bench\" has no line card, so it has no lines. Remove the lines, or use a board \
          with a line card."
        ]
    );
}

#[test]
fn a_broker_without_protection_is_refused() {
    let found = followed("[mqtt]\nbroker = \"broker.example.net\"\n");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(
        found[0],
        "site.toml:11: mqtt.ca: is missing: telemetry goes over mutual TLS. Name the file, or write \
         insecure = [\"mqtt-without-tls\"] at the top of the file for a bench."
    );
}

#[test]
fn a_word_and_its_contrary_are_refused() {
    let insecure = format!("insecure = [\"mqtt-without-tls\"]\n{GOOD}");
    assert_eq!(
        wrong(&format!("{insecure}[mqtt]\nbroker = \"192.0.2.9\"\nkey = \"k\"\n")),
        [
            "site.toml:14: mqtt.key: contradicts insecure = [\"mqtt-without-tls\"]. Remove the word to use TLS, or this \
          line to do without."
        ]
    );
    assert_eq!(
        wrong(&insecure),
        ["site.toml:1: insecure: \"mqtt-without-tls\" takes off nothing here. Remove the word."]
    );
    assert_eq!(
        wrong(&format!("insecure = [\"tls\"]\n{GOOD}")),
        [
            "site.toml:1: insecure: found \"tls\", expected a list of any of mqtt-without-tls, dc09-clear. Write it like \
          insecure = [\"mqtt-without-tls\"]."
        ]
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_lines() {
    let found = wrong(
        "site = \"Clinic 17\"\n[lan]\nport = \"lan\"\n[[link]]\nname = \"a\"\nport = \"wan7\"\ncolour = 1\n\
         [timing]\nhold_down = 3\n[[line]]\nline = 9\n",
    );
    let places: Vec<_> = found.iter().map(|message| message.split(": ").nth(1).unwrap()).collect();
    let expected = [
        "site",
        "link[1].targets",
        "link[1].port",
        "link[1].colour",
        "timing.hold_down",
        "line[1].name",
        "line[1].profile",
        "line[1].line",
    ];
    assert_eq!(places, expected, "{found:#?}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let found = replaced(7, "port = wan1");
    assert!(found[0].starts_with("site.toml:7: this is not TOML: "), "{found:#?}");
    let found = replaced(1, "site = \"a\"\nsite = \"b\"");
    assert!(found[0].starts_with("site.toml:2: this is not TOML: duplicate key"), "{found:#?}");
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    let found = wrong("");
    let keys: Vec<_> = found.iter().map(|message| message.split(": ").nth(1).unwrap()).collect();
    assert_eq!(keys, ["lan", "link", "site"], "{found:#?}");
}

#[test]
fn more_links_than_the_kernel_has_marks_for_are_refused() {
    let (max, one_more) = (hal::LinkId::MAX, hal::LinkId::MAX + 1);
    let links: String =
        (0..one_more).map(|n| format!("[[link]]\nname = \"l{n}\"\nport = \"wan{n}\"\n")).collect();
    let mut wide = board();
    wide.ports.extend((0..one_more).map(|n| (format!("wan{n}"), format!("e{n}"))));
    let text = format!("site = \"s\"\ntargets = [\"9.9.9.9\"]\n[lan]\nport = \"lan\"\n{links}");
    assert_eq!(
        messages(&site_on(&wide, &text).unwrap_err()),
        [format!(
            "site.toml:5: link: there are {one_more} of them, at most {max} are served. Remove the rest."
        )]
    );
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    use board_configs::load_site;
    let path = std::path::Path::new("/etc/holdfast/site.toml");
    let kinds = [
        (std::io::ErrorKind::NotFound, "Check the path"),
        (std::io::ErrorKind::PermissionDenied, "Let the daemon's user read it"),
        (std::io::ErrorKind::InvalidData, "Save it as UTF-8"),
    ];
    for (kind, remedy) in kinds {
        let found = messages(&load_site(path, &board(), &|_| Err(kind.into())).unwrap_err());
        assert!(
            found[0].starts_with("site.toml: cannot be read: ") && found[0].contains(remedy),
            "{found:?}"
        );
    }
    let huge = "#".repeat(300_000);
    let found = messages(&load_site(path, &board(), &|_| Ok(huge.clone())).unwrap_err());
    assert!(found[0].contains("300000 bytes"), "{found:?}");
}
