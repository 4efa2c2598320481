//! What can be asked, and what of it is refused at the door.

use serde::{Deserialize, Serialize};

/// Calls that one answer tells at most.
pub const MAX_CALLS: u16 = 100;

/// An account is on test for at most a day, minutes.
pub const MAX_TEST_MINUTES: u16 = 24 * 60;

/// The longest name of a person, characters.
const MAX_NAME: usize = 64;

/// What can be asked. On the wire: `{"ask":"status"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// How is the box?
    Status,
    /// How are the links?
    Links,
    /// Why is it so?
    Explain {
        /// Of what; everything if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<String>,
    },
    /// What happened in the latest calls? To be answered by what
    /// [`EvidenceHandle::last_calls`](crate::evidence::EvidenceHandle::last_calls) gives, off the loop.
    Calls {
        /// How many, at most [`MAX_CALLS`].
        last: u16,
    },
    /// Signals of this account are a technician's for a while: to become an
    /// [`Order`](appliance::Order), answered by `{"on_test": account, "minutes": minutes}`.
    OnTest {
        /// The panel's account, as the station knows it.
        account: String,
        /// For how long, at most [`MAX_TEST_MINUTES`]; 0 ends it.
        minutes: u16,
        /// Who asks, in their own words; the connection adds the user that the kernel vouches for.
        #[serde(default)]
        by: String,
    },
}

impl Ask {
    /// All words that `ask` can be.
    pub const KNOWN: [&'static str; 5] = ["status", "links", "explain", "calls", "on_test"];

    /// As it may be carried out, for the user that the kernel names.
    pub(super) fn admitted(self, uid: Option<u32>) -> Result<Self, String> {
        match self {
            Self::Calls { last } if last == 0 || last > MAX_CALLS => {
                Err(format!("`last` is {last}: ask for 1 to {MAX_CALLS} calls"))
            }
            Self::OnTest { minutes, .. } if minutes > MAX_TEST_MINUTES => Err(format!(
                "`minutes` is {minutes}: an account is on test for at most {MAX_TEST_MINUTES} (a day); ask again then"
            )),
            Self::OnTest { account, .. } if !is_account(&account) => Err(format!(
                "{:?} is no account: 3 to 16 of 0-9 and A-F, as the station knows the panel",
                account.escape_default().take(MAX_NAME).collect::<String>()
            )),
            Self::OnTest { account, minutes, by } => {
                Ok(Self::OnTest { account: account.to_ascii_uppercase(), minutes, by: signed(&by, uid) })
            }
            ask @ (Self::Status | Self::Links | Self::Explain { .. } | Self::Calls { .. }) => Ok(ask),
        }
    }
}

/// SIA DC-09: account numbers are 3 to 16 hexadecimal characters.
fn is_account(text: &str) -> bool {
    (3..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What somebody says they are called, and who the kernel knows them to be.
fn signed(by: &str, uid: Option<u32>) -> String {
    let name: String = by.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let user = uid.map_or_else(|| "user unknown".to_owned(), |uid| format!("uid {uid}"));
    if name.is_empty() { user } else { format!("{name} ({user})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_test(account: &str, minutes: u16, by: &str) -> Ask {
        Ask::OnTest { account: account.to_owned(), minutes, by: by.to_owned() }
    }

    #[test]
    fn what_is_asked_for_is_within_bounds() {
        let wrong = [
            (Ask::Calls { last: 0 }, "1 to 100"),
            (Ask::Calls { last: 101 }, "1 to 100"),
            (on_test("1234", 1441, "x"), "at most 1440"),
            (on_test("12", 60, "x"), "no account"),
            (on_test("12345678901234567", 60, "x"), "no account"),
            (on_test("12\n4", 60, "x"), "no account"),
        ];
        for (ask, why) in wrong {
            let refused = ask.clone().admitted(Some(0)).unwrap_err();
            assert!(refused.contains(why), "{ask:?}: {refused}");
        }
        for ask in [Ask::Status, Ask::Calls { last: 100 }, Ask::Explain { what: None }] {
            assert_eq!(ask.clone().admitted(None), Ok(ask));
        }
    }

    #[test]
    fn who_asks_is_vouched_for_by_the_kernel() {
        let cases = [
            ("anna", Some(1000), "anna (uid 1000)"),
            ("", Some(0), "uid 0"),
            ("a\u{1b}[2Jb", None, "a[2Jb (user unknown)"),
        ];
        for (by, uid, signed) in cases {
            assert_eq!(on_test("12ab", 1440, by).admitted(uid), Ok(on_test("12AB", 1440, signed)));
        }
    }
}
