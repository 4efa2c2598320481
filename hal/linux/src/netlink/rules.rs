//! Routing rules as netlink messages, and what the kernel says of them.

use std::net::IpAddr;

use hal::Family;
use nix::errno::Errno;

use super::packet::AddressFamily;
use super::packet::route::RouteProtocol;
use super::packet::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};
use super::routes::family_of;
use super::{NLM_F_CREATE, NLM_F_EXCL, NetlinkError, RouteNetlinkMessage, Session};
use crate::routing::{KernelRule, PROTOCOL, Rule, Select, Then};

/// `FRA_SUPPRESS_PREFIXLEN` of a rule that suppresses nothing.
const SUPPRESS_NOTHING: u32 = u32::MAX;

impl Session {
    /// Adds a rule; one that stands already is added.
    pub fn add_rule(&mut self, rule: &Rule) -> Result<(), NetlinkError> {
        let message = encode(rule, PROTOCOL);
        match self.request(RouteNetlinkMessage::NewRule(message), NLM_F_CREATE | NLM_F_EXCL) {
            Err(error) if error.is(Errno::EEXIST) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes one copy of a rule; one that is gone already is removed.
    pub fn drop_rule(&mut self, rule: &KernelRule) -> Result<(), NetlinkError> {
        match self.request(RouteNetlinkMessage::DelRule(encode(&rule.rule, rule.protocol)), 0) {
            Err(error) if error.says_absent() => Ok(()),
            outcome => outcome,
        }
    }

    /// The rules of a family that are of a kind we make, in the kernel's order.
    pub fn rules_of(&mut self, family: Family) -> Result<Vec<KernelRule>, NetlinkError> {
        let mut request = RuleMessage::default();
        request.header.family = family_of(family);
        let rules = self.dump(RouteNetlinkMessage::GetRule(request))?;
        Ok(rules
            .iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewRule(rule) => decode(rule),
                _ => None,
            })
            .collect())
    }
}

fn encode(rule: &Rule, protocol: u8) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = family_of(rule.family);
    message.attributes.push(RuleAttribute::Priority(rule.preference));
    message.attributes.push(RuleAttribute::Protocol(RouteProtocol::from(protocol)));
    match rule.select {
        Select::All => {}
        Select::Mark { value, mask } => push_mark(&mut message, value, mask),
        Select::NotMark { value, mask } => {
            push_mark(&mut message, value, mask);
            message.header.flags |= RuleFlags::Invert;
        }
        Select::From(address) => {
            message.header.src_len = full_length(&address);
            message.attributes.push(RuleAttribute::Source(address));
        }
    }
    match rule.then {
        Then::Unreachable => message.header.action = RuleAction::Unreachable,
        Then::Lookup { table, skip_defaults } => {
            message.header.action = RuleAction::ToTable;
            message.attributes.push(RuleAttribute::Table(table));
            if skip_defaults {
                message.attributes.push(RuleAttribute::SuppressPrefixLen(0));
            }
        }
    }
    message
}

fn push_mark(message: &mut RuleMessage, value: u32, mask: u32) {
    message.attributes.push(RuleAttribute::FwMark(value));
    message.attributes.push(RuleAttribute::FwMask(mask));
}

/// `None` for a rule with a selector or an action that we never make.
fn decode(message: &RuleMessage) -> Option<KernelRule> {
    let header = &message.header;
    if header.tos != 0 || header.dst_len != 0 {
        return None;
    }
    let mut read = Read { table: u32::from(header.table), suppress: SUPPRESS_NOTHING, ..Read::default() };
    for attribute in &message.attributes {
        read.attribute(attribute)?;
    }
    let family = match header.family {
        AddressFamily::Inet => Family::V4,
        AddressFamily::Inet6 => Family::V6,
        _ => return None,
    };
    let then = match (header.action, read.suppress) {
        (RuleAction::Unreachable, _) => Then::Unreachable,
        (RuleAction::ToTable, SUPPRESS_NOTHING) => Then::Lookup { table: read.table, skip_defaults: false },
        (RuleAction::ToTable, 0) => Then::Lookup { table: read.table, skip_defaults: true },
        _ => return None,
    };
    let select = read.select(header.src_len, header.flags.contains(RuleFlags::Invert))?;
    Some(KernelRule {
        rule: Rule { family, preference: read.preference, select, then },
        protocol: read.protocol,
    })
}

#[derive(Default)]
struct Read {
    preference: u32,
    protocol: u8,
    table: u32,
    suppress: u32,
    mark: u32,
    mask: u32,
    source: Option<IpAddr>,
}

impl Read {
    fn attribute(&mut self, attribute: &RuleAttribute) -> Option<()> {
        match attribute {
            RuleAttribute::Priority(value) => self.preference = *value,
            RuleAttribute::Protocol(value) => self.protocol = u8::from(*value),
            RuleAttribute::Table(value) => self.table = *value,
            RuleAttribute::SuppressPrefixLen(value) => self.suppress = *value,
            RuleAttribute::FwMark(value) => self.mark = *value,
            RuleAttribute::FwMask(value) => self.mask = *value,
            RuleAttribute::Source(value) => self.source = Some(*value),
            _ => return None,
        }
        Some(())
    }

    fn select(&self, source_length: u8, inverted: bool) -> Option<Select> {
        let (value, mask) = (self.mark, self.mask);
        match (self.source, mask, inverted) {
            (None, 0, false) => Some(Select::All),
            (None, 1.., false) => Some(Select::Mark { value, mask }),
            (None, 1.., true) => Some(Select::NotMark { value, mask }),
            (Some(address), 0, false) if source_length == full_length(&address) => {
                Some(Select::From(address))
            }
            (Some(_), _, _) | (None, 0, true) => None,
        }
    }
}

const fn full_length(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: u32 = 0xff00;

    #[test]
    fn every_kind_of_rule_survives_the_way_to_the_kernel_and_back() {
        let lookup = |table, skip_defaults| Then::Lookup { table, skip_defaults };
        let kinds = [
            (Select::All, Then::Unreachable),
            (Select::All, lookup(254, true)),
            (Select::Mark { value: 0x100, mask: MASK }, lookup(101, false)),
            (Select::NotMark { value: 0, mask: MASK }, Then::Unreachable),
            (Select::From("10.0.1.2".parse().unwrap()), lookup(101, false)),
        ];
        for (preference, (select, then)) in (400..).zip(kinds) {
            let rule = Rule { family: Family::V4, preference, select, then };
            assert_eq!(decode(&encode(&rule, 77)), Some(KernelRule { rule, protocol: 77 }));
        }
    }

    #[test]
    fn a_rule_with_a_selector_of_others_is_not_one_of_ours() {
        let rule = Rule { family: Family::V4, preference: 700, select: Select::All, then: Then::Unreachable };
        let mut by_interface = encode(&rule, PROTOCOL);
        by_interface.attributes.push(RuleAttribute::Iifname("eth0".to_owned()));
        let mut by_service = encode(&rule, PROTOCOL);
        by_service.header.tos = 0x10;
        let mut inverted = encode(&rule, PROTOCOL);
        inverted.header.flags = RuleFlags::Invert;
        let mut by_network = encode(&rule, PROTOCOL);
        by_network.header.src_len = 24;
        by_network.attributes.push(RuleAttribute::Source("10.0.1.0".parse().unwrap()));

        for message in [by_interface, by_service, inverted, by_network] {
            assert_eq!(decode(&message), None);
        }
    }
}
