//! What is written from the description of the keys, and the files that are shipped.
//!
//! `UPDATE_DOCUMENTS=1 cargo test -p board-configs --test documents` writes the schemas and the
//! README's tables anew; without it a difference is a failure.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
#![allow(clippy::disallowed_methods, reason = "this test reads and writes the documents of its crate")]

mod checker;
mod schema;
mod tables;

use std::path::{Path, PathBuf};
use std::{fs, io};

use board_configs::{BOARD, SITE, read_board, read_site};
use serde_json::Value;

#[test]
fn the_schemas_for_editors_say_what_the_reader_reads() {
    keep("schemas/board.json", &schema::text("Board of a Holdfast box", BOARD));
    keep("schemas/site.json", &schema::text("Site of a Holdfast box", SITE));
}

#[test]
fn the_tables_of_the_readme_say_what_the_reader_reads() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let readme = tables::replaced(&readme, "site", &tables::text(SITE));
    keep("README.md", &tables::replaced(&readme, "board", &tables::text(BOARD)));
}

#[test]
fn shipped_boards_are_good_and_fit_their_schema() {
    let files = files_in("boards");
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let loaded = read_board(name, &folder().join("boards"), &read).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.warnings, [], "{name}");
        assert_eq!(misfits("schemas/board.json", &file), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn shipped_sites_are_good_on_each_board_that_has_their_ports_and_fit_their_schema() {
    for (file, board) in
        [("lab.toml", "lab"), ("example-clinic.toml", "lab"), ("example-clinic.toml", "qemu-x86_64")]
    {
        let board = read_board(board, &folder().join("boards"), &read).unwrap().value;
        let file = folder().join("sites").join(file);
        let loaded = read_site(&file, &board, &read).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.warnings, [], "{}", file.display());
        assert_eq!(misfits("schemas/site.json", &file), Vec::<String>::new());
    }
    assert_eq!(files_in("sites").len(), 2, "a shipped site is tested above");
}

#[test]
fn an_editor_marks_what_the_reader_refuses() {
    let mistakes = [
        ("colour = 1", "colour"),
        ("[timing]\nhold_down = 3", "hold_down"),
        ("[timing]\nrounds_down = 21", "rounds_down"),
        ("[[line]]\nline = 0\nprofile = \"fone\"\nname = \"a\"", "profile"),
        ("[[link]]\nport = \"wan1\"", "name"),
        ("[mqtt]\nbroker = 8883", "broker"),
        ("insecure = [\"tls\"]", "insecure"),
        ("[[station]]\ntransport = \"sctp\"", "transport"),
        ("test_every = \"sometimes\"", "test_every"),
    ];
    for (text, key) in mistakes {
        let text = format!("site = \"s\"\nlan = {{ port = \"lan\" }}\n{text}\n");
        let found = checker::misfits(&schema_of("schemas/site.json"), &value_of(&text));
        assert!(found.iter().any(|misfit| misfit.contains(key)), "{text}: {found:?}");
    }
}

fn misfits(schema: &str, file: &Path) -> Vec<String> {
    checker::misfits(&schema_of(schema), &value_of(&fs::read_to_string(file).unwrap()))
}

fn schema_of(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(path)).unwrap()).unwrap()
}

fn value_of(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

fn files_in(part: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder().join(part)).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|e| e == "toml")).collect()
}

fn keep(path: &str, wanted: &str) {
    let path = folder().join(path);
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} is out of date: see the head of this test\n{wanted}", path.display());
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
