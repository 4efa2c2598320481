//! The first phase of the start: board, site and secrets are read, nothing is opened or changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use board_configs::{Board, MqttConfig, Secret, Site, load_board, load_site};
use ports::tls::{ClientTls, TlsFiles};

use crate::RunArguments;

/// All that the daemon needs to know before it touches anything.
pub(crate) struct Inputs {
    pub(crate) board: Board,
    pub(crate) site: Site,
    /// `None`: no broker, or one in clear by the word of the site file.
    pub(crate) mqtt_tls: Option<ClientTls>,
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
    Ok(Inputs { board, site, mqtt_tls })
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
