//! A bench: board, site and secrets in a folder, and what is said of them.

use std::os::unix::fs::PermissionsExt;

use board_configs::{read_board, read_site};

use super::*;
use crate::read::read_text;

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
        ("site.toml:16: mqtt.key: ", "anybody on this machine has the key"),
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
    assert!(bench.warnings().iter().any(|w| w.contains("its group has the key")));
}

#[test]
fn the_key_of_a_station_is_judged_at_the_line_that_names_it() {
    let bench = Bench::new();
    let site = SITE.replace("phone", "alarm");
    let station = "[[station]]\nname = \"north\"\naddress = \"203.0.113.40:9000\"\naccount = \"A017\"\nkey = \"arc.key\"\n";
    bench.write("site.toml", &format!("{site}{station}"), 0o644);
    let good = "0123456789abcdef0123456789abcdef\n";

    let said = |text: &str, mode| {
        bench.write("arc.key", text, mode);
        bench.errors().join("\n")
    };

    assert_eq!(said(good, 0o600), "");
    assert_eq!(said(good, 0o640), "");
    assert!(
        bench.warnings().iter().any(|w| w.contains("station[1].key") && w.contains("its group has the key"))
    );
    let open = said(good, 0o644);
    assert!(
        open.contains("site.toml:21: station[1].key: ") && open.contains("anybody on this machine"),
        "{open}"
    );
    let short = said("0123456789abcdef", 0o600);
    assert!(
        short.contains("station[1].key: ") && short.contains("Write key_encoding = \"ascii\""),
        "{short}"
    );
    let huge = said(&"0".repeat(1 << 20), 0o600);
    assert!(huge.contains("it has 1024 hexadecimal digits"), "{huge}");
    std::fs::remove_file(bench.dir.path().join("arc.key")).unwrap();
    assert!(bench.errors().join("\n").contains("arc.key cannot be read"));
}

#[test]
fn evidence_needs_a_folder() {
    let bench = Bench::new();
    assert_eq!(bench.errors(), Vec::<String>::new());
    std::fs::create_dir_all(bench.dir.path().join("data")).unwrap();
    bench.write("data/evidence", "", 0o600);
    let errors = bench.errors();
    assert!(errors.len() == 1 && errors[0].contains("evidence is not a folder"), "{errors:#?}");
}

#[test]
fn what_is_not_on_this_machine_is_warned_of() {
    let warnings = Bench::new().warnings().join("\n");
    for said in
        ["link[1].port: this machine has no interface x2-none", "the line card's /dev/x2-none is not there"]
    {
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
        let data_dir = self.dir.path().join("data");
        CheckArgs { board: "bench".into(), site, boards_dir, data_dir, json: false }
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
