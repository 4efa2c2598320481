//! Secrets that the site file names: whether the daemon could use them, and who else can read them.

use std::io;
use std::path::{Path, PathBuf};

use board_configs::Secret;
use ports::tls::{ClientTls, TlsError, TlsFiles};

use super::Looking;
use crate::check::pem::{Wanted, judge};
use crate::read::station_key::key;
use crate::read::{Others, key_text, read_text, secret_path};

impl Looking<'_> {
    pub(super) fn secrets_of_mqtt(&mut self) {
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

    pub(super) fn keys_of_stations(&mut self) {
        for (place, station) in self.site.value.stations.iter().enumerate() {
            let Some(settings) = &station.key else { continue };
            let name = format!("station[{}].key", place + 1);
            let Some(path) = self.path_of(&name, &settings.secret) else { continue };
            let Some(text) = self.text_of(&name, &path, key_text) else { continue };
            self.mode_of_key(&name, &path);
            if let Err(wrong) = key(&text, settings.encoding) {
                self.error(&name, format!("{} is no key: {}", path.display(), wrong.what), wrong.remedy);
            }
        }
    }

    /// The secret's text, if it looks like what it should be.
    fn secret(&mut self, key: &str, secret: Option<&Secret>, wanted: Wanted) -> Option<Vec<u8>> {
        let path = self.path_of(key, secret?)?;
        let text = self.text_of(key, &path, read_text)?;
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

    fn path_of(&mut self, key: &str, secret: &Secret) -> Option<PathBuf> {
        let failed = |error| {
            let remedy = "Run check from a unit with the same LoadCredential= to have it looked at.";
            self.warn(key, format!("cannot be looked at from here: {error}"), remedy);
        };
        secret_path(secret).map_err(failed).ok()
    }

    fn text_of(&mut self, key: &str, path: &Path, read: fn(&Path) -> io::Result<String>) -> Option<String> {
        let failed = |error| {
            let what = format!("{} cannot be read: {error}", path.display());
            self.error(key, what, "Put the file there, readable by the daemon.");
        };
        read(path).map_err(failed).ok()
    }

    fn mode_of_key(&mut self, key: &str, path: &Path) {
        let Some(others) = Others::who_can_read(path) else { return };
        let what = format!("{}: {}", path.display(), others.words());
        let remedy =
            format!("chmod 0600 {}; if others could log in here, have a new key made.", path.display());
        match others {
            Others::Everybody => self.error(key, what, &remedy),
            Others::Group => self.warn(key, what, &remedy),
        }
    }
}
