//! What is wrong with a file, in words that let a technician repair it.

use core::fmt;

use serde::Serialize;

/// One thing that is wrong: where, what, and how to repair it.
///
/// It prints as `site.toml:12: link[1].port: "wan9" is not a port of board "lab" (its ports are lan,
/// wan1, wan2). Use one of those.`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; `None` where no line is to blame.
    pub line: Option<u32>,
    /// The key with its sections, `link[1].port`: entries of a list are counted from 1. Empty where no
    /// key is to blame.
    pub key: String,
    /// What was found, and what was expected.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}. {}", self.what, self.remedy)
    }
}

/// Everything that is wrong, in the order of the lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(Vec<Problem>);

impl Errors {
    /// All of them.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    pub(crate) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// `Err` if there is a problem at all.
    pub(crate) fn unless_none(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
        problems.dedup();
        Err(Self(problems))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Errors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_prints_where_what_and_remedy() {
        let problem = Problem {
            file: "site.toml".into(),
            line: Some(12),
            key: "link[1].port".into(),
            what: "\"wan9\" is no port".into(),
            remedy: "Use another.".into(),
        };
        assert_eq!(problem.to_string(), "site.toml:12: link[1].port: \"wan9\" is no port. Use another.");

        let whole = Problem { line: None, key: String::new(), ..problem };
        assert_eq!(whole.to_string(), "site.toml: \"wan9\" is no port. Use another.");
    }

    #[test]
    fn errors_come_in_the_order_of_the_lines_each_once() {
        let at = |line| Problem {
            file: "a".into(),
            line: Some(line),
            key: String::new(),
            what: "w".into(),
            remedy: "r.".into(),
        };
        let errors = Errors::unless_none(vec![at(10), at(2), at(10)]).unwrap_err();
        assert_eq!(errors.to_string(), "a:2: w. r.\na:10: w. r.");
        assert_eq!(Errors::unless_none(Vec::new()), Ok(()));
    }
}
