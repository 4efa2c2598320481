//! Files in memory, for tests of what is made of them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use board_configs::{Board, CardPort, Errors, Loaded, Site, read_board, read_site};

/// A board with three ports and two lines.
pub(crate) fn board() -> Board {
    let port = |name: &str| (name.to_owned(), format!("eth-{name}"));
    Board {
        name: "bench".into(),
        about: "For tests.".into(),
        proven: false,
        ports: BTreeMap::from(["lan", "wan1", "wan2"].map(port)),
        card: Some(CardPort { device: "/dev/ttyS1".into(), baud: 921_600, lines: 2 }),
        power: board_configs::PowerFolders::default(),
        watchdog: None,
    }
}

/// The site of a text, as if it lay in `/etc/holdfast/site.toml`, on [`board`].
pub(crate) fn site(text: &str) -> Result<Loaded<Site>, Errors> {
    site_on(&board(), text)
}

/// The same on another board.
pub(crate) fn site_on(board: &Board, text: &str) -> Result<Loaded<Site>, Errors> {
    read_site(Path::new("/etc/holdfast/site.toml"), board, &|_| Ok(text.to_owned()))
}

/// A board of a folder that holds these files.
pub(crate) fn board_of(name: &str, files: &[(&str, &str)]) -> Result<Loaded<Board>, Errors> {
    let files: BTreeMap<_, _> =
        files.iter().map(|(name, text)| (format!("/boards/{name}.toml"), *text)).collect();
    read_board(name, Path::new("/boards"), &|path| {
        let text = files.get(&path.display().to_string());
        text.map(|text| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

/// The messages without their folder.
pub(crate) fn messages(errors: &Errors) -> Vec<String> {
    let shorten = |problem: &board_configs::Problem| {
        problem.to_string().replace("/etc/holdfast/", "").replace("/boards/", "")
    };
    errors.problems().iter().map(shorten).collect()
}
