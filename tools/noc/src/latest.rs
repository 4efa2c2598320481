//! The newest presence and state document of a site, in one small file.
//!
//! Replaced as a whole, not synced: the broker keeps both and tells them again at every start.

use std::io;
use std::path::Path;

use noc_messages::Presence;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::StateHead;

const NAME: &str = "latest.json";

/// What a site last said of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Latest {
    /// Is it there?
    pub presence: Option<Presence>,
    /// The state document, as it came.
    pub document: Option<Box<RawValue>>,
}

impl Latest {
    /// What is kept; nothing, if it was never written or cannot be read.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let bytes = std::fs::read(dir.join(NAME)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// What orders the document among others.
    #[must_use]
    pub fn head(&self) -> Option<StateHead> {
        serde_json::from_str(self.document.as_ref()?.get()).ok()
    }

    /// Replaces what is kept.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let next = dir.join(format!("{NAME}.next"));
        std::fs::write(&next, serde_json::to_vec(self)?)?;
        std::fs::rename(next, dir.join(NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_junk_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let presence = r#"{"site":"a","state":"going","boot":1,"session":2}"#;
        let document = r#"{"boot":4,"generation":9,"more":{"x":[1]}}"#;
        let text = format!(r#"{{"presence":{presence},"document":{document}}}"#);
        let latest: Latest = serde_json::from_str(&text).unwrap();
        latest.write(dir.path()).unwrap();

        let read = Latest::read(dir.path());
        assert_eq!(read.presence, latest.presence);
        assert_eq!(read.document.as_ref().unwrap().get(), document);
        assert_eq!(read.head(), Some(StateHead { boot: 4, generation: 9 }));

        std::fs::write(dir.path().join(NAME), "\0\0").unwrap();
        assert!(Latest::read(dir.path()).presence.is_none());
    }
}
