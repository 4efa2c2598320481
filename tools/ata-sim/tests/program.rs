//! The program `ata-sim` itself: arguments, output, control socket, signals.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ata_sim::{Answer, Report};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

struct Program {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ata-sim"));
        command.args(["--json", "--seed", "4", "--lines", "3", "--link"]).arg(folder.join("card"));
        command.arg("--control").arg(folder.join("control"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ata-sim starts");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("ata-sim speaks");
        line
    }

    fn report(&mut self) -> Report {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(pid, signal).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

fn ask(control: &UnixStream, words: &str) -> Answer {
    let mut writer = control;
    writeln!(writer, "{words}").expect("the socket takes a line");
    let mut answer = String::new();
    BufReader::new(control).read_line(&mut answer).expect("an answer comes");
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"))
}

#[test]
fn it_plugs_obeys_tells_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (link, socket) = (folder.path().join("card"), folder.path().join("control"));
    let mut program = Program::start(folder.path());
    let Report::Boot { card_boot, .. } = program.report() else { panic!("a boot comes first") };
    let Report::Plugged { device, .. } = program.report() else { panic!("then the device") };
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new(&device));

    let control = UnixStream::connect(&socket).unwrap();
    assert!(ask(&control, "off 2").ok);
    let Report::Hook { line, off_hook, sample, card_boot: boot, card_seq } = program.report() else {
        panic!("a hook change")
    };
    assert_eq!((line, off_hook, boot, card_seq), (2, true, card_boot, 0));
    assert!(sample > 0);
    let status = ask(&control, r#"{"do":"status"}"#).status.unwrap();
    assert_eq!((status.off_hook, status.queued), (vec![false, false, true], 1));
    assert!(ask(&control, "off 9").error.unwrap().contains("no line 9"));
    assert!(ask(&control, "nonsense").error.unwrap().contains("expected:"));

    assert_eq!(program.end(Signal::SIGTERM), Some(0));
    assert!(!link.is_symlink() && !socket.exists());
}

#[test]
fn standard_input_commands_too_and_its_end_is_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    let (_boot, _plugged) = (program.report(), program.report());
    let mut input = program.child.stdin.take().unwrap();
    writeln!(input, "unplug 0.05").unwrap();
    drop(input);
    assert_eq!(program.line().trim(), r#"{"answer":{"ok":true},"event":"answer"}"#);
    assert_eq!(program.report(), Report::Unplugged);
    assert!(matches!(program.report(), Report::Plugged { .. }));
    assert_eq!(program.end(Signal::SIGINT), Some(0));
}

#[test]
fn wrong_arguments_and_impossible_places_have_their_exit_codes() {
    let run = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_ata-sim"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, words) = run(&["--lines", "9"]);
    assert_eq!(code, Some(2), "{words}");
    let (code, words) = run(&["--link", "/nonexistent/card"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("/nonexistent/card"), "{words}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, words) = run(&["--link", file.path().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(words.contains("is not a link"), "{words}");
}
