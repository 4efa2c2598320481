//! What can be seen of the machine without touching it: secrets, devices, interfaces, programs.

use std::ffi::OsStr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use board_configs::{Board, Loaded, Origin, Problem, Secret, Site};
use ports::tls::{ClientTls, TlsError, TlsFiles};

use super::CheckArgs;
use super::pem::{Wanted, judge};
use crate::read::{read_text, secret_path};

/// What was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// The machine, as far as board and site name it.
pub(super) fn look(board: &Board, site: &Loaded<Site>, arguments: &CheckArgs) -> Seen {
    let mut looking = Looking { site, arguments, seen: Seen::default() };
    looking.secrets();
    looking.interfaces(Path::new("/sys/class/net"));
    looking.card(board);
    looking.programs(&std::env::var_os("PATH").unwrap_or_default());
    looking.seen
}

/// A problem that names the boards of a folder, if there are any.
pub(super) fn boards_there_are(dir: &Path) -> Option<Problem> {
    let entries = std::fs::read_dir(dir).ok()?;
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let toml = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut names: Vec<String> =
        toml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).take(64).collect();
    names.sort();
    (!names.is_empty()).then(|| Problem {
        file: dir.display().to_string(),
        line: None,
        key: String::new(),
        what: format!("boards that there are: {}", names.join(", ")),
        remedy: "Name one of them with --board, or another folder with --boards.".to_owned(),
    })
}

struct Looking<'a> {
    site: &'a Loaded<Site>,
    arguments: &'a CheckArgs,
    seen: Seen,
}

impl Looking<'_> {
    fn secrets(&mut self) {
        let Some(mqtt) = &self.site.value.mqtt else { return };
        let ca = self.secret("mqtt.ca", mqtt.ca.as_ref(), Wanted::Certificate);
        let certificate = self.secret("mqtt.certificate", mqtt.certificate.as_ref(), Wanted::Certificate);
        let key = self.secret("mqtt.key", mqtt.key.as_ref(), Wanted::PrivateKey);
        let (Some(ca), Some(certificate), Some(key)) = (ca, certificate, key) else { return };
        let files = TlsFiles { ca, certificate, key, server_name: mqtt.server_name.clone() };
        if let Err(error) = ClientTls::new(&files) {
            let key = match &error {
                TlsError::Pem { key, .. } => format!("mqtt.{key}"),
                TlsError::Identity(_) => "mqtt.key".to_owned(),
                TlsError::ServerName(_) => "mqtt.server_name".to_owned(),
                TlsError::Library(_) => "mqtt".to_owned(),
            };
            self.error(&key, error.to_string(), "The daemon would not start with it.");
        }
    }

    /// The secret's text, if it looks like what it should be.
    fn secret(&mut self, key: &str, secret: Option<&Secret>, wanted: Wanted) -> Option<Vec<u8>> {
        let path = match secret_path(secret?) {
            Ok(path) => path,
            Err(error) => {
                let remedy = "Run check from a unit with the same LoadCredential= to have it looked at.";
                self.warn(key, format!("cannot be looked at from here: {error}"), remedy);
                return None;
            }
        };
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                let what = format!("{} cannot be read: {error}", path.display());
                self.error(key, what, "Put the file there, readable by the daemon.");
                return None;
            }
        };
        if wanted == Wanted::PrivateKey {
            self.mode_of_key(key, &path);
        }
        if let Err(wrong) = judge(&text, wanted) {
            let what = format!("{}: {wrong}", path.display());
            self.error(key, what, "Write it anew from where the site's identity was made.");
            return None;
        }
        Some(text.into_bytes())
    }

    fn mode_of_key(&mut self, key: &str, path: &Path) {
        let Ok(meta) = std::fs::metadata(path) else { return };
        let mode = meta.mode() & 0o777;
        let remedy =
            format!("chmod 0600 {}; if others could log in here, have a new key made.", path.display());
        if mode & 0o007 != 0 {
            let what =
                format!("{} has mode {mode:04o}: anybody on this machine has the site's key", path.display());
            self.error(key, what, &remedy);
        } else if mode & 0o070 != 0 {
            let what = format!("{} has mode {mode:04o}: its group has the site's key", path.display());
            self.warn(key, what, &remedy);
        }
    }

    fn interfaces(&mut self, class: &Path) {
        let lan = ("lan.port".to_owned(), self.site.value.lan.interface.clone());
        let links = self.site.value.links.iter();
        let links = links.map(|l| (format!("link[{}].port", l.judged.id.number()), l.interface.clone()));
        for (key, interface) in std::iter::once(lan).chain(links).collect::<Vec<_>>() {
            if !class.join(&interface).exists() {
                let what = format!("this machine has no interface {interface}");
                let remedy =
                    "Right for a modem that comes later or on another machine; else correct the board.";
                self.warn(&key, what, remedy);
            }
        }
    }

    fn card(&mut self, board: &Board) {
        let Some(card) = board.card.as_ref().filter(|_| !self.site.value.lines.is_empty()) else { return };
        let there = std::fs::metadata(&card.device);
        let what = match there {
            Ok(meta) if meta.file_type().is_char_device() => return,
            Ok(_) => format!("{} is not a serial device", card.device),
            Err(error) => format!("the line card's {} is not there: {error}", card.device),
        };
        self.warn("line", what, "The daemon waits for it; see to the card, or correct the board.");
    }

    fn programs(&mut self, path: &OsStr) {
        if !std::env::split_paths(path).any(|folder| folder.join("nft").is_file()) {
            let remedy = "Install nftables, or check with /usr/sbin on the PATH: the daemon does not start without it.";
            self.warn("", "the program nft is not on the PATH".to_owned(), remedy);
        }
    }

    fn error(&mut self, key: &str, what: String, remedy: &str) {
        let problem = self.problem(key, what, remedy);
        self.seen.errors.push(problem);
    }

    fn warn(&mut self, key: &str, what: String, remedy: &str) {
        let problem = self.problem(key, what, remedy);
        self.seen.warnings.push(problem);
    }

    /// At the line that named it.
    fn problem(&self, key: &str, what: String, remedy: &str) -> Problem {
        let named = self.site.effective.iter().find(|value| value.key == key);
        let line = named.and_then(|value| match &value.origin {
            Origin::File { line, .. } => *line,
            Origin::Default | Origin::Derived(_) => None,
        });
        let file = self.arguments.site.display().to_string();
        Problem { file, line, key: key.to_owned(), what, remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use board_configs::{read_board, read_site};

    use super::*;

    const SITE: &str = "site = \"bench\"\ntargets = [\"9.9.9.9\"]\n[lan]\nport = \"lan\"\n\
                        [[link]]\nname = \"fibre\"\nport = \"wan1\"\n\
                        [[line]]\nline = 0\nprofile = \"phone\"\nname = \"desk\"\n\
                        [mqtt]\nbroker = \"192.0.2.9\"\nca = \"ca.pem\"\ncertificate = \"site.pem\"\nkey = \"site.key\"\n";
    #[test]
    fn good_secrets_are_good() {
        let bench = Bench::new();
        assert_eq!(bench.errors(), Vec::<String>::new());
    }

    #[test]
    fn bad_secrets_are_told_at_the_line_that_names_them() {
        let bench = Bench::new();
        let key = bench.text("site.key");
        bench.write("ca.pem", &key, 0o644);
        bench.write("site.key", &key, 0o644);
        std::fs::remove_file(bench.dir.path().join("site.pem")).unwrap();

        let errors = bench.errors();

        let expected = [
            ("site.toml:14: mqtt.ca: ", "found PRIVATE KEY, expected a block -----BEGIN CERTIFICATE-----"),
            ("site.toml:15: mqtt.certificate: ", "cannot be read"),
            ("site.toml:16: mqtt.key: ", "mode 0644: anybody on this machine has the site's key"),
        ];
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (error, (place, words)) in errors.iter().zip(expected) {
            assert!(error.contains(place) && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_as_run_refuses_it() {
        let bench = Bench::new();
        bench.write("site.key", &identity().signing_key.serialize_pem(), 0o600);
        let errors = bench.errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(
            errors[0].contains("site.toml:16: mqtt.key: ") && errors[0].contains("issue both together"),
            "{errors:#?}"
        );
    }

    #[test]
    fn a_key_that_its_group_can_read_is_warned_of() {
        let bench = Bench::new();
        bench.write("site.key", &bench.text("site.key"), 0o640);
        assert_eq!(bench.errors(), Vec::<String>::new());
        assert!(bench.warnings().iter().any(|w| w.contains("its group has the site's key")));
    }

    #[test]
    fn what_is_not_on_this_machine_is_warned_of() {
        let warnings = Bench::new().warnings().join("\n");
        for said in [
            "link[1].port: this machine has no interface x2-none",
            "the line card's /dev/x2-none is not there",
        ] {
            assert!(warnings.contains(said), "{said:?} is missing in {warnings}");
        }
        assert!(!warnings.contains("no interface lo"), "{warnings}");
    }

    #[test]
    fn a_missing_program_is_warned_of() {
        let bench = Bench::new();
        let (_, site) = bench.loaded();
        let warnings = || {
            let mut looking = Looking { site: &site, arguments: &bench.arguments(), seen: Seen::default() };
            looking.programs(bench.dir.path().as_os_str());
            looking.seen.warnings.len()
        };
        assert_eq!(warnings(), 1);
        bench.write("nft", "", 0o755);
        assert_eq!(warnings(), 0);
    }

    fn identity() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["bench".to_owned()]).unwrap()
    }

    struct Bench {
        dir: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let bench = Self { dir: tempfile::tempdir().unwrap() };
            let board = "about = \"For tests.\"\n[ports]\nlan = \"lo\"\nwan1 = \"x2-none\"\n\
                         [card]\ndevice = \"/dev/x2-none\"\nlines = 1\n";
            bench.write("bench.toml", board, 0o644);
            bench.write("site.toml", SITE, 0o644);
            let identity = identity();
            bench.write("ca.pem", &identity.cert.pem(), 0o644);
            bench.write("site.pem", &identity.cert.pem(), 0o644);
            bench.write("site.key", &identity.signing_key.serialize_pem(), 0o600);
            bench
        }

        fn write(&self, name: &str, text: &str, mode: u32) {
            let path = self.dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }

        fn text(&self, name: &str) -> String {
            std::fs::read_to_string(self.dir.path().join(name)).unwrap()
        }

        fn arguments(&self) -> CheckArgs {
            let (site, boards_dir) = (self.dir.path().join("site.toml"), self.dir.path().to_owned());
            CheckArgs { board: "bench".into(), site, boards_dir, json: false }
        }

        fn loaded(&self) -> (Board, Loaded<Site>) {
            let arguments = self.arguments();
            let board = read_board("bench", self.dir.path(), &read_text).unwrap().value;
            let site = read_site(&arguments.site, &board, &read_text).unwrap();
            (board, site)
        }

        fn look(&self) -> Seen {
            let (board, site) = self.loaded();
            look(&board, &site, &self.arguments())
        }

        fn errors(&self) -> Vec<String> {
            self.look().errors.iter().map(ToString::to_string).collect()
        }

        fn warnings(&self) -> Vec<String> {
            self.look().warnings.iter().map(ToString::to_string).collect()
        }
    }
}
