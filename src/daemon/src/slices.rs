//! Slices: the groups that services lie in by `Slice=`, and the limits of each.
//!
//! A slice is there from its first service to its last. What its file says holds from the commit on,
//! also for services that run; a slice without a file has no limits, and may be named all the same.
use crate::host::Host;
use gitproc_sys::cgroup::{Limits, SliceGroup};
use gitproc_unit::Family::Resource;
use gitproc_unit::name::slice;
use gitproc_unit::{Unit, UnitKind, UnitName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// The `.slice` units of the commit that is wanted.
#[derive(Debug, Default)]
pub struct Slices(RwLock<Units>);

pub use gitproc_core::plan::Slices as Units;

impl Slices {
    /// Those of a new commit.
    pub fn replace(&self, units: Units) -> Units {
        std::mem::replace(
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
            units,
        )
    }

    /// All of them.
    pub fn all(&self) -> Units {
        let units = self.0.read().unwrap_or_else(PoisonError::into_inner);
        units.clone()
    }

    /// The definition of a slice, if it has one.
    pub fn get(&self, slice: &UnitName) -> Option<Arc<Unit>> {
        let units = self.0.read().unwrap_or_else(PoisonError::into_inner);
        units.get(slice).cloned()
    }
}

/// Of a loaded tree.
pub fn of(others: &BTreeMap<UnitName, Unit>) -> Units {
    others
        .iter()
        .filter(|(name, _)| name.kind() == UnitKind::Slice)
        .map(|(name, unit)| (name.clone(), Arc::new(unit.clone())))
        .collect()
}

/// The slice that the unit lies in; `None`: the instance's group itself.
pub fn wanted(unit: &Unit) -> Option<UnitName> {
    UnitName::parse(unit.settings.text(Resource, "Slice")).ok()
}

/// A slice and those around it, from the outermost on; the root slice is the instance's group.
pub fn path(innermost: Option<&UnitName>) -> Vec<UnitName> {
    let path = innermost.and_then(|slice| slice::path(slice).ok());
    path.into_iter()
        .flatten()
        .filter(|slice| slice.as_str() != slice::ROOT)
        .collect()
}

/// The groups of these slices, as they are defined now.
pub fn groups(host: &Host, path: &[UnitName]) -> Vec<SliceGroup> {
    let group = |slice: &UnitName| SliceGroup {
        name: slice.to_string(),
        limits: limits(host, host.slices.get(slice).as_deref()),
    };
    path.iter().map(group).collect()
}

fn limits(host: &Host, unit: Option<&Unit>) -> Limits {
    let Some(unit) = unit else {
        return Limits::default();
    };
    match unit.service.as_deref() {
        Some(section) => crate::host::limits(&host.cgroups, unit, &section.resources),
        None => Limits::default(),
    }
}

/// From now on `units` are the slices: those that exist get their new limits at once. Blocking.
pub fn take_on(host: &Host, units: Units) {
    let old = host.slices.replace(units.clone());
    let names: BTreeSet<&UnitName> = old.keys().chain(units.keys()).collect();
    for name in names {
        let (old, new) = (old.get(name), units.get(name));
        if old.map(|unit| unit.meaning) == new.map(|unit| unit.meaning) {
            continue;
        }
        let path = path(Some(name));
        let path: Vec<&str> = path.iter().map(UnitName::as_str).collect();
        let limits = limits(host, new.map(|unit| &**unit));
        for why in host
            .cgroups
            .limit_slice(&host.layout.instance, &path, &limits)
        {
            tracing::warn!(unit = name.as_str(), "{name}: {why}");
        }
    }
}
