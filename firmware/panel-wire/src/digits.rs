//! Sixteen digits to a message and back, with the checksum and its quirks.

use core::fmt;

use hal::Dtmf;
use serde::{Deserialize, Serialize};

use crate::message::{Account, Message, MessageType, Partition, Qualifier, Zone};
use crate::{EventCode, LENGTH};

/// Why digits are no message. A panel that hears no kiss-off repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Not sixteen digits; how many there were.
    Length(usize),
    /// DTMF `D` outside the checksum, which no field may hold; its place from 0.
    Symbol(usize),
    /// The sum over all values is no multiple of 15.
    Checksum,
    /// The message type is neither 18 nor 98: another format.
    MessageType,
    /// The qualifier is not 1, 3 or 6.
    Qualifier,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(count) => write!(f, "{count} digits instead of {LENGTH}"),
            Self::Symbol(place) => write!(f, "DTMF D at digit {}", place + 1),
            Self::Checksum => f.write_str("wrong checksum"),
            Self::MessageType => f.write_str("message type is neither 18 nor 98"),
            Self::Qualifier => f.write_str("qualifier is not 1, 3 or 6"),
        }
    }
}

impl core::error::Error for Fault {}

/// The value of a digit: 0 counts ten, B to F are `*`, `#`, `A`, `B`, `C` (DC-05). `D` has none.
const fn value_of(digit: Dtmf) -> Option<u8> {
    match digit.as_char() {
        '0' => Some(10),
        key @ '1'..='9' => Some(key as u8 - b'0'),
        '*' => Some(11),
        '#' => Some(12),
        'A' => Some(13),
        'B' => Some(14),
        'C' => Some(15),
        _ => None,
    }
}

fn digit_of(value: u8) -> Dtmf {
    let key = match value {
        10 => '0',
        11 => '*',
        12 => '#',
        13 => 'A',
        14 => 'B',
        15 => 'C',
        small => char::from(b'0' + small),
    };
    Dtmf::try_from(key).expect("values are 1 to 15")
}

/// The value of a character of a written message: `0` counts ten, `A` does not exist.
pub(crate) const fn value_of_hex(character: char) -> Option<u8> {
    match character {
        '0' => Some(10),
        '1'..='9' => Some(character as u8 - b'0'),
        'B'..='F' => Some(character as u8 - b'B' + 11),
        'b'..='f' => Some(character as u8 - b'b' + 11),
        _ => None,
    }
}

/// The written character of a value: ten is `0`.
pub(crate) fn hex_of_value(value: u8) -> char {
    match value {
        10 => '0',
        11..=15 => char::from(b'B' + value - 11),
        small => char::from(b'0' + small),
    }
}

/// The message in sixteen digits.
///
/// Some senders put `D` where the checksum is 10 (the standard says `0`): accepted there only.
///
/// # Errors
/// [`Fault`], the first that is found.
pub fn decode(digits: &[Dtmf]) -> Result<Message, Fault> {
    let digits: &[Dtmf; LENGTH] = digits.try_into().map_err(|_| Fault::Length(digits.len()))?;
    let mut values = [0_u8; LENGTH];
    for (place, (value, digit)) in values.iter_mut().zip(digits).enumerate() {
        let checksum_written_as_d = place == LENGTH - 1 && digit.as_char() == 'D';
        *value = if checksum_written_as_d { 10 } else { value_of(*digit).ok_or(Fault::Symbol(place))? };
    }
    if values.iter().map(|value| u32::from(*value)).sum::<u32>() % 15 != 0 {
        return Err(Fault::Checksum);
    }
    let [a0, a1, a2, a3, m0, m1, q, e0, e1, e2, p0, p1, z0, z1, z2, _] = values;
    Ok(Message {
        account: Account::from_values([a0, a1, a2, a3]),
        message_type: match (m0, m1) {
            (1, 8) => MessageType::T18,
            (9, 8) => MessageType::T98,
            (_, _) => return Err(Fault::MessageType),
        },
        qualifier: Qualifier::from_value(q).ok_or(Fault::Qualifier)?,
        event: EventCode::from_values([e0, e1, e2]),
        partition: Partition([p0, p1]),
        zone: Zone([z0, z1, z2]),
    })
}

/// The sixteen digits of a message, the checksum as the standard writes it.
#[must_use]
pub fn encode(message: &Message) -> [Dtmf; LENGTH] {
    let [a0, a1, a2, a3] = message.account.values();
    let m0 = match message.message_type {
        MessageType::T18 => 1,
        MessageType::T98 => 9,
    };
    let [e0, e1, e2] = message.event.values();
    let [p0, p1] = message.partition.0;
    let [z0, z1, z2] = message.zone.0;
    let mut values = [a0, a1, a2, a3, m0, 8, message.qualifier.value(), e0, e1, e2, p0, p1, z0, z1, z2, 0];
    let sum: u32 = values.iter().map(|value| u32::from(*value)).sum();
    // A sum that is a multiple of 15 already wants 15, not 0: there is no digit of value 0.
    values[LENGTH - 1] = u8::try_from(15 - sum % 15).expect("1 to 15");
    values.map(digit_of)
}

/// Could these digits still become a message of ours? Used to tell Contact ID from the other DTMF
/// formats that begin with the same handshake: they differ at digits five and six.
#[must_use]
pub fn is_plausible_start(digits: &[Dtmf]) -> bool {
    let at = |place: usize| digits.get(place).map(|digit| digit.as_char());
    let fifth = at(4).is_none_or(|key| key == '1' || key == '9');
    let sixth = at(5).is_none_or(|key| key == '8');
    digits.len() <= LENGTH && fifth && sixth
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digits(text: &str) -> Vec<Dtmf> {
        text.chars().map(|key| Dtmf::try_from(key).unwrap()).collect()
    }

    #[test]
    fn the_published_example_is_read_and_written() {
        let message = decode(&digits("1234181131010158")).unwrap();
        assert_eq!(message.to_string(), "1234 E131 01 015 perimeter burglary");
        assert_eq!(encode(&message).to_vec(), digits("1234181131010158"));
    }

    #[test]
    fn a_checksum_of_ten_is_read_as_zero_and_as_d_but_written_as_zero() {
        // Account 1232: the other fifteen values leave 10 to the next multiple of 15.
        let standard = digits("1232181131010150");
        let quirk = digits("123218113101015D");
        assert_eq!(decode(&standard), decode(&quirk));
        assert_eq!(encode(&decode(&quirk).unwrap()).to_vec(), standard);
    }

    #[test]
    fn what_is_no_message_says_why() {
        for (text, fault) in [
            ("123418113101015", Fault::Length(15)),
            ("12341811310101588", Fault::Length(17)),
            ("1234181131010157", Fault::Checksum),
            ("D234181131010158", Fault::Symbol(0)),
            ("1234281131010157", Fault::MessageType),
            ("1234182131010157", Fault::Qualifier),
        ] {
            assert_eq!(decode(&digits(text)), Err(fault), "{text}");
        }
    }

    #[test]
    fn other_formats_are_told_apart_at_digits_five_and_six() {
        assert!(is_plausible_start(&digits("1234")));
        assert!(is_plausible_start(&digits("123498")));
        assert!(!is_plausible_start(&digits("123417")));
        assert!(!is_plausible_start(&digits("123455")));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_never_taken_for_another_message(
            account in "[0-9B-F]{4}", event in "[0-9]{3}", zone in "[0-9B-F]{3}",
            place in 0usize..LENGTH, other in 0usize..16,
        ) {
            let message = Message {
                account: account.parse().unwrap(),
                message_type: MessageType::T18,
                qualifier: Qualifier::Event,
                event: event.parse().unwrap(),
                partition: "01".parse().unwrap(),
                zone: zone.parse().unwrap(),
            };
            let good = encode(&message);
            prop_assert_eq!(decode(&good), Ok(message));

            let mut bad = good;
            bad[place] = Dtmf::ALL[other];
            if bad != good {
                // D for a checksum of ten is the same message.
                if let Ok(read) = decode(&bad) {
                    prop_assert_eq!(read, message);
                }
            }
        }

        #[test]
        fn any_digits_are_survived(places in proptest::collection::vec(0usize..16, 0..40)) {
            let digits: Vec<_> = places.into_iter().map(|place| Dtmf::ALL[place]).collect();
            let _ = decode(&digits);
            let _ = is_plausible_start(&digits);
        }
    }
}
