//! Every topic of the box. A site publishes and reads only below `holdfast/v1/<site>/`.

use crate::{Class, SiteId};

/// Retained birth and will.
#[must_use]
pub fn presence(site: &SiteId) -> String {
    format!("holdfast/v1/{site}/presence")
}

/// The retained state document.
#[must_use]
pub fn state(site: &SiteId) -> String {
    format!("holdfast/v1/{site}/state")
}

/// The stream of records of one class, QoS 1, not retained.
#[must_use]
pub fn records(site: &SiteId, class: Class) -> String {
    format!("holdfast/v1/{site}/records/{}", class.as_str())
}

/// The collector's retained watermark.
#[must_use]
pub fn watermark(site: &SiteId) -> String {
    format!("holdfast/v1/{site}/noc/watermark")
}

/// What the box subscribes to.
#[must_use]
pub fn from_noc(site: &SiteId) -> String {
    format!("holdfast/v1/{site}/noc/#")
}

/// What a collector subscribes to, for all sites.
pub const ALL_SITES: &str = "holdfast/v1/+/#";

/// The site and the rest of one of our topics.
#[must_use]
pub fn split(topic: &str) -> Option<(SiteId, &str)> {
    let (site, rest) = topic.strip_prefix("holdfast/v1/")?.split_once('/')?;
    Some((site.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_version_one_are_pinned() {
        let site: SiteId = "clinic-017".parse().expect("a valid name");
        assert_eq!(presence(&site), "holdfast/v1/clinic-017/presence");
        assert_eq!(state(&site), "holdfast/v1/clinic-017/state");
        assert_eq!(records(&site, Class::Signal), "holdfast/v1/clinic-017/records/signal");
        assert_eq!(watermark(&site), "holdfast/v1/clinic-017/noc/watermark");
        assert_eq!(from_noc(&site), "holdfast/v1/clinic-017/noc/#");
        assert_eq!(split("holdfast/v1/clinic-017/records/state"), Some((site, "records/state")));
        assert_eq!(split("holdfast/v1/#/x"), None);
        assert_eq!(split("other/v1/a/x"), None);
    }
}
