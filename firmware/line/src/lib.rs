//! One analogue line.
