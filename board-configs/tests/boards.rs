//! Boards: inheritance, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod common;

use board_configs::{CardPort, Origin, PowerFolders};
use common::{board_of, messages};

const GENERIC: (&str, &str) = (
    "generic",
    "about = \"Anything with two ports.\"\nproven = true\n\n[ports]\nlan = \"eth0\"\nwan1 = \"eth1\"\n\n\
     [card]\ndevice = \"/dev/ttyS1\"\nbaud = 115200\nlines = 2\n",
);

#[test]
fn a_board_says_only_its_difference() {
    let acme = (
        "acme",
        "inherit = \"generic\"\nabout = \"Its ports are swapped, and it has a third.\"\n\n\
         [ports]\nlan = \"eth1\"\nwan1 = \"eth0\"\nwan2 = \"wwan0\"\n\n[card]\nlines = 4\n",
    );

    let board = board_of("acme", &[GENERIC, acme]).unwrap().value;

    assert_eq!(board.name, "acme");
    assert_eq!(board.about, "Its ports are swapped, and it has a third.");
    let ports: Vec<_> =
        board.ports.iter().map(|(name, interface)| (name.as_str(), interface.as_str())).collect();
    assert_eq!(ports, [("lan", "eth1"), ("wan1", "eth0"), ("wan2", "wwan0")]);
    assert_eq!(board.card, Some(CardPort { device: "/dev/ttyS1".into(), baud: 115_200, lines: 4 }));
}

#[test]
fn a_variant_of_a_proven_board_is_not_proven() {
    let twin = ("twin", "inherit = \"generic\"\nabout = \"The same with another sticker.\"\n");
    assert!(board_of("generic", &[GENERIC]).unwrap().value.proven);
    assert!(!board_of("twin", &[GENERIC, twin]).unwrap().value.proven);
}

#[test]
fn each_value_says_which_file_it_comes_from() {
    let acme = ("acme", "inherit = \"generic\"\nabout = \"One line more.\"\n[card]\nlines = 3\n");
    let loaded = board_of("acme", &[GENERIC, acme]).unwrap();
    let origin = |key: &str| {
        let found = loaded.effective.iter().find(|value| value.key == key).unwrap();
        (found.value.as_str(), found.origin.clone())
    };
    let file = |file: &str, line| Origin::File { file: format!("/boards/{file}.toml"), line: Some(line) };
    assert_eq!(origin("card.lines"), ("3", file("acme", 4)));
    assert_eq!(origin("card.baud"), ("115200", file("generic", 10)));
    assert_eq!(origin("proven"), ("false", Origin::Default));
}

#[test]
fn power_is_inherited_key_by_key() {
    let parent = (
        "parent",
        "about = \"a\"\n[ports]\nlan = \"eth0\"\n[power]\nmains = \"/sys/a\"\nbattery = \"/sys/b\"\n",
    );
    let heir = ("heir", "inherit = \"parent\"\nabout = \"b\"\n[power]\nmains = \"/sys/c\"\n");
    let power = board_of("heir", &[parent, heir]).unwrap().value.power;
    assert_eq!(power, PowerFolders { mains: Some("/sys/c".into()), battery: Some("/sys/b".into()) });
    assert_eq!(board_of("generic", &[GENERIC]).unwrap().value.power, PowerFolders::default());
}

/// A board file, what is said.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "[ports]\nlan = \"eth0\"\n",
        &[
            "x.toml: about: is missing, expected 1 to 120 characters on one line. Add about = \"a few words\". \
               Why this board exists and how it differs, one sentence. It is not inherited.",
        ],
    ),
    ("about = \"a\"\n", &["x.toml: ports: no port is named. Add [ports] with lines like wan1 = \"eth0\"."]),
    (
        "about = \"a\"\n[ports]\nlan = \"eth0\"\nwan1 = \"eth0\"\n",
        &[
            "x.toml:4: ports.wan1: \"eth0\" is also the interface of port lan. Give each port an interface of \
               its own.",
        ],
    ),
    (
        "about = \"a\"\n[ports]\nLAN = \"eth0\"\nwan1 = \"a/b\"\n",
        &[
            "x.toml:3: ports.LAN: \"LAN\" is not a name that is printed beside a connector: 1 to 15 of a-z, 0-9 \
               and '-', beginning with a letter. Rename it.",
            "x.toml:4: ports.wan1: found \"a/b\", expected a network interface: 1 to 15 characters without \
               blanks, '/' and ':'. Write it like wan1 = \"eth0\".",
        ],
    ),
    (
        "about = \"a\"\nproved = true\n[ports]\nlan = \"eth0\"\n",
        &["x.toml:2: proved: is not a known key. Did you mean proven?"],
    ),
    (
        "about = \"a\"\n[ports]\nlan = \"eth0\"\n[card]\nlines = 9\n",
        &["x.toml:5: card.lines: found the number 9, expected a whole number from 1 to 8. Write it like \
               lines = 1."],
    ),
    (
        "about = \"a\"\n[ports]\nlan = \"eth0\"\n[card]\nlines = 2\n",
        &["x.toml: card.device: is missing: a line card needs it. Add device = \"/dev/ttyS1\" to [card]."],
    ),
    (
        "about = \"a\"\ninherit = \"../../etc/x\"\n[ports]\nlan = \"eth0\"\n",
        &[
            "x.toml:2: inherit: found \"../../etc/x\", expected 1 to 32 of a-z, 0-9, '-' and '_', the name of a \
               board's file without .toml. Write it like inherit = \"lab\".",
        ],
    ),
    (
        "about = \"a\"\ncard = 3\nports = \"eth0\"\n",
        &[
            "x.toml:2: card: found the number 3, expected a section. Write it like [card].",
            "x.toml:3: ports: found \"eth0\", expected at most 64 lines `name = value`, each a network interface: \
               1 to 15 characters without blanks, '/' and ':'. Write it like [ports].",
        ],
    ),
];

#[test]
fn mistakes_name_file_line_key_and_remedy() {
    for (text, expected) in MISTAKES.iter().copied() {
        let found = messages(&board_of("x", &[("x", text)]).unwrap_err());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_circle_is_told_and_not_walked() {
    let heir = |parent: &str| format!("inherit = \"{parent}\"\nabout = \"a\"\n[ports]\nlan = \"eth0\"\n");
    let (a, b) = (heir("b"), heir("a"));
    let errors = board_of("a", &[("a", &a), ("b", &b)]).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["b.toml:1: inherit: goes in a circle: a -> b -> a. Let one of them stand for itself."]
    );
}

#[test]
fn inheritance_has_an_end() {
    let texts: Vec<_> = (0..20)
        .map(|n| {
            (format!("b{n}"), format!("inherit = \"b{}\"\nabout = \"a\"\n[ports]\nlan = \"eth0\"\n", n + 1))
        })
        .collect();
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let found = messages(&board_of("b0", &files).unwrap_err());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("is more than 8 boards deep"), "{found:?}");
}

#[test]
fn a_missing_parent_is_told_beside_its_heir() {
    let heir = ("acme", "about = \"a\"\ninherit = \"generik\"\n[ports]\nlan = \"eth0\"\n");
    assert_eq!(
        messages(&board_of("acme", &[heir]).unwrap_err()),
        [
            "acme.toml:2: inherit: the board \"generik\" that it inherits from cannot be used. Correct that board, \
             or inherit from another.",
            "generik.toml: cannot be read: entity not found. Check the path, or write the file.",
        ]
    );
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_no_board() {
    for name in ["../x", "", "a/b", "A", "x.toml"] {
        let found = messages(&board_of(name, &[]).unwrap_err());
        assert!(found[0].starts_with("--board: "), "{name:?}: {found:?}");
    }
}
