//! The real program against a socket that answers what the test wants.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn json_is_the_daemons_answer_on_one_line() {
    let answer = json!({ "version": "0.1.0", "site": "s" });
    let daemon = Daemon::answering(&[answer.to_string()]);

    let output = daemon.holdfast(&["status", "--json"]);

    assert!(output.status.success(), "{output:?}");
    assert_eq!(stdout(&output).lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&output)).unwrap(), answer);
    assert_eq!(daemon.asked(), [json!({ "ask": "status" })]);
}

#[test]
fn each_word_is_its_question() {
    let cases: [(&[&str], Value); 6] = [
        (&["status"], json!({ "ask": "status" })),
        (&["links"], json!({ "ask": "links" })),
        (&["explain"], json!({ "ask": "explain" })),
        (&["calls"], json!({ "ask": "calls", "last": 10 })),
        (&["calls", "--last", "3"], json!({ "ask": "calls", "last": 3 })),
        (&["explain", "wan"], json!({ "ask": "explain", "what": "wan" })),
    ];
    for (words, question) in cases {
        let daemon = Daemon::answering(&["{}".to_owned()]);
        assert!(daemon.holdfast(words).status.success(), "{words:?}");
        assert_eq!(daemon.asked(), [question]);
    }
}

#[test]
fn an_account_is_put_on_test_by_somebody_with_a_name() {
    let cases: [(&[&str], u16, &str); 2] = [
        (&["on-test", "1234", "--for", "2h"], 120, "account 1234 is on test for 2 h 0 min\n"),
        (&["on-test", "1234", "--off"], 0, "account 1234 is no longer on test\n"),
    ];
    for (words, minutes, text) in cases {
        let daemon = Daemon::answering(&[json!({ "on_test": "1234", "minutes": minutes }).to_string()]);
        let output = command(&daemon.socket, words).env("SUDO_USER", "anna").output().unwrap();
        assert_eq!(stdout(&output), text);
        let order = json!({ "ask": "on_test", "account": "1234", "minutes": minutes, "by": "anna" });
        assert_eq!(daemon.asked(), [order]);
    }
}

#[test]
fn a_pipe_gets_no_colour() {
    let answer = json!({ "links": [{ "link": 1, "name": "fibre", "family": "v4", "verdict": "down" }] });
    let daemon = Daemon::answering(&[answer.to_string()]);
    let text = stdout(&daemon.holdfast(&["links"]));
    assert!(text.contains("fibre") && !text.contains('\x1b'), "{text:?}");
}

#[test]
fn explain_prints_sentences() {
    let daemon = Daemon::answering(&[json!({ "lines": ["IPv4 goes over a."] }).to_string()]);
    assert_eq!(stdout(&daemon.holdfast(&["explain"])), "IPv4 goes over a.\n");
}

#[test]
fn a_daemon_that_is_not_running_is_exit_code_3_and_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let missing = run(&socket, &["status"]);
    drop(UnixListener::bind(&socket).unwrap());
    let left_behind = run(&socket, &["status"]);
    for output in [missing, left_behind] {
        assert_eq!(output.status.code(), Some(3));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains("not running") && words.contains("journalctl -u holdfastd"), "{words}");
    }
}

#[test]
fn a_refusal_and_a_garbled_answer_are_exit_code_4() {
    for (answer, words) in [
        (r#"{"error":"8 clients are being served","known":[]}"#, "8 clients"),
        ("garbage", "makes no sense"),
        ("[1]", "makes no sense"),
    ] {
        let daemon = Daemon::answering(&[answer.to_owned()]);
        let output = daemon.holdfast(&["status"]);
        assert_eq!(output.status.code(), Some(4), "{answer}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&dir.path().join("s"), &["reboot"]).status.code(), Some(2));
    assert_eq!(run(&dir.path().join("s"), &[]).status.code(), Some(2));
    for words in [
        &["on-test", "1234"][..],
        &["on-test", "1234", "--for", "2"],
        &["on-test", "1234", "--for", "2h", "--off"],
        &["on-test", "1234", "--off", "--watch"],
    ] {
        assert_eq!(run(&dir.path().join("s"), words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn watching_asks_again_and_outlives_the_daemon() {
    let daemon = Daemon::answering(&[r#"{"site":"one"}"#.to_owned(), r#"{"site":"two"}"#.to_owned()]);
    let mut child =
        command(&daemon.socket, &["status", "--json", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<Value> = lines.by_ref().take(3).map(|line| serde_json::from_str(&line).unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&seen[0]["site"], &seen[1]["site"]), (&json!("one"), &json!("two")));
    assert!(seen[2]["error"].as_str().unwrap().contains("not running"), "{seen:?}");
}

/// A socket that answers one client after the other, then is gone.
struct Daemon {
    _dir: TempDir,
    socket: PathBuf,
    asked: JoinHandle<Vec<Value>>,
}

impl Daemon {
    fn answering(answers: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("control.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let answers = answers.to_vec();
        let asked = std::thread::spawn(move || {
            let answer = |answer: String| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut line = String::new();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
                writeln!(stream, "{answer}").unwrap();
                serde_json::from_str(&line).unwrap()
            };
            answers.into_iter().map(answer).collect()
        });
        Self { _dir: dir, socket, asked }
    }

    fn holdfast(&self, words: &[&str]) -> Output {
        run(&self.socket, words)
    }

    fn asked(self) -> Vec<Value> {
        self.asked.join().unwrap()
    }
}

fn command(socket: &std::path::Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.args(words).arg("--socket").arg(socket);
    command
}

fn run(socket: &std::path::Path, words: &[&str]) -> Output {
    command(socket, words).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
