//! What an installer keys into a panel, and how it may misbehave.

use serde::{Deserialize, Serialize};

/// A panel's settings. What is left out is as on a panel from the box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PanelSettings {
    /// Four digits, 0-9 and B-F.
    pub account: String,
    /// What it dials: 0-9, `*`, `#`, A-D.
    pub number: String,
    /// How long it waits for dial tone.
    pub dial_tone_ms: u32,
    /// Dial although there was no dial tone.
    pub blind_dial: bool,
    /// How long it waits for the handshake after the last digit of the number.
    pub handshake_ms: u32,
    /// From the end of the handshake to the first digit, and from a kiss-off to the next message.
    pub pause_ms: u32,
    /// A digit sounds so long.
    pub digit_ms: u32,
    /// Silence between digits.
    pub gap_ms: u32,
    /// Level of a digit's low tone.
    pub level_dbm0: f64,
    /// How much louder a digit's high tone is.
    pub twist_db: f64,
    /// After the last digit it hears nothing for so long.
    pub mute_ms: u32,
    /// A kiss-off must begin so soon after the last digit.
    pub kiss_off_ms: u32,
    /// How often it sends a message in one call.
    pub attempts: u8,
    /// From a call that failed to the next one.
    pub redial_ms: u32,
    /// Calls without success until it gives up.
    pub dial_attempts: u8,
    /// A line without voltage for so long is shown as trouble.
    pub trouble_after_ms: u32,
    /// Voltage for so long ends the trouble.
    pub restored_after_ms: u32,
    /// Misbehaves: hangs up so long after the last digit of its first message, whatever it hears.
    pub hang_up_after_ms: Option<u32>,
    /// Misbehaves: the last digit is wrong.
    pub wrong_checksum: bool,
    /// Misbehaves: sends 15 or 17 digits.
    pub digits: u8,
}

impl Default for PanelSettings {
    fn default() -> Self {
        Self {
            account: "1234".to_owned(),
            number: "5550100".to_owned(),
            dial_tone_ms: 5_000,
            blind_dial: false,
            handshake_ms: 45_000,
            pause_ms: 275,
            digit_ms: 55,
            gap_ms: 55,
            level_dbm0: -11.0,
            twist_db: 2.0,
            mute_ms: 150,
            kiss_off_ms: 1_250,
            attempts: 4,
            redial_ms: 7_000,
            dial_attempts: 8,
            trouble_after_ms: 45_000,
            restored_after_ms: 1_000,
            hang_up_after_ms: None,
            wrong_checksum: false,
            digits: 16,
        }
    }
}

impl PanelSettings {
    /// The error says which setting, and what it may be.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.account.len() != 4 || !self.account.chars().all(is_contact_id) {
            return Err(format!("account `{}`: four digits, 0-9 and B-F", self.account));
        }
        let keys = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D');
        if self.number.is_empty() || self.number.len() > MAX_NUMBER || !self.number.chars().all(keys) {
            return Err(format!("number `{}`: 1 to {MAX_NUMBER} of 0-9, *, #, A-D", self.number));
        }
        if !(15..=17).contains(&self.digits) {
            return Err(format!("digits {}: 16, or 15 or 17 to misbehave", self.digits));
        }
        if !(20..=1_000).contains(&self.digit_ms) || !(20..=1_000).contains(&self.gap_ms) {
            return Err(format!("digit_ms {}, gap_ms {}: 20 to 1000", self.digit_ms, self.gap_ms));
        }
        let loudest = self.level_dbm0.max(self.level_dbm0 + self.twist_db);
        if !(-50.0..=0.0).contains(&self.level_dbm0) || !(-50.0..=0.0).contains(&loudest) {
            return Err(format!(
                "level_dbm0 {}, twist_db {}: each tone -50 to 0 dBm0",
                self.level_dbm0, self.twist_db
            ));
        }
        if self.attempts == 0 || self.dial_attempts == 0 {
            return Err("attempts and dial_attempts: 1 to 255".to_owned());
        }
        Ok(())
    }
}

/// A digit of Contact ID as people write it: there is no A.
pub(crate) fn is_contact_id(digit: char) -> bool {
    digit.is_ascii_digit() || matches!(digit, 'B'..='F')
}

const MAX_NUMBER: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_from_the_box() {
        let settings: PanelSettings = serde_json::from_str(r#"{"account":"77B1","attempts":2}"#).unwrap();
        let from_the_box = PanelSettings::default();
        assert_eq!(settings, PanelSettings { account: "77B1".to_owned(), attempts: 2, ..from_the_box });
        settings.check().unwrap();
    }

    #[test]
    fn what_no_panel_can_do_is_refused_by_name() {
        for (json, name) in [
            (r#"{"account":"12A4"}"#, "account"),
            (r#"{"account":"123"}"#, "account"),
            (r#"{"number":""}"#, "number"),
            (r#"{"number":"12e"}"#, "number"),
            (r#"{"digits":14}"#, "digits"),
            (r#"{"digit_ms":5}"#, "digit_ms"),
            (r#"{"level_dbm0":-1,"twist_db":4}"#, "twist_db"),
            (r#"{"attempts":0}"#, "attempts"),
        ] {
            let settings: PanelSettings = serde_json::from_str(json).unwrap();
            assert!(settings.check().unwrap_err().contains(name), "{json}");
        }
    }
}
