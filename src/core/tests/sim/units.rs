//! Random unit sets, built by hand: the engine is tested apart from the unit language.
use crate::random::Random;
use gitproc_unit::{
    Condition, ConditionKind, ExecCommand, ExecRole, HostFacts, InstallSection, KillMode,
    MeaningHash, Origin, Privileges, Restart, ServiceSection, ServiceType, Settings, TreeEntry,
    Triggers, Unit, UnitName, UnitSection, UnitSet,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Units of one history: `u0.service` … ; dependencies point to lower numbers, so that no set has
/// an ordering cycle.
pub const UNITS: usize = 6;

pub fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("a valid name")
}

/// How much of the world a history has. Seeds that once failed are replayed in the era in which they
/// did, since what is drawn depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// Services, their types, requirements, order and restarts.
    Plain,
    /// Conditions and asserts, too.
    Conditions,
    /// All relations between units, and all verbs.
    Related,
    /// Reloads by notification, watchdogs, time limits and how they fail, longer waits before a
    /// restart, actions of the host, helpers of an older version.
    Whole,
}

/// A commit's units: each has a chance to be there, and a variant that gives it a meaning.
pub fn random_set(random: &mut Random, era: Era) -> Arc<UnitSet> {
    let asking = era >= Era::Conditions;
    let mut set = UnitSet::default();
    let mut multi_user = BTreeSet::new();
    let present: Vec<usize> = (0..UNITS).filter(|_| random.percent(80)).collect();
    for &number in &present {
        let mut unit = random_service(random, number, &present, era);
        if asking {
            add_conditions(random, &mut unit.unit);
        }
        let mut lines = (String::new(), String::new());
        if era >= Era::Related {
            lines.0 = add_relations(random, number, &present, &mut unit);
        }
        if era >= Era::Whole {
            add_policy(random, number, &unit, &mut lines);
        }
        take_settings(&mut unit, &lines);
        if random.percent(85) {
            multi_user.insert(unit.name.clone());
        }
        set.units.insert(unit.name.clone(), Arc::new(unit));
    }
    if random.percent(30) {
        let unit = UnitSection {
            wants: present
                .iter()
                .take(2)
                .map(|n| name(&format!("u{n}.service")))
                .collect(),
            after: present
                .iter()
                .take(1)
                .map(|n| name(&format!("u{n}.service")))
                .collect(),
            ..UnitSection::default()
        };
        let mut unit = unit;
        if asking {
            add_conditions(random, &mut unit);
        }
        multi_user.insert(name("group.target"));
        set.units
            .insert(name("group.target"), Arc::new(plain("group.target", unit)));
    }
    let section = UnitSection {
        wants: multi_user,
        ..UnitSection::default()
    };
    for (target, section) in [
        ("multi-user.target", section),
        (
            "default.target",
            UnitSection {
                wants: BTreeSet::from([name("multi-user.target")]),
                ..UnitSection::default()
            },
        ),
    ] {
        let unit = Unit {
            origin: Origin::BuiltIn { reached: true },
            ..plain(target, section)
        };
        set.units.insert(name(target), Arc::new(unit));
    }
    Arc::new(set)
}

fn plain(text: &str, unit: UnitSection) -> Unit {
    Unit {
        name: name(text),
        origin: Origin::Tree {
            fragment: text.to_owned(),
            drop_ins: Vec::new(),
        },
        unit,
        service: None,
        settings: Settings::default(),
        triggers: Triggers::default(),
        install: InstallSection::default(),
        meaning: MeaningHash(0),
    }
}

fn command() -> ExecCommand {
    ExecCommand {
        path: "/bin/x".into(),
        argv: vec!["/bin/x".into()],
        ignore_failure: false,
        no_expand: false,
        privileges: Privileges::Unit,
    }
}

fn add_conditions(random: &mut Random, section: &mut UnitSection) {
    if random.percent(25) {
        section.conditions.push(condition("/c"));
    }
    if random.percent(10) {
        section.asserts.push(condition("/a"));
    }
}

/// Relations that order nothing, or little; and lines of [Unit].
fn add_relations(random: &mut Random, number: usize, present: &[usize], unit: &mut Unit) -> String {
    let section = &mut unit.unit;
    for &other in present.iter().filter(|other| **other < number) {
        let other = name(&format!("u{other}.service"));
        if section.requires.contains(&other) || section.binds_to.contains(&other) {
            continue; // what excludes what it needs can never be
        }
        match random.below(40) {
            0 => section.conflicts.insert(other),
            1 => section.requisite.insert(other),
            2 => section.upholds.insert(other),
            3 => section.propagates_stop_to.insert(other),
            4 => section.stop_propagated_from.insert(other),
            5 => section.propagates_reload_to.insert(other),
            6 => section.on_failure.insert(other),
            7 => section.on_success.insert(other),
            _ => false,
        };
    }
    let mut lines = String::new();
    for (key, chance) in [
        ("StopWhenUnneeded", 8),
        ("RefuseManualStart", 4),
        ("RefuseManualStop", 4),
        ("AllowIsolate", 20),
        ("IgnoreOnIsolate", 10),
    ] {
        if random.percent(chance) {
            lines.push_str(&format!("{key}=yes\n"));
        }
    }
    for key in ["JobTimeoutSec", "JobRunningTimeoutSec"] {
        if random.percent(5) {
            let limits = [1, 100_000, 500_000, 2_000_000];
            lines.push_str(&format!("{key}={}us\n", limits[random.below(4)]));
        }
    }
    lines
}

/// Lines of [Unit] and [Service]. What needs a restart hangs on the variant alone.
fn add_policy(
    random: &mut Random,
    number: usize,
    unit: &Unit,
    (of_unit, of_service): &mut (String, String),
) {
    for key in ["OnFailureJobMode", "OnSuccessJobMode"] {
        let modes = ["fail", "replace", "isolate", "ignore-dependencies"];
        if random.percent(30) {
            of_unit.push_str(&format!("{key}={}\n", modes[random.below(modes.len())]));
        }
    }
    for key in ["FailureAction", "SuccessAction", "StartLimitAction"] {
        if random.percent(5) {
            of_unit.push_str(&format!("{key}=reboot\n"));
        }
    }
    if random.percent(20) {
        of_service.push_str("RestartSteps=2\nRestartMaxDelaySec=300ms\n");
    }
    let variant = (unit.meaning.0 >> 8 & 3) as u64;
    let random = &mut Random::new(variant * 1000 + number as u64 + 7);
    let kind = unit.service.as_ref().expect("a service").service_type;
    if random.percent(15) {
        let limit = 200_000 + random.next() % 1_000_000;
        of_service.push_str(&format!("RuntimeMaxSec={limit}us\n"));
        if random.percent(30) {
            of_service.push_str("RuntimeRandomizedExtraSec=200ms\n");
        }
    }
    if random.percent(20) {
        let limit = 100_000 + random.next() % 900_000;
        of_service.push_str(&format!("WatchdogSec={limit}us\n"));
    }
    for key in ["TimeoutStartFailureMode", "TimeoutStopFailureMode"] {
        if random.percent(30) {
            let modes = ["abort", "kill"];
            of_service.push_str(&format!("{key}={}\n", modes[random.below(2)]));
        }
    }
    if kind != ServiceType::Oneshot && random.percent(15) {
        of_service.push_str("ExitType=cgroup\n");
    }
}

fn take_settings(unit: &mut Unit, (of_unit, of_service): &(String, String)) {
    if of_unit.is_empty() && of_service.is_empty() {
        return;
    }
    let text = format!("[Unit]\n{of_unit}[Service]\nExecStart=/bin/x\n{of_service}");
    // Reading takes longer than many a history.
    static READ: Mutex<BTreeMap<String, Settings>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let settings = read.entry(text).or_insert_with_key(|text| {
        let entry = TreeEntry::File(text.clone());
        let (loaded, said) = gitproc_unit::load_alone(&unit.name, entry, &HostFacts::example());
        let wrong = said.iter().find(|one| one.message.contains("ignor"));
        assert!(wrong.is_none(), "the simulation itself is wrong: {wrong:?}");
        loaded.expect("a unit").settings
    });
    unit.settings = settings.clone();
}

/// What it asks does not matter: the world draws the answer.
fn condition(parameter: &str) -> Condition {
    Condition {
        kind: ConditionKind::PathExists,
        trigger: false,
        negate: false,
        parameter: parameter.to_owned(),
    }
}

/// A service with systemd's defaults and one command.
fn default_service(service_type: ServiceType) -> ServiceSection {
    ServiceSection {
        service_type,
        exec: BTreeMap::from([(ExecRole::Start, vec![command()])]),
        timeout_start_us: (service_type != ServiceType::Oneshot).then_some(90_000_000),
        pid_file: (service_type == ServiceType::Forking).then(|| "/run/x.pid".to_owned()),
        ..ServiceSection::default()
    }
}

fn random_service(random: &mut Random, number: usize, present: &[usize], era: Era) -> Unit {
    let mut unit = UnitSection {
        start_limit_interval_us: 10_000_000,
        start_limit_burst: 5,
        ..UnitSection::default()
    };
    for &other in present.iter().filter(|other| **other < number) {
        if random.percent(60) {
            continue;
        }
        let other = name(&format!("u{other}.service"));
        if random.percent(75) {
            unit.after.insert(other.clone());
        }
        match random.below(6) {
            0 | 1 => unit.requires.insert(other),
            2 => unit.wants.insert(other),
            3 => unit.binds_to.insert(other),
            4 => unit.part_of.insert(other),
            _ => false,
        };
    }
    if random.percent(20) {
        unit.start_limit_burst = 2;
        unit.start_limit_interval_us = 60_000_000;
    }
    // What needs a restart hangs on the variant alone, so that commits share meanings; the rest
    // (restart policy, dependencies) varies freely.
    let variant = random.next() % 3;
    let mut service = random_process(&mut Random::new(variant * 100 + number as u64), era);
    let service_type = service.service_type;
    let restarts = [
        Restart::No,
        Restart::Always,
        Restart::OnFailure,
        Restart::OnAbnormal,
    ];
    service.restart = restarts[random.below(restarts.len())];
    if service_type == ServiceType::Oneshot && service.restart == Restart::Always {
        service.restart = Restart::No; // the unit language refuses that pair, as systemd does
    }
    Unit {
        service: Some(Box::new(service)),
        meaning: MeaningHash(u128::from(variant) << 8 | number as u128 | 1 << 64),
        ..plain(&format!("u{number}.service"), unit)
    }
}

/// What one variant of a service runs, and how.
fn random_process(random: &mut Random, era: Era) -> ServiceSection {
    let types = [
        ServiceType::Simple,
        ServiceType::Idle,
        ServiceType::Exec,
        ServiceType::Notify,
        ServiceType::Forking,
        ServiceType::Oneshot,
    ];
    let mut service_type = types[random.below(types.len())];
    if era >= Era::Whole && service_type == ServiceType::Notify && random.percent(50) {
        service_type = ServiceType::NotifyReload;
    }
    let mut service = default_service(service_type);
    for role in [
        ExecRole::Condition,
        ExecRole::StartPre,
        ExecRole::StartPost,
        ExecRole::Reload,
        ExecRole::Stop,
        ExecRole::StopPost,
    ] {
        if random.percent(20) {
            service
                .exec
                .insert(role, vec![command(); 1 + random.below(2)]);
        }
    }
    if service_type == ServiceType::Oneshot {
        service.remain_after_exit = random.percent(60);
        service
            .exec
            .insert(ExecRole::Start, vec![command(); 1 + random.below(2)]);
    }
    let modes = [
        KillMode::ControlGroup,
        KillMode::ControlGroup,
        KillMode::Mixed,
        KillMode::Process,
    ];
    service.kill.mode = modes[random.below(modes.len())];
    service
}
