//! The control group of one invocation: in its slices, with its limits and guards.
use crate::host::{self, Host};
use crate::{guards, slices};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecStep, Identity};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::value::Controllers;
use gitproc_unit::{ServiceSection, Unit, UnitName};
use std::sync::Arc;

/// A group that was made.
#[derive(Debug)]
pub struct Group {
    /// Itself.
    pub cgroup: UnitCgroup,
    /// The slice that it lies in.
    pub slice: Option<UnitName>,
    /// What could not be had, in words.
    pub unapplied: Vec<String>,
}

/// Makes it. On failure it is gone again.
pub fn make(
    host: &Host,
    unit: &Unit,
    service: &ServiceSection,
    identity: &Identity,
) -> Result<Group, Failure> {
    let limits = host::limits(&host.cgroups, unit, &service.resources);
    let slice = slices::wanted(unit);
    let path = slices::path(slice.as_ref());
    let (cgroup, mut unapplied) = host
        .cgroups
        .create(
            &host.layout.instance,
            &slices::groups(host, &path),
            unit.name.as_str(),
            &limits,
        )
        .map_err(|error| failure(&error))?;
    let around: Vec<Arc<Unit>> = path
        .iter()
        .filter_map(|slice| host.slices.get(slice))
        .collect();
    let equipped = delegated(host, service, identity, &cgroup).and_then(|lacking| {
        let unguarded = guards::set(unit, &around, &cgroup, host.allow_degraded)?;
        Ok((lacking, unguarded))
    });
    match equipped {
        Ok((lacking, unguarded)) => {
            unapplied.extend(lacking);
            unapplied.extend(unguarded);
            Ok(Group {
                cgroup,
                slice,
                unapplied,
            })
        }
        Err(failed) => {
            let _ = cgroup.remove();
            Err(failed)
        }
    }
}

/// `Delegate=`: what it can't have here is told.
fn delegated(
    host: &Host,
    service: &ServiceSection,
    identity: &Identity,
    cgroup: &UnitCgroup,
) -> Result<Vec<String>, Failure> {
    if !service.delegate.on {
        return Ok(Vec::new());
    }
    // Without User= it is root's already.
    let done = match &identity.ids {
        Some(ids) => cgroup
            .delegate(ids.uid, ids.gid)
            .map_err(|error| failure(&error))?,
        None => cgroup.path().is_some(),
    };
    if !done {
        return Ok(vec!["Delegate: there is no v2 cgroup".to_owned()]);
    }
    let wanted = service.delegate.controllers;
    // `yes` stands for all that there are; some names stand for no controller of v2.
    let known = Controllers::DELEGATED.names();
    let lacking = wanted.names().into_iter().filter(|name| {
        wanted != Controllers::DELEGATED && known.contains(name) && !host.cgroups.gives(name)
    });
    let told = |name| format!("Delegate: there is no {name} controller in cgroup v2");
    Ok(lacking.map(told).collect())
}

fn failure(error: &gitproc_sys::Error) -> Failure {
    Failure {
        step: ExecStep::Cgroup,
        errno: error.errno(),
        detail: error.to_string(),
    }
}
