//! A message of Contact ID (SIA DC-05) from the panel's side: sixteen digits as people write them.

use super::settings::{PanelSettings, is_contact_id};

/// What a panel has to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    body: String,
}

impl Signal {
    /// `code` is the qualifier (1, 3, 6) with three digits of the event, `group` two, `zone` three.
    pub(crate) fn new(code: &str, group: &str, zone: &str) -> Result<Self, String> {
        let digits = |what: &str, text: &str, len: usize| {
            let fits = text.len() == len && text.chars().all(is_contact_id);
            if fits { Ok(()) } else { Err(format!("{what} `{text}`: {len} digits, 0-9 and B-F")) }
        };
        digits("event", code, 4)?;
        digits("group", group, 2)?;
        digits("zone", zone, 3)?;
        if !code.starts_with(['1', '3', '6']) {
            return Err(format!("event `{code}`: begins with 1 (new), 3 (restored) or 6 (still so)"));
        }
        Ok(Self { body: format!("{code}{group}{zone}") })
    }

    /// The digits that the panel sends, with its misbehaviour.
    pub(crate) fn digits(&self, settings: &PanelSettings) -> String {
        let mut digits = format!("{}18{}", settings.account, self.body);
        let sum = digits.chars().map(value).sum::<u32>() + u32::from(settings.wrong_checksum);
        digits.push(of_value(15 - sum % 15));
        match settings.digits {
            15 => digits.truncate(15),
            17 => digits.push('1'),
            _ => {}
        }
        digits
    }
}

/// The key that sounds for a digit.
pub(crate) fn key(digit: char) -> char {
    match digit {
        'B' => '*',
        'C' => '#',
        'D' => 'A',
        'E' => 'B',
        'F' => 'C',
        decimal => decimal,
    }
}

/// In the sum a 0 counts ten.
fn value(digit: char) -> u32 {
    match digit.to_digit(16) {
        None | Some(0) => 10,
        Some(value) => value,
    }
}

fn of_value(value: u32) -> char {
    let value = if value == 10 { 0 } else { value };
    char::from_digit(value, 16).expect("1 to 15, or 0").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(account: &str, code: &str, group: &str, zone: &str) -> String {
        let settings = PanelSettings { account: account.to_owned(), ..PanelSettings::default() };
        Signal::new(code, group, zone).unwrap().digits(&settings)
    }

    #[test]
    fn the_published_example_has_its_checksum() {
        assert_eq!(digits("1234", "1131", "01", "015"), "1234181131010158");
    }

    #[test]
    fn sums_with_checksums_of_ten_and_fifteen_are_sent_as_0_and_f() {
        assert_eq!(digits("1232", "1131", "01", "015"), "1232181131010150");
        assert_eq!(digits("1239", "1131", "01", "018"), "123918113101018F");
    }

    #[test]
    fn misbehaviour_is_as_asked() {
        let signal = Signal::new("1131", "01", "015").unwrap();
        let with = |settings: PanelSettings| signal.digits(&settings);
        let good = with(PanelSettings::default());
        assert_eq!(with(PanelSettings { digits: 15, ..PanelSettings::default() }), good[..15]);
        assert_eq!(with(PanelSettings { digits: 17, ..PanelSettings::default() }), format!("{good}1"));
        let wrong = with(PanelSettings { wrong_checksum: true, ..PanelSettings::default() });
        assert_eq!((&wrong[..15], &wrong[15..]), (&good[..15], "7"));
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for (code, group, zone) in
            [("131", "01", "015"), ("2131", "01", "015"), ("1131", "1", "015"), ("1131", "01", "A15")]
        {
            Signal::new(code, group, zone).unwrap_err();
        }
    }
}
