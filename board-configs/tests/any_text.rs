//! Whatever a file holds: words, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod common;

use common::{board_of, messages, site};
use proptest::prelude::*;

/// Keys and values that mean something, in any order and number.
fn almost_a_site() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(LINES), 0..30).prop_map(|lines| lines.join("\n"))
}

const LINES: &[&str] = &[
    "[lan]",
    "[[link]]",
    "[link]",
    "[timing]",
    "[[line]]",
    "[mqtt]",
    "[[station]]",
    "[power]",
    "address = \"192.0.2.1:9000\"",
    "address = \"[::]:1\"",
    "account = \"A017\"",
    "account = \"\u{e9}\u{e9}\"",
    "receiver = \"FFFFFF\"",
    "prefix = 1",
    "key_encoding = \"ascii\"",
    "supervision = \"3m\"",
    "withdraw_after = \"never\"",
    "test_every = \"never\"",
    "profile = \"alarm\"",
    "insecure = [\"dc09-clear\"]",
    "mains = \"/sys/x\"",
    "[spool]",
    "[ports]",
    "[card]",
    "site = \"s\"",
    "site = 1",
    "port = \"lan\"",
    "port = \"wan1\"",
    "port = []",
    "name = \"a\"",
    "name = {}",
    "targets = [\"9.9.9.9\"]",
    "targets = []",
    "targets = [[]]",
    "targets = \"9.9.9.9\"",
    "quorum = 300",
    "quorum = 9223372036854775808",
    "quorum = 0x1",
    "preference = -1",
    "metered = 1979-05-27",
    "line = 7",
    "line = 0",
    "profile = \"fax\"",
    "hold_down = \"0s\"",
    "hold_down = \"3s\"",
    "hold_down = 1.5",
    "probe_active = \"10s\"",
    "probe_burst = \"1s\"",
    "rounds_down = inf",
    "broker = \"b:1\"",
    "key = \"k\"",
    "ca = \"credential:x\"",
    "insecure = [\"mqtt-without-tls\"]",
    "insecure = [\"dc09-clear\", 1]",
    "bytes = \"18446744073709551615GiB\"",
    "gateway4 = \"1.2.3.4\"",
    "gateway6 = \"::\"",
    "inherit = \"x\"",
    "about = \"a\"",
    "proven = true",
    "lan = \"eth0\"",
    "lines = 3",
    "device = \"/dev/x\"",
    "baud = 1_0_0",
    "a.b.c = 1",
    "link = 1",
    "\u{1F4A3} = \"\u{0}\"",
    "\"\" = 1",
    "= ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_a_site_or_is_told_why_not(text in "\\PC{0,200}") {
        judge(&text)?;
    }

    #[test]
    fn almost_a_site_is_a_site_or_is_told_why_not(text in almost_a_site()) {
        judge(&text)?;
    }

    #[test]
    fn a_good_site_with_a_hole_is_a_site_or_is_told_why_not(from in 0_usize..3_000, length in 0_usize..40) {
        let good = include_str!("../sites/example-clinic.toml");
        let bytes = good.bytes().enumerate().filter(|(at, _)| !(from..from + length).contains(at));
        judge(&String::from_utf8_lossy(&bytes.map(|(_, byte)| byte).collect::<Vec<_>>()))?;
    }

    #[test]
    fn deep_nesting_is_no_way_in(depth in 0_usize..5_000) {
        judge(&format!("a = {}{}", "[".repeat(depth), "]".repeat(depth)))?;
        judge(&format!("a = {}", "{a=".repeat(depth)))?;
    }
}

fn judge(text: &str) -> Result<(), TestCaseError> {
    for found in [site(text).err(), board_of("x", &[("x", text)]).err()].into_iter().flatten() {
        prop_assert!(!messages(&found).is_empty());
        for problem in found.problems() {
            prop_assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
            prop_assert!(problem.line != Some(0));
        }
    }
    Ok(())
}
