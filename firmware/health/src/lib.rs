//! Conditions (X.733 calls them alarms): what is wrong with the box, since when and why.
