//! The collector's word that it has committed records to its own store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Class, Position};

/// Per class the newest position up to which nothing is missing. Retained; it only rises.
///
/// A PUBACK says that the broker has a record in RAM; only this says that it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// `signal`, `state`, `audit` -> position.
    pub upto: BTreeMap<Class, Position>,
}
