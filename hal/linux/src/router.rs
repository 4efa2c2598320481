//! Executes routing plans, and puts right what others did to our tables and rules.
//!
//! The switch comes first: one replace per family, no reading before it. A shadow of the kernel's
//! state tells what is to be removed; routes of a plan are always put, because the kernel itself
//! drops routes when an interface goes down. Reading `main` is left to the link watch; nothing here
//! writes to it.

use hal::{Family, LinkId};
use nix::errno::Errno;
use wan::{RoutePlan, RoutesApplied};

use crate::links::WatchedLink;
use crate::netlink::{NetlinkError, Session};
use crate::routing::{
    ACTIVE_TABLE, Change, Goal, KernelRoute, KernelRouting, KernelRule, METRIC_ACTIVE, PROTOCOL, Place,
    changes,
};

/// The router cannot work on this kernel or with this site.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The kernel's tables or rules cannot be read.
    #[error("cannot read the kernel's routing: {0}")]
    Unreadable(#[from] NetlinkError),
    /// Neither IPv4 nor IPv6 has policy routing.
    #[error("this kernel has no policy routing; build it with CONFIG_IP_MULTIPLE_TABLES")]
    NoPolicyRouting,
}

/// What a plan or a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performed {
    /// What was changed, in words.
    pub done: Vec<String>,
    /// What waits for its interface to come up; the next repair tries again.
    pub waiting: Vec<String>,
    /// What the kernel refused for another reason, in words.
    pub refused: Vec<String>,
}

/// The one writer of table 99, the links' tables and our rules.
#[derive(Debug)]
pub struct Router {
    session: Session,
    links: Vec<WatchedLink>,
    ids: Vec<LinkId>,
    families: Vec<Family>,
    shadow: KernelRouting,
    plan: Option<RoutePlan>,
    fail_fast: bool,
}

impl Router {
    /// Reads what stands, completes the rule set, removes nothing that carries traffic.
    pub fn open(links: &[WatchedLink]) -> Result<(Self, Performed), RouterError> {
        let mut session = Session::open()?;
        let families = families_of(&mut session)?;
        let ids = links.iter().map(|l| l.link).collect();
        let shadow = KernelRouting::default();
        let links = links.to_vec();
        let mut router = Self { session, links, ids, families, shadow, plan: None, fail_fast: false };
        router.shadow = router.read()?;
        router.fail_fast = router.chosen_before();
        let performed = router.perform_missing();
        Ok((router, performed))
    }

    /// The link that table 99 leads to, per family: what an earlier run left standing.
    pub fn adopted(&mut self, family: Family) -> Option<LinkId> {
        let ifindex = self.shadow.active(family)?.via?.ifindex;
        let Self { session, links, .. } = self;
        let leads = |link: &&WatchedLink| matches!(session.interface(&link.interface), Ok(Some(i)) if i.ifindex == ifindex);
        links.iter().find(leads).map(|l| l.link)
    }

    /// Our netlink port: changes that carry it are our own.
    #[must_use]
    pub const fn port(&self) -> u32 {
        self.session.port()
    }

    /// Makes the kernel look like `plan`. Microseconds, and no reading before the switch.
    ///
    /// A family counts as applied when its active default stands; a refused standby or table is
    /// told in words.
    pub fn apply(&mut self, plan: &RoutePlan) -> (RoutesApplied, Performed) {
        self.fail_fast |= plan.v4.active.is_some() || plan.v6.active.is_some();
        self.plan = Some(plan.clone());
        let goal = self.goal();
        let routes = goal.routes();
        self.shadow.routes.retain(|k| !routes.iter().any(|r| *k == KernelRoute::ours(r)));
        let performed = self.perform_missing();
        let stands = |family| self.stands(plan, family);
        let applied =
            RoutesApplied { generation: plan.generation, v4: stands(Family::V4), v6: stands(Family::V6) };
        (applied, performed)
    }

    /// Reads the kernel again and puts right whatever differs from the latest plan.
    pub fn reconcile(&mut self) -> Result<Performed, NetlinkError> {
        self.shadow = self.read()?;
        Ok(self.perform_missing())
    }

    fn goal(&self) -> Goal<'_> {
        Goal {
            links: &self.ids,
            families: &self.families,
            plan: self.plan.as_ref(),
            fail_fast: self.fail_fast,
        }
    }

    fn stands(&self, plan: &RoutePlan, family: Family) -> bool {
        let active = Place { family, table: ACTIVE_TABLE, metric: METRIC_ACTIVE };
        let wanted = self.goal().routes().into_iter().find(|r| r.place == active);
        match wanted {
            Some(route) => self.shadow.routes.contains(&KernelRoute::ours(&route)),
            None => plan.family(family).active.is_none(),
        }
    }

    fn perform_missing(&mut self) -> Performed {
        let list = changes(&self.shadow, &self.goal());
        let mut performed = Performed::default();
        let mut refused_in: Vec<Family> = Vec::new();
        for change in list {
            // What is to go may be all that carries the family as long as its successor is missing.
            if matches!(&change, Change::DropRoute(r) if refused_in.contains(&r.place.family)) {
                continue;
            }
            match self.perform(&change) {
                Ok(()) => performed.done.push(change.to_string()),
                Err(error) => {
                    if let Change::PutRoute(route) = &change {
                        refused_in.push(route.place.family);
                    }
                    let list = if is_down(&error) { &mut performed.waiting } else { &mut performed.refused };
                    list.push(format!("{change}: {error}"));
                }
            }
        }
        performed
    }

    fn perform(&mut self, change: &Change) -> Result<(), NetlinkError> {
        let Self { session, shadow, .. } = self;
        match change {
            Change::PutRoute(route) => {
                session.put_route(route)?;
                shadow.routes.retain(|k| k.destination.is_some() || k.place != route.place);
                shadow.routes.push(KernelRoute::ours(route));
            }
            Change::AddRule(rule) => {
                session.add_rule(rule)?;
                shadow.rules.push(KernelRule { rule: *rule, protocol: PROTOCOL });
            }
            Change::DropRoute(route) => {
                session.drop_route(route)?;
                shadow.routes.retain(|k| k != route);
            }
            Change::DropRule(rule) => {
                session.drop_rule(rule)?;
                if let Some(index) = shadow.rules.iter().position(|k| k == rule) {
                    shadow.rules.remove(index);
                }
            }
        }
        Ok(())
    }

    /// A link was chosen in an earlier run, or the last rule stands.
    fn chosen_before(&self) -> bool {
        let carries = Family::BOTH.iter().any(|f| self.shadow.active(*f).is_some());
        carries || self.shadow.rules.iter().any(|k| k.protocol == PROTOCOL && k.rule.is_fail_fast())
    }

    /// Our tables, also those that an earlier run filled for links that are no longer configured.
    fn read(&mut self) -> Result<KernelRouting, NetlinkError> {
        let Self { session, families, ids, .. } = self;
        let mut read = KernelRouting::default();
        for family in families.iter().copied() {
            read.rules.extend(session.rules_of(family)?);
            for table in core::iter::once(ACTIVE_TABLE).chain(ids.iter().map(|l| l.table())) {
                read.routes.extend(session.routes_of(family, table)?);
            }
            let left = session.routes_of_ours(family)?.into_iter();
            let left = left.filter(|r| !ids.iter().any(|l| l.table() == r.place.table));
            read.routes.extend(left.filter(KernelRoute::is_in_a_links_table));
        }
        Ok(read)
    }
}

/// The families whose rules the kernel knows.
fn families_of(session: &mut Session) -> Result<Vec<Family>, RouterError> {
    let mut families = Vec::new();
    for family in Family::BOTH {
        match session.rules_of(family) {
            Ok(_) => families.push(family),
            Err(error) if error.is(Errno::EAFNOSUPPORT) || error.is(Errno::EOPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if families.is_empty() { Err(RouterError::NoPolicyRouting) } else { Ok(families) }
}

/// The kernel takes no route by an interface that is down or gone.
fn is_down(error: &NetlinkError) -> bool {
    [Errno::ENETDOWN, Errno::ENODEV].into_iter().any(|errno| error.is(errno))
}
