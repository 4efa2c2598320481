//! A section of a file, read key by key after its description.
//!
//! Every getter tells what is wrong and goes on, so that one reading finds all mistakes.

use core::net::IpAddr;
use std::borrow::Cow;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Origin;
use crate::key::{Form, Key, Kind, Need, bounded_size, bounded_time, bounded_time_or_never};
use crate::source::{At, Place, Source};
use crate::suggest::nearest;
use crate::value::{default, example, found, one_of, spell, whole};

type Pair<'a> = (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// A section; one that is not there reads as an empty one.
pub(crate) struct Section<'a> {
    source: &'a Source,
    keys: &'static [Key],
    table: Option<&'a DeTable<'a>>,
    /// Of the section itself.
    pub(crate) place: Place,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn whole(source: &'a Source, keys: &'static [Key], table: &'a DeTable<'a>) -> Self {
        Self::new(source, keys, Some(table), Place { line: None, key: String::new() })
    }

    fn new(source: &'a Source, keys: &'static [Key], table: Option<&'a DeTable<'a>>, place: Place) -> Self {
        let section = Self { source, keys, table, place };
        section.refuse_unknown_keys();
        section
    }

    /// Whether the key is written in the file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pair(name).is_some()
    }

    /// The place of a key, written or not.
    pub(crate) fn place_of(&self, name: &str) -> Place {
        let line = self.pair(name).and_then(|(key, _)| self.source.line(&key.span()));
        Place { line: line.or(self.place.line), key: self.path(name) }
    }

    /// Text that is written under the key, whatever it is worth.
    pub(crate) fn peek(&self, name: &str) -> Option<&'a str> {
        self.pair(name).and_then(|(_, value)| value.get_ref().as_str())
    }

    /// Text of the key's form.
    pub(crate) fn text(&self, name: &str) -> Option<At<String>> {
        self.read(name, |kind, value| {
            let Kind::Text(form) = kind else { misread(name, kind) };
            let text = value.as_str().filter(|text| form.fits(text));
            text.map(str::to_owned).ok_or_else(|| found(value))
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Option<At<bool>> {
        self.read(name, |_, value| value.as_bool().ok_or_else(|| found(value)))
    }

    /// A whole number within the key's bounds.
    pub(crate) fn whole_number(&self, name: &str) -> Option<At<u64>> {
        self.read(name, |kind, value| {
            let Kind::Whole { min, max } = kind else { misread(name, kind) };
            whole(value).filter(|n| (*min..=*max).contains(n)).ok_or_else(|| found(value))
        })
    }

    /// A time within the key's bounds.
    pub(crate) fn time(&self, name: &str) -> Option<At<Duration>> {
        self.read(name, |kind, value| {
            let Kind::Time { min, max } = kind else { misread(name, kind) };
            bounded_time(value.as_str().ok_or_else(|| found(value))?, min, max)
        })
    }

    /// A time within the key's bounds, or never.
    pub(crate) fn time_or_never(&self, name: &str) -> Option<At<Option<Duration>>> {
        self.read(name, |kind, value| {
            let Kind::TimeOrNever { min, max } = kind else { misread(name, kind) };
            bounded_time_or_never(value.as_str().ok_or_else(|| found(value))?, min, max)
        })
    }

    /// A size within the key's bounds.
    pub(crate) fn size(&self, name: &str) -> Option<At<u64>> {
        self.read(name, |kind, value| {
            let Kind::Size { min, max } = kind else { misread(name, kind) };
            bounded_size(value.as_str().ok_or_else(|| found(value))?, min, max)
        })
    }

    /// One of the key's words.
    pub(crate) fn word(&self, name: &str) -> Option<At<&'static str>> {
        self.read(name, |kind, value| {
            let Kind::Word(words) = kind else { misread(name, kind) };
            one_of(words, value)
        })
    }

    /// Some of the key's words.
    pub(crate) fn words(&self, name: &str) -> Vec<At<&'static str>> {
        let kind = &self.key(name).kind;
        let Kind::Words(words) = kind else { misread(name, kind) };
        self.entries(name, |value| one_of(words, value))
    }

    /// IP addresses.
    pub(crate) fn addresses(&self, name: &str) -> Vec<At<IpAddr>> {
        self.entries(name, |value| {
            let written = value.as_str().ok_or_else(|| found(value))?;
            written.parse().map_err(|_| format!("{written:?} is not an IP address"))
        })
    }

    /// The section of that name, an empty one if it is not there.
    pub(crate) fn section(&self, name: &str) -> Section<'a> {
        let place = self.place_of(name);
        let table = self.pair(name).and_then(|(_, value)| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.wrong(&place, name, &found(value.get_ref()));
            }
            table
        });
        Section::new(self.source, self.key(name).kind.keys(), table, place)
    }

    /// The sections of that name.
    pub(crate) fn sections(&self, name: &str) -> Vec<Section<'a>> {
        let kind = &self.key(name).kind;
        let Kind::Sections { keys, max } = *kind else { misread(name, kind) };
        let Some((_, value)) = self.pair(name) else { return Vec::new() };
        let Some(entries) = value.get_ref().as_array() else {
            let place = self.place_of(name);
            let what = format!("found {}, expected sections", found(value.get_ref()));
            self.source.problem(&place, what, format!("Write [[{name}]] in double brackets for each."));
            return Vec::new();
        };
        if entries.len() > max {
            let place = self.place_of(name);
            let what = format!("there are {} of them, at most {max} are served", entries.len());
            self.source.problem(&place, what, "Remove the rest.");
        }
        let place = |at: usize, value: &Spanned<DeValue<'_>>| Place {
            line: self.source.line(&value.span()),
            key: format!("{}[{}]", self.path(name), at + 1),
        };
        let entries = entries.iter().take(max).enumerate();
        let section = |(at, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let place = place(at, value);
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.wrong(&place, name, &found(value.get_ref()));
            }
            table.map(|table| Section::new(self.source, keys, Some(table), place))
        };
        entries.filter_map(section).collect()
    }

    /// Free names with their values.
    pub(crate) fn names(&self, name: &str) -> Vec<(String, At<String>)> {
        let kind = &self.key(name).kind;
        let Kind::Names { values, max } = *kind else { misread(name, kind) };
        let Some((_, value)) = self.pair(name) else { return Vec::new() };
        let place = self.place_of(name);
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(&place, name, &found(value.get_ref()));
            return Vec::new();
        };
        if table.len() > max {
            self.source.problem(
                &place,
                format!("there are {}, at most {max} fit", table.len()),
                "Remove some.",
            );
        }
        let pairs = table.iter().take(max);
        pairs.filter_map(|(key, value)| self.named(name, values, key, value.get_ref())).collect()
    }

    /// A value that follows from others.
    pub(crate) fn derived(&self, name: &str, value: String, how: &str) {
        self.source.effective(self.path(name), value, Origin::Derived(how.to_owned()));
    }

    /// Something is wrong with a key of this section.
    pub(crate) fn problem(&self, name: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.source.problem(&self.place_of(name), what, remedy);
    }

    /// Something is wrong at a place of this file.
    pub(crate) fn problem_at(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.source.problem(place, what, remedy);
    }

    /// Something of this section is allowed and probably not wanted.
    pub(crate) fn warning(&self, name: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.source.warning(&self.place_of(name), what, remedy);
    }

    fn named(
        &self,
        section: &str,
        form: Form,
        key: &Spanned<Cow<'_, str>>,
        value: &DeValue<'_>,
    ) -> Option<(String, At<String>)> {
        let name = key.get_ref().to_string();
        let line = self.source.line(&key.span());
        let place = Place { line, key: format!("{}.{name}", self.path(section)) };
        if !Form::Port.fits(&name) {
            let what = format!(
                "{name:?} is not a name that is printed beside a connector: {}",
                Form::Port.expected()
            );
            self.source.problem(&place, what, "Rename it.");
            return None;
        }
        let Some(text) = value.as_str().filter(|text| form.fits(text)) else {
            let what = format!("found {}, expected {}", found(value), form.expected());
            self.source.problem(&place, what, format!("Write it like {name} = \"eth0\"."));
            return None;
        };
        Some((name, At { value: text.to_owned(), place }))
    }

    fn read<T>(&self, name: &str, parse: impl Fn(&Kind, &DeValue<'_>) -> Result<T, String>) -> Option<At<T>> {
        let key = self.key(name);
        let place = self.place_of(name);
        if let Some((_, written)) = self.pair(name) {
            return match parse(&key.kind, written.get_ref()) {
                Ok(value) => {
                    let origin = Origin::File { file: self.source.name.clone(), line: place.line };
                    self.source.effective(place.key.clone(), spell(written.get_ref()), origin);
                    Some(At { value, place })
                }
                Err(what) => {
                    self.wrong(&place, name, &what);
                    None
                }
            };
        }
        match key.need {
            Need::Default(text) => {
                let value =
                    parse(&key.kind, &default(&key.kind, text)).expect("defaults fit their keys: tested");
                self.source.effective(place.key.clone(), text.to_owned(), Origin::Default);
                Some(At { value, place })
            }
            Need::Required => {
                let what = format!("is missing, expected {}", key.kind.expected());
                self.source.problem(&place, what, format!("Add {}. {}", example(key), key.about));
                None
            }
            Need::Without(_) => None,
        }
    }

    fn entries<T>(&self, name: &str, parse: impl Fn(&DeValue<'_>) -> Result<T, String>) -> Vec<At<T>> {
        let Some((_, value)) = self.pair(name) else { return Vec::new() };
        let place = self.place_of(name);
        let Some(entries) = value.get_ref().as_array() else {
            self.wrong(&place, name, &found(value.get_ref()));
            return Vec::new();
        };
        let origin = Origin::File { file: self.source.name.clone(), line: place.line };
        self.source.effective(place.key.clone(), spell(value.get_ref()), origin);
        let entry = |entry: &Spanned<DeValue<'_>>| {
            let place = Place { line: self.source.line(&entry.span()), key: place.key.clone() };
            match parse(entry.get_ref()) {
                Ok(value) => Some(At { value, place }),
                Err(what) => {
                    self.wrong(&place, name, &what);
                    None
                }
            }
        };
        entries.iter().filter_map(entry).collect()
    }

    fn wrong(&self, place: &Place, name: &str, found: &str) {
        let key = self.key(name);
        let what = format!("found {found}, expected {}", key.kind.expected());
        self.source.problem(place, what, format!("Write it like {}.", example(key)));
    }

    fn refuse_unknown_keys(&self) {
        let known = |name: &str| self.keys.iter().any(|key| key.name == name);
        let written = self.table.into_iter().flat_map(DeTable::keys);
        for key in written.filter(|key| !known(key.get_ref())) {
            let place = Place { line: self.source.line(&key.span()), key: self.path(key.get_ref()) };
            let names = || self.keys.iter().map(|key| key.name);
            let remedy = match nearest(key.get_ref(), names()) {
                Some(meant) => format!("Did you mean {meant}?"),
                None => format!("Known here: {}.", names().collect::<Vec<_>>().join(", ")),
            };
            self.source.problem(&place, "is not a known key", remedy);
        }
    }

    fn pair(&self, name: &str) -> Option<Pair<'a>> {
        self.table?.get_key_value(name)
    }

    fn key(&self, name: &str) -> &'static Key {
        self.keys.iter().find(|key| key.name == name).expect("every key that is read is described: tested")
    }

    fn path(&self, name: &str) -> String {
        if self.place.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place.key) }
    }
}

/// The reader and the description of a key disagree, which no file can bring about.
fn misread(name: &str, kind: &Kind) -> ! {
    unreachable!("{name} is described as {kind:?} and read as something else")
}
