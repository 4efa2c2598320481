//! `holdfastd check`: what is wrong with board and site, what would be used, and who said so.
//!
//! It reads files and looks at the machine; it opens no device, sends nothing and changes nothing.

mod outside;
mod pem;
mod report;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use board_configs::{Board, Loaded, Problem, Site, read_board, read_site};

use crate::read::read_text;

/// What `check` needs.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The board, by name.
    #[arg(long)]
    pub(crate) board: String,
    /// The site file.
    #[arg(long)]
    pub(crate) site: PathBuf,
    /// Where the board files are.
    #[arg(long = "boards", value_name = "DIR", default_value = "/usr/share/holdfast/boards")]
    pub(crate) boards_dir: PathBuf,
    /// The spool, evidence and kept faults.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/holdfast")]
    pub(crate) data_dir: PathBuf,
    /// One JSON object for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What was found.
pub(crate) struct Findings {
    board: Option<Loaded<Board>>,
    site: Option<Loaded<Site>>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    data_dir: PathBuf,
}

/// Warnings do not fail; an error is what `run` would end with, or what makes a secret public.
const ERRORS: u8 = 2;

/// Checks and reports on standard output.
pub(crate) fn run(arguments: &CheckArgs) -> ExitCode {
    let findings = Findings::of(arguments);
    let text = if arguments.json { report::json(&findings) } else { report::text(&findings) };
    // Whoever reads the report may have closed the pipe; the exit code still says it.
    std::io::stdout().write_all(text.as_bytes()).ok();
    if findings.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(ERRORS) }
}

impl Findings {
    fn of(arguments: &CheckArgs) -> Self {
        let data_dir = arguments.data_dir.clone();
        let mut findings =
            Self { board: None, site: None, errors: Vec::new(), warnings: Vec::new(), data_dir };
        match read_board(&arguments.board, &arguments.boards_dir, &read_text) {
            Ok(board) => findings.with_site(board, arguments),
            Err(errors) => {
                findings.errors.extend(errors.problems().iter().cloned());
                findings.errors.extend(outside::boards_there_are(&arguments.boards_dir));
            }
        }
        findings
    }

    fn with_site(&mut self, board: Loaded<Board>, arguments: &CheckArgs) {
        self.warnings.extend(board.warnings.iter().cloned());
        if !board.value.proven {
            self.warnings.push(unproven(&board, arguments));
        }
        match read_site(&arguments.site, &board.value, &read_text) {
            Ok(site) => {
                self.warnings.extend(site.warnings.iter().cloned());
                let seen = outside::look(&board.value, &site, arguments);
                self.errors.extend(seen.errors);
                self.warnings.extend(seen.warnings);
                self.site = Some(site);
            }
            Err(errors) => self.errors.extend(errors.problems().iter().cloned()),
        }
        self.board = Some(board);
    }
}

fn unproven(board: &Loaded<Board>, arguments: &CheckArgs) -> Problem {
    Problem {
        file: arguments.boards_dir.join(format!("{}.toml", board.value.name)).display().to_string(),
        line: None,
        key: "proven".to_owned(),
        what: "nobody has said that Holdfast runs on this hardware".to_owned(),
        remedy: "Try everything that the site needs on it, then write proven = true.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    const SITE: &str = "site = \"bench\"\ninsecure = [\"mqtt-without-tls\"]\ntargets = [\"9.9.9.9\"]\n\
                        [lan]\nport = \"lan\"\n[[link]]\nname = \"fibre\"\nport = \"wan1\"\nmetered = true\n\
                        [mqtt]\nbroker = \"192.0.2.9\"\n";

    #[test]
    fn a_site_that_would_run_passes_with_its_warnings_and_the_honest_words() {
        let (findings, text) = checked(SITE);

        assert!(findings.errors.is_empty(), "{text}");
        for said in [
            "NOT PROVEN",
            "fibre",
            "wan1 (eth1)",
            "7.6 MB a month",
            "mqtt-without-tls",
            "link[1].metered",
            "site.toml:9",
            "Not listed or certified",
            "No errors",
        ] {
            assert!(text.contains(said), "{said:?} is missing in\n{text}");
        }
    }

    const ALARMS: &str = "[[line]]\nline = 0\nprofile = \"alarm\"\nname = \"panel\"\n\
                          [[line]]\nline = 1\nprofile = \"alarm\"\nname = \"fire\"\nwithdraw_after = \"never\"\n\
                          [[line]]\nline = 2\nprofile = \"elevator\"\nname = \"lift\"\n\
                          [[station]]\nname = \"north\"\naddress = \"203.0.113.40:9000\"\naccount = \"A017\"\n\
                          key = \"arc.key\"\n\
                          [[station]]\nname = \"south\"\naddress = \"203.0.113.41:9000\"\naccount = \"A017\"\n\
                          transport = \"udp\"\n";

    #[test]
    fn an_installer_reads_what_a_panel_can_rely_on() {
        let site = SITE.replace("without-tls\"", "without-tls\", \"dc09-clear\"");
        let (findings, text) = checked(&format!("{site}{ALARMS}"));

        assert!(findings.errors.is_empty(), "{text}");
        for said in [
            "Line 0  alarm, panel; no voltage after 1m without a path",
            "Line 1  alarm, fire; VOLTAGE STAYS when nothing can be reported",
            "Line 2  elevator, lift; NOT SERVED YET",
            "Station 1  north at 203.0.113.40:9000 by tcp, encrypted, key in hexadecimal",
            "account A017, R0 L0; a sign of life every 3m",
            "signs of life on metered fibre take 5.0 MB a month",
            "Station 2  south at 203.0.113.41:9000 by udp, IN CLEAR",
            "the box's own test (E602): every 24h",
            "Evidence in /",
            "INSECURE by the site file: dc09-clear",
            "line[3].profile: an elevator phone is not served yet",
        ] {
            assert!(text.contains(said), "{said:?} is missing in\n{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&report::json(&findings)).unwrap();
        let alarms = &json["site"]["alarms"];
        assert_eq!(alarms["lines"][0]["withdraw_after_s"], 60);
        assert_eq!(alarms["lines"][2]["served"], false);
        assert_eq!(alarms["stations"][0]["encrypted"], true);
        assert_eq!(alarms["stations"][1]["encrypted"], false);
    }

    #[test]
    fn mistakes_are_told_in_text_and_json_alike() {
        let (findings, text) = checked(&SITE.replace("wan1", "wan9"));
        assert_eq!(findings.errors.len(), 1, "{text}");
        assert!(text.contains("\"wan9\" is not a port of board \"bench\""), "{text}");

        let json: serde_json::Value = serde_json::from_str(&report::json(&findings)).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["errors"][0]["line"], 8);
        assert_eq!(json["errors"][0]["key"], "link[1].port");
        assert_eq!(json["board"]["proven"], false);
        assert_eq!(json["site"], serde_json::Value::Null);
    }

    #[test]
    fn the_json_of_a_good_site_names_links_and_values() {
        let (findings, _) = checked(SITE);
        let json: serde_json::Value = serde_json::from_str(&report::json(&findings)).unwrap();
        assert_eq!(json["ok"], true);
        assert_eq!(json["site"]["name"], "bench");
        assert_eq!(json["site"]["links"][0]["interface"], "eth1");
        assert_eq!(json["site"]["insecure"][0], "mqtt-without-tls");
        let values = json["site"]["effective"].as_array().unwrap();
        assert!(
            values.iter().any(|v| v["key"] == "timing.hold_down" && v["origin"] == "default"),
            "{values:?}"
        );
    }

    #[test]
    fn an_unknown_board_is_told_those_that_there_are() {
        let dir = folder(SITE);
        let findings = Findings::of(&arguments(dir.path(), "bensh"));
        let text = report::text(&findings);
        assert!(text.contains("bensh.toml: cannot be read"), "{text}");
        assert!(text.contains("there are: bench"), "{text}");
    }

    fn checked(site: &str) -> (Findings, String) {
        let dir = folder(site);
        let findings = Findings::of(&arguments(dir.path(), "bench"));
        let text = report::text(&findings);
        (findings, text)
    }

    fn folder(site: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let board = "about = \"For tests.\"\n[ports]\nlan = \"eth0\"\nwan1 = \"eth1\"\n\
                     [card]\ndevice = \"/dev/x2-none\"\nlines = 3\n";
        std::fs::write(dir.path().join("bench.toml"), board).unwrap();
        std::fs::write(dir.path().join("site.toml"), site).unwrap();
        std::fs::write(dir.path().join("arc.key"), "0123456789abcdef0123456789abcdef\n").unwrap();
        std::fs::set_permissions(dir.path().join("arc.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        dir
    }

    fn arguments(dir: &Path, board: &str) -> CheckArgs {
        let (site, boards_dir, data_dir) = (dir.join("site.toml"), dir.into(), dir.join("data"));
        CheckArgs { board: board.into(), site, boards_dir, data_dir, json: false }
    }
}
