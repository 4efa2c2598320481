//! Stations that make no sense: each mistake with its words.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod common;

use common::{messages, site};

const GOOD: &str = "site = \"clinic-017\"\n\
                    targets = [\"9.9.9.9\", \"1.1.1.1\", \"8.8.8.8\"]\n\
                    [lan]\nport = \"lan\"\n\
                    [[link]]\nname = \"fibre\"\nport = \"wan1\"\n\
                    [[line]]\nline = 0\nprofile = \"alarm\"\nname = \"panel\"\n\
                    [[station]]\nname = \"north\"\naddress = \"203.0.113.40:9000\"\naccount = \"A017\"\n\
                    key = \"arc.key\"\n";

const SECOND: &str = "[[station]]\nname = \"south\"\naddress = \"203.0.113.41:9000\"\naccount = \"A017\"\n\
                      key = \"arc.key\"\n";

#[test]
fn the_good_site_is_good() {
    assert_eq!(wrong(GOOD), Vec::<String>::new());
    assert_eq!(wrong(&format!("{GOOD}{SECOND}")), Vec::<String>::new());
}

/// What stands in the good site, what replaces it, what is said.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "203.0.113.40:9000",
        "arc.example.net:9000",
        "site.toml:14: station[1].address: found \"arc.example.net:9000\", expected an IP address with its port, \
         \"192.0.2.1:9000\" or \"[2001:db8::1]:9000\". Write it like address = \"192.0.2.1:9000\".",
    ),
    (
        "203.0.113.40:9000",
        "127.0.0.1:9000",
        "site.toml:14: station[1].address: 127.0.0.1 is no station that a link could reach. Write the address that \
         the alarm receiving centre gave you.",
    ),
    (
        "203.0.113.40:9000",
        "[2001:db8::40]:9000",
        "site.toml:14: station[1].address: no link has IPv6 targets, so none carries IPv6: it could never be \
         reached. Name IPv6 targets, or the station's other address.",
    ),
    (
        "\"A017\"",
        "\"A-17\"",
        "site.toml:15: station[1].account: found \"A-17\", expected 3 to 16 of 0-9 and A-F in quotes. Write it \
         like account = \"A017\".",
    ),
    (
        "account = \"A017\"",
        "account = \"A017\"\nreceiver = \"1234567\"",
        "site.toml:16: station[1].receiver: found \"1234567\", expected 1 to 6 of 0-9 and A-F in quotes. Write it \
         like receiver = \"0\".",
    ),
    (
        "key = \"arc.key\"\n",
        "",
        "site.toml:12: station[1].key: is missing: signals travel encrypted. Name the file with the key that the \
         alarm receiving centre gave you, or write insecure = [\"dc09-clear\"] at the top of the file if its \
         receiver has no encryption.",
    ),
    (
        "key = \"arc.key\"",
        "key_encoding = \"ascii\"",
        "site.toml:16: station[1].key_encoding: there is no key that is written so. Remove the line, or name the \
         key.",
    ),
    (
        "site = \"clinic-017\"",
        "site = \"clinic-017\"\ninsecure = [\"dc09-clear\"]",
        "site.toml:2: insecure: \"dc09-clear\" takes off nothing here. Remove the word.",
    ),
    (
        "profile = \"alarm\"",
        "profile = \"phone\"\nwithdraw_after = \"60s\"",
        "site.toml:11: line[1].withdraw_after: what hangs on a line of profile phone does not watch its voltage. \
         Remove the line: it is for profile = \"alarm\".",
    ),
    (
        "profile = \"alarm\"",
        "profile = \"alarm\"\nwithdraw_after = \"nevr\"",
        "site.toml:11: line[1].withdraw_after: found \"nevr\" is not a time, expected a time from 5s to 24h, \
         written like \"5s\" (ms, s, m, h), or \"never\". Write it like withdraw_after = \"5s\".",
    ),
];

#[test]
fn mistakes_name_line_key_and_remedy() {
    for (right, mistake, expected) in MISTAKES.iter().copied() {
        let text = GOOD.replacen(right, mistake, 1);
        assert_ne!(text, GOOD, "{right}");
        let found = wrong(&text);
        assert!(
            found.iter().any(|message| message == expected),
            "{mistake}\nexpected {expected}\nfound {found:#?}"
        );
    }
}

#[test]
fn an_alarm_panel_without_a_station_is_refused() {
    let (text, _) = GOOD.split_once("[[station]]").unwrap();
    assert_eq!(
        wrong(text),
        [
            "site.toml:10: line[1].profile: there is no station to report to: an alarm panel here would hear reorder \
          tone. Add a section [[station]] with what the alarm receiving centre gave you, or use profile = \"phone\"."
        ]
    );
    assert_eq!(wrong(&text.replace("alarm", "phone")), Vec::<String>::new());
}

#[test]
fn a_second_station_is_another_one() {
    let twice = |was: &str, by: &str| wrong(&format!("{GOOD}{}", SECOND.replace(was, by)));
    assert_eq!(
        twice("south", "north"),
        [
            "site.toml:18: station[2].name: \"north\" is the name of [station[1]] already. Give each its own name."
        ]
    );
    assert_eq!(
        twice("203.0.113.41", "203.0.113.40"),
        [
            "site.toml:19: station[2].address: \"203.0.113.40:9000\" is the address of [station[1]] already. Remove one \
          of them: a second station is a second receiver."
        ]
    );
}

#[test]
fn a_test_without_a_station_is_refused() {
    let (text, _) = GOOD.split_once("[[line]]").unwrap();
    assert_eq!(
        wrong(&format!("test_every = \"24h\"\n{text}")),
        [
            "site.toml:1: test_every: there is no station that could be told. Remove the line, or add a section \
          [[station]]."
        ]
    );
}

#[test]
fn more_stations_than_are_tried_are_refused() {
    let more: String =
        (0..4).map(|n| SECOND.replace("south", &format!("s{n}")).replace(".41", &format!(".5{n}"))).collect();
    assert_eq!(
        wrong(&format!("{GOOD}{more}")),
        ["site.toml:12: station: there are 5 of them, at most 4 are served. Remove the rest."]
    );
}

fn wrong(text: &str) -> Vec<String> {
    match site(text) {
        Ok(_) => Vec::new(),
        Err(errors) => messages(&errors),
    }
}
