//! Routing in words, for people who repair it: the notation of `ip route` and `ip rule`.

use std::fmt;

use super::{Change, KernelRoute, KernelRule, Place, Route, Rule, Select, Then, Via};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutRoute(route) => write!(f, "put {route}"),
            Self::AddRule(rule) => write!(f, "add {rule}"),
            Self::DropRoute(route) => write!(f, "remove {route}"),
            Self::DropRule(rule) => write!(f, "remove {rule}"),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { family, table, metric } = self.place;
        write!(f, "{family} route default{} table {table} metric {metric}", self.via)
    }
}

impl fmt::Display for KernelRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { family, table, metric } = self.place;
        write!(f, "{family} route ")?;
        match self.destination {
            None => f.write_str("default")?,
            Some((address, length)) => write!(f, "{address}/{length}")?,
        }
        if let Some(via) = &self.via {
            write!(f, "{via}")?;
        }
        write!(f, " table {table} metric {metric} proto {}", self.protocol)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        write!(f, " dev #{}", self.ifindex)?;
        match self.source {
            Some(source) => write!(f, " src {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rule pref {}", self.family, self.preference)?;
        match self.select {
            Select::All => {}
            Select::Mark { value, mask } => write!(f, " fwmark {value:#x}/{mask:#x}")?,
            Select::NotMark { value, mask } => write!(f, " not fwmark {value:#x}/{mask:#x}")?,
            Select::From(address) => write!(f, " from {address}")?,
        }
        match self.then {
            Then::Lookup { table, skip_defaults: false } => write!(f, " lookup {table}"),
            Then::Lookup { table, skip_defaults: true } => {
                write!(f, " lookup {table} suppress_prefixlength 0")
            }
            Then::Unreachable => f.write_str(" unreachable"),
        }
    }
}

impl fmt::Display for KernelRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} proto {}", self.rule, self.protocol)
    }
}
