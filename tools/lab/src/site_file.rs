//! The site file of a lab's branch, and the board file that says where its line card is. Pure text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::broker::PORT;
use crate::certificates::Certificates;
use crate::options::{GatewayFrom, LabOptions};
use crate::plan;
use crate::station::STATION_PORT;

/// What a branch wants, as far as labs differ.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    /// The site's name.
    pub site: String,
    /// Lines on the card, all of profile `phone`.
    pub lines: u8,
    /// Lines after them, all of profile `alarm`; the site has a station if there are any.
    pub panels: u8,
    /// Without a path to the station for so long, these lines lose their voltage.
    pub withdraw_after: &'static str,
    /// Keys of `[timing]` with their values, for example `("failback_after", "4s")`.
    pub timing: Vec<(&'static str, &'static str)>,
    /// Keys of `[mqtt]` besides the broker and the secrets.
    pub mqtt: Vec<(&'static str, &'static str)>,
    /// Text that goes to the end of the file as it is.
    pub more: String,
    /// What the daemon logs.
    pub log: String,
    /// The daemon's data folder, where it is not to be the lab's own: a small tmpfs, for example.
    pub data: Option<PathBuf>,
    /// The broker's persistence folder, likewise.
    pub broker_store: Option<PathBuf>,
}

impl Default for SiteOptions {
    fn default() -> Self {
        Self {
            site: "lab-clinic".to_owned(),
            lines: 2,
            panels: 0,
            withdraw_after: "60s",
            timing: Vec::new(),
            mqtt: Vec::new(),
            more: String::new(),
            log: "info".to_owned(),
            data: None,
            broker_store: None,
        }
    }
}

impl SiteOptions {
    /// Lines of the card.
    #[must_use]
    pub fn card_lines(&self) -> u8 {
        self.lines + self.panels
    }
}

/// The site file.
pub(crate) fn text(lab: &LabOptions, certificates: &Certificates, options: &SiteOptions) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "site = {:?}", options.site)?;
    if options.panels > 0 {
        writeln!(text, "insecure = [\"dc09-clear\"]")?;
    }
    writeln!(text, "\n[lan]\nport = \"lan\"")?;
    for (place, (link, wanted)) in lab.numbered().enumerate() {
        writeln!(text, "\n[[link]]\nname = {:?}\nport = {:?}", wanted.name, link.interface())?;
        writeln!(text, "preference = {}\nmetered = {}", place + 1, wanted.metered)?;
        if wanted.gateway == GatewayFrom::SiteFile {
            let [four, six] = plan::gateway(link).map(|net| net.address);
            writeln!(text, "gateway4 = \"{four}\"\ngateway6 = \"{six}\"")?;
        }
        let targets = plan::TARGETS.iter().flatten().map(|net| format!("\"{}\"", net.address));
        writeln!(text, "targets = [{}]", targets.collect::<Vec<_>>().join(", "))?;
    }
    section(&mut text, "timing", &options.timing)?;
    for line in 0..options.lines {
        writeln!(text, "\n[[line]]\nline = {line}\nprofile = \"phone\"\nname = \"desk {line}\"")?;
    }
    alarm(&mut text, options)?;
    section(&mut text, "mqtt", &options.mqtt)?;
    writeln!(text, "broker = \"{}:{PORT}\"", plan::BROKER[0].address)?;
    writeln!(text, "ca = {:?}", certificates.ca)?;
    writeln!(text, "certificate = {:?}\nkey = {:?}", certificates.site.certificate, certificates.site.key)?;
    text.push_str(&options.more);
    Ok(text)
}

/// The panels' lines and the station that serves them.
fn alarm(text: &mut String, options: &SiteOptions) -> Result<()> {
    for line in options.lines..options.card_lines() {
        writeln!(text, "\n[[line]]\nline = {line}\nprofile = \"alarm\"\nname = \"panel {line}\"")?;
        writeln!(text, "withdraw_after = {:?}", options.withdraw_after)?;
    }
    if options.panels > 0 {
        let station = plan::STATION[0].address;
        writeln!(text, "\n[[station]]\nname = \"arc\"\naddress = \"{station}:{STATION_PORT}\"")?;
        writeln!(text, "transport = \"tcp\"\naccount = \"A017\"\nsupervision = \"10s\"")?;
    }
    Ok(())
}

/// The lab's own board: the project's board `lab` with this lab's card.
pub(crate) fn board(card: &Path, baud: u32, lines: u8) -> String {
    format!(
        "inherit = \"lab\"\n\
         about = \"The lab's board with the line card of one lab.\"\n\n\
         [card]\ndevice = {card:?}\nbaud = {baud}\nlines = {lines}\n"
    )
}

fn section(text: &mut String, name: &str, keys: &[(&str, &str)]) -> Result<()> {
    writeln!(text, "\n[{name}]")?;
    for (key, value) in keys {
        writeln!(text, "{key} = {}", toml_value(value))?;
    }
    Ok(())
}

/// Numbers and flags stand bare in TOML, everything else in quotes.
fn toml_value(value: &str) -> String {
    let bare = value.parse::<i64>().is_ok() || value.parse::<bool>().is_ok();
    if bare { value.to_owned() } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::branch::BOARDS;
    use crate::certificates::Identity;
    use crate::options::LinkOptions;

    #[test]
    fn what_a_lab_writes_is_a_board_and_a_site() {
        let folder = Path::new("/run/holdfast-lab/hf1x0");
        let identity = Identity { certificate: folder.join("site.pem"), key: folder.join("site.key") };
        let certificates = Certificates {
            ca: folder.join("ca.pem"),
            broker: identity.clone(),
            site: identity.clone(),
            collector: identity.clone(),
            stranger: identity,
        };
        let links =
            (1..=8).map(|n| LinkOptions { metered: n == 2, ..LinkOptions::named(&format!("link{n}")) });
        let lab = LabOptions { links: links.collect() };
        let options = SiteOptions {
            timing: vec![("hold_down", "1s"), ("failback_after", "4s"), ("rounds_down", "3")],
            mqtt: vec![("keep_alive", "5s")],
            panels: 2,
            withdraw_after: "8s",
            ..SiteOptions::default()
        };
        let site_text = text(&lab, &certificates, &options).unwrap();
        let board_text = board(&folder.join("card"), 921_600, options.card_lines());
        let read = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
            Some("site.toml") => Ok(site_text.clone()),
            Some("lab-branch.toml") => Ok(board_text.clone()),
            _ => fs::read_to_string(path),
        };

        let board = board_configs::load_board("lab-branch", Path::new(BOARDS), &read).unwrap();
        let site = board_configs::load_site(&folder.join("site.toml"), &board, &read).unwrap();

        assert_eq!(board.card.unwrap().device, "/run/holdfast-lab/hf1x0/card");
        assert_eq!((site.links.len(), site.lines.len(), site.stations.len()), (8, 4, 1));
        assert!(site.mqtt.is_some_and(|mqtt| mqtt.key.is_some()));
    }

    #[test]
    fn only_numbers_and_flags_stand_bare() {
        assert_eq!(["3", "true", "3s", "puback"].map(toml_value), ["3", "true", "\"3s\"", "\"puback\""]);
    }
}
