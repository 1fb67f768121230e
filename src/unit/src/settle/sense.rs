//! Whether a unit makes sense as a whole.
use super::count;
use crate::draft::Draft;
use crate::model::{ExecRole, Restart, ServiceType};
use crate::name::{UnitKind, UnitName};
use crate::property::PropertyValue::Unsigned;
use crate::settings::Setting;
use crate::table::Family::{self, Service};
use crate::value::ValueError;

/// The first reason why such a unit can't be.
pub(super) fn check(draft: &Draft, name: &UnitName) -> Result<(), ValueError> {
    let kind = name.kind();
    match kind {
        UnitKind::Service => check_service(draft),
        UnitKind::Timer | UnitKind::Path => check_trigger(draft, kind),
        UnitKind::Socket => check_trigger(draft, kind).and_then(|()| check_socket(draft)),
        UnitKind::Mount | UnitKind::Automount | UnitKind::Swap => check_place(draft, name),
        UnitKind::Slice if !crate::name::slice::is_slice(name) => Err(ValueError(
            "no slice can be called so: parts between dashes are empty, or it has an instance"
                .into(),
        )),
        UnitKind::Slice | UnitKind::Target | UnitKind::Scope | UnitKind::Device => Ok(()),
    }
}

fn check_service(draft: &Draft) -> Result<(), ValueError> {
    let (start, stop) = (count(draft, ExecRole::Start), count(draft, ExecRole::Stop));
    let service = &draft.service;
    let oneshot = service.service_type == ServiceType::Oneshot;
    let wrong = |message: &str| Err(ValueError(message.into()));
    // What only asks something of the host when it has started.
    let acts = draft.settings.text(Family::Unit, "SuccessAction") != "none";
    if start == 0 && stop == 0 && !acts {
        return wrong("service has no ExecStart=, ExecStop= or SuccessAction=");
    }
    if start == 0 && !oneshot {
        return wrong("service has no ExecStart=; only Type=oneshot may go without");
    }
    if start == 0 && !service.remain_after_exit && !acts {
        return wrong(
            "service has no ExecStart=; that needs RemainAfterExit=yes to ever be active",
        );
    }
    if start > 1 && !oneshot {
        return wrong("service has several ExecStart= lines; only Type=oneshot may");
    }
    if oneshot && matches!(service.restart, Restart::Always | Restart::OnSuccess) {
        return wrong("Type=oneshot can't have Restart=always or on-success: it would never end");
    }
    if oneshot && draft.settings.text(Service, "ExitType") == "cgroup" {
        return wrong("Type=oneshot can't have ExitType=cgroup");
    }
    let bus = draft.settings.text(Service, "BusName");
    if service.service_type == ServiceType::Dbus && bus.is_empty() {
        return wrong("Type=dbus needs BusName=");
    }
    Ok(())
}

fn check_trigger(draft: &Draft, kind: UnitKind) -> Result<(), ValueError> {
    let triggers = &draft.triggers;
    let flag = |key| draft.settings.is_true(Family::Timer, key);
    let missing = match kind {
        UnitKind::Timer => {
            let clock = flag("OnClockChange") || flag("OnTimezoneChange");
            let spans = !triggers.monotonic.is_empty() || !triggers.calendar.is_empty();
            (!spans && !clock).then_some("timer has no OnCalendar=, OnBootSec= or the like")
        }
        UnitKind::Path => triggers
            .paths
            .is_empty()
            .then_some("path unit has nothing to watch (PathExists= or the like)"),
        UnitKind::Socket => triggers
            .listens
            .is_empty()
            .then_some("socket has nothing to listen on (ListenStream= or the like)"),
        UnitKind::Service
        | UnitKind::Target
        | UnitKind::Slice
        | UnitKind::Scope
        | UnitKind::Mount
        | UnitKind::Automount
        | UnitKind::Swap
        | UnitKind::Device => None,
    };
    missing.map_or(Ok(()), |message| Err(ValueError(message.into())))
}

/// One service for each connection needs connections.
fn check_socket(draft: &Draft) -> Result<(), ValueError> {
    if !draft.settings.is_true(Family::Socket, "Accept") {
        return Ok(());
    }
    let accepts = |kind: &str| matches!(kind, "Stream" | "SequentialPacket");
    let kinds = || {
        draft
            .triggers
            .listens
            .iter()
            .filter_map(|l| l.items().first())
    };
    let wrong = |message: &str| Err(ValueError(message.into()));
    if kinds().any(|kind| !accepts(kind.text())) {
        return wrong("Accept=yes is for ListenStream= and ListenSequentialPacket= only");
    }
    if *draft.settings.get(Family::Socket, "MaxConnections") == Setting::Plain(Unsigned(0)) {
        return wrong("Accept=yes needs MaxConnections= of 1 or more");
    }
    if !draft.settings.text(Family::Socket, "Service").is_empty() {
        return wrong("Accept=yes makes services of its own, so that Service= has no place");
    }
    Ok(())
}

/// Mounts and swaps are called after where, or what, they are.
fn check_place(draft: &Draft, name: &UnitName) -> Result<(), ValueError> {
    let (family, key) = match name.kind() {
        UnitKind::Swap => (Family::Swap, "What"),
        UnitKind::Automount => (Family::Automount, "Where"),
        _ => (Family::Mount, "Where"),
    };
    let path = draft.settings.text(family, key);
    if UnitName::from_path(path, name.kind()).as_ref() != Ok(name) {
        return Err(ValueError(format!("{key}={path} does not fit the name")));
    }
    if name.kind() == UnitKind::Mount && draft.settings.text(Family::Mount, "What").is_empty() {
        return Err(ValueError("mount has no What=".into()));
    }
    Ok(())
}
