//! Who holds the lock, by its record and by the kernel.

use std::path::Path;

use crate::{
    report::doctor::{Finding, holder as say},
    store::file::{Sight, holders},
};

pub(super) fn findings(path: &Path) -> Vec<Finding> {
    let sight = match Sight::of(path) {
        Ok(sight) => sight,
        Err(error) => return vec![say::unseen(&error)],
    };
    let record = sight.record.as_deref();
    let mut findings = vec![say::condition(path, sight.condition, record)];
    if sight.condition.is_held() {
        findings.push(say::hands(record, &holders(path)));
    }
    findings
}
