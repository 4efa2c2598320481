//! Printed ports of the board, each used once.

use std::collections::BTreeMap;

use crate::Board;
use crate::section::Section;

/// Who uses which port.
pub(super) struct Ports<'b> {
    board: &'b Board,
    users: BTreeMap<String, String>,
}

impl<'b> Ports<'b> {
    pub(super) const fn of(board: &'b Board) -> Self {
        Self { board, users: BTreeMap::new() }
    }

    /// The kernel's interface of the port that the section names.
    pub(super) fn take(&mut self, section: &Section<'_>) -> Option<String> {
        let port = section.text("port")?;
        let Some(interface) = self.board.ports.get(&port.value) else {
            let (name, known) = (&self.board.name, self.board.ports.keys());
            let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
            let what = format!("{:?} is not a port of board {name:?}: its ports are {known}", port.value);
            section.problem("port", what, "Use one of those.");
            return None;
        };
        let user = section.place.key.clone();
        if let Some(other) = self.users.insert(port.value.clone(), user) {
            let what = format!("{:?} is the port of [{other}] already", port.value);
            section.problem("port", what, "Give each its own port.");
            return None;
        }
        Some(interface.clone())
    }
}
