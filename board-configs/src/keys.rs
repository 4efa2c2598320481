//! The keys of board and site files.

mod board;
mod site;
mod station;

pub use board::BOARD;
pub(crate) use site::MAX_TARGETS_PER_FAMILY;
pub use site::SITE;
pub(crate) use station::SUPERVISION_FORMATS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, Kind, Need, bounded_size, bounded_time, bounded_time_or_never};
    use crate::value::{default, example, whole};

    fn all() -> Vec<&'static Key> {
        let mut open: Vec<&'static Key> = BOARD.iter().chain(SITE).collect();
        let mut all = Vec::new();
        while let Some(key) = open.pop() {
            open.extend(key.kind.keys());
            all.push(key);
        }
        all
    }

    #[test]
    fn every_default_fits_its_key() {
        for key in all() {
            let Need::Default(text) = key.need else { continue };
            let value = default(&key.kind, text);
            let fits = match &key.kind {
                Kind::Text(form) => form.fits(text),
                Kind::Flag => value.as_bool().is_some(),
                Kind::Whole { min, max } => whole(&value).is_some_and(|n| (*min..=*max).contains(&n)),
                Kind::Time { min, max } => bounded_time(text, min, max).is_ok(),
                Kind::TimeOrNever { min, max } => bounded_time_or_never(text, min, max).is_ok(),
                Kind::Size { min, max } => bounded_size(text, min, max).is_ok(),
                Kind::Word(words) => words.contains(&text),
                Kind::Words(_)
                | Kind::Addresses { .. }
                | Kind::Names { .. }
                | Kind::Section(_)
                | Kind::Sections { .. } => false,
            };
            assert!(fits, "{} = {text}", key.name);
        }
    }

    #[test]
    fn every_bound_is_a_time_or_size_and_in_order() {
        for key in all() {
            match &key.kind {
                Kind::Time { min, max } | Kind::TimeOrNever { min, max } => {
                    assert!(bounded_time(min, min, max).is_ok(), "{}", key.name);
                }
                Kind::Size { min, max } => assert!(bounded_size(min, min, max).is_ok(), "{}", key.name),
                Kind::Whole { min, max } => assert!(min < max, "{}", key.name),
                Kind::Text(_)
                | Kind::Flag
                | Kind::Word(_)
                | Kind::Words(_)
                | Kind::Addresses { .. }
                | Kind::Names { .. }
                | Kind::Section(_)
                | Kind::Sections { .. } => {}
            }
        }
    }

    #[test]
    fn every_example_is_toml_and_every_meaning_a_sentence() {
        for key in all() {
            let example = example(key);
            assert!(toml::de::DeTable::parse(&example).is_ok(), "{example}");
            assert!(key.about.ends_with('.') && !key.about.contains('|'), "{}: {}", key.name, key.about);
        }
    }
}
