//! The first phase of the start: board, site and secrets are read, nothing is opened or changed.

pub(crate) mod station_key;

use std::io::Read as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use board_configs::{Board, MqttConfig, Secret, Site, StationKey, load_board, load_site};
use ports::tls::{ClientTls, TlsFiles};
use station_wire::Key;

use crate::RunArguments;

/// All that the daemon needs to know before it touches anything.
pub(crate) struct Inputs {
    pub(crate) board: Board,
    pub(crate) site: Site,
    /// `None`: no broker, or one in clear by the word of the site file.
    pub(crate) mqtt_tls: Option<ClientTls>,
    /// Of each station, in its order; `None`: in clear by the word of the site file.
    pub(crate) station_keys: Vec<Option<Key>>,
}

/// Reads everything.
pub(crate) fn read(arguments: &RunArguments) -> Result<Inputs> {
    let board =
        load_board(&arguments.board, &arguments.boards_dir, &read_text).map_err(|e| anyhow!("{e}"))?;
    let site = load_site(&arguments.site, &board, &read_text).map_err(|e| anyhow!("{e}"))?;
    let mqtt_tls = match &site.mqtt {
        Some(mqtt) => client_tls(mqtt)?,
        None => None,
    };
    let keys = site.stations.iter().enumerate().map(|(place, station)| {
        let name = format!("station[{}].key", place + 1);
        station.key.as_ref().map(|key| station_key(key, &name)).transpose()
    });
    let station_keys = keys.collect::<Result<_>>()?;
    Ok(Inputs { board, site, mqtt_tls, station_keys })
}

/// The reader that the loaders are given.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

fn client_tls(mqtt: &MqttConfig) -> Result<Option<ClientTls>> {
    let (Some(ca), Some(certificate), Some(key)) = (&mqtt.ca, &mqtt.certificate, &mqtt.key) else {
        // The site's parser lets this pass only with the word `mqtt-without-tls`.
        return Ok(None);
    };
    let files = TlsFiles {
        ca: secret(ca, "mqtt.ca")?,
        certificate: secret(certificate, "mqtt.certificate")?,
        key: secret(key, "mqtt.key")?,
        server_name: mqtt.server_name.clone(),
    };
    let of_files = || {
        let names = [ca, certificate, key].map(|s| secret_path(s).unwrap_or_default().display().to_string());
        format!("one of {} cannot be used", names.join(", "))
    };
    ClientTls::new(&files).map(Some).with_context(of_files)
}

fn station_key(key: &StationKey, name: &str) -> Result<Key> {
    let path = secret_path(&key.secret).with_context(|| format!("{name}: no credentials directory"))?;
    let text = key_text(&path).with_context(|| format!("{name}: cannot read {}", path.display()))?;
    if let (Secret::File(_), Some(others)) = (&key.secret, Others::who_can_read(&path)) {
        // Alarms that are not sent are worse than a key that is not secret.
        tracing::warn!(key = name, file = %path.display(), "{}: chmod 0600, and ask for another key", others.words());
    }
    station_key::key(&text, key.encoding)
        .map_err(|wrong| anyhow!("{name}: {} is no key: {}. {}", path.display(), wrong.what, wrong.remedy))
}

/// The text of a station's key; a file that is far too long for one is not read to its end.
pub(crate) fn key_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(station_key::MAX_KEY_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// Who can read a key besides its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Everybody,
    Group,
}

impl Others {
    /// `None`: nobody, or the file is not there.
    pub(crate) fn who_can_read(path: &Path) -> Option<Self> {
        let mode = std::fs::metadata(path).ok()?.mode();
        match (mode & 0o007, mode & 0o070) {
            (0, 0) => None,
            (0, _) => Some(Self::Group),
            _ => Some(Self::Everybody),
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Everybody => "anybody on this machine has the key",
            Self::Group => "its group has the key",
        }
    }
}

/// What a secret holds.
fn secret(secret: &Secret, key: &str) -> Result<Vec<u8>> {
    let path = secret_path(secret).with_context(|| format!("{key}: no credentials directory"))?;
    std::fs::read(&path).with_context(|| format!("{key}: cannot read {}", path.display()))
}

/// Where a secret lies on this machine.
pub(crate) fn secret_path(secret: &Secret) -> Result<PathBuf> {
    match secret {
        Secret::File(path) => Ok(path.clone()),
        Secret::Credential(name) => {
            let dir = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                anyhow!(
                    "credential {name:?} is given by systemd only: add LoadCredential={name}:... to the unit"
                )
            })?;
            Ok(Path::new(&dir).join(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const BOARD: &str = "about = \"For tests.\"\n[ports]\nlan = \"e0\"\nwan1 = \"e1\"\n\
                         [card]\ndevice = \"/dev/card\"\nlines = 1\n";

    const SITE: &str = "site = \"bench\"\ninsecure = [\"dc09-clear\"]\ntargets = [\"9.9.9.9\"]\n[lan]\nport = \"lan\"\n\
        [[link]]\nname = \"fibre\"\nport = \"wan1\"\n[[line]]\nline = 0\nprofile = \"alarm\"\nname = \"panel\"\n\
        [[station]]\nname = \"clear\"\naddress = \"203.0.113.40:9000\"\naccount = \"A017\"\n\
        [[station]]\nname = \"north\"\naddress = \"203.0.113.41:9000\"\naccount = \"A017\"\nkey = \"arc.key\"\n";

    #[test]
    fn each_station_gets_the_key_that_it_names() {
        let keys = keys_of("0123456789abcdef0123456789abcdef\n").unwrap();
        assert_eq!(keys, [None, Some(Key::from_hex("0123456789abcdef0123456789abcdef").unwrap())]);
    }

    #[test]
    fn a_key_that_is_none_ends_the_start_with_its_place_and_without_its_text() {
        let said = format!("{:#}", keys_of("0123456789abcde\n").unwrap_err());
        for words in ["station[2].key: ", "arc.key is no key: ", "it has 15 hexadecimal digits"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!said.contains("0123"), "{said}");
    }

    fn keys_of(text: &str) -> Result<Vec<Option<Key>>> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("bench.toml"), BOARD)?;
        std::fs::write(path("site.toml"), SITE)?;
        std::fs::write(path("arc.key"), text)?;
        std::fs::set_permissions(path("arc.key"), std::fs::Permissions::from_mode(0o600))?;
        let arguments = RunArguments {
            board: "bench".to_owned(),
            site: path("site.toml"),
            boards_dir: dir.path().to_owned(),
            run_dir: path("run"),
            data_dir: path("data"),
            log: "info".to_owned(),
        };
        read(&arguments).map(|inputs| inputs.station_keys)
    }
}
