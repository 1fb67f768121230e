//! An engine that is driven by hand, and what it asks for in words.
use gitproc_core::api::{HelperEvent, JobMode, UnitRecord, Verb};
use gitproc_core::protocol::{Exit, ProcessEnd};
use gitproc_core::snapshot::{ActiveState, UnitStatus};
use gitproc_core::{CommitId, Effect, Engine, EngineConfig, Input, Instant, InvocationId, JobId};
use gitproc_unit::{
    ExecRole, HostFacts, Outcome, TreeEntry, TreeFiles, Unit, UnitName, UnitSet, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const SIMPLE: &str = "[Service]\nExecStart=/bin/x\n";
pub const INSTALL: &str = "\n[Install]\nWantedBy=multi-user.target\n";

pub fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("a name")
}

/// Units as a commit has them; each text is put before an [Install] section.
pub fn units(files: &[(&str, &str)]) -> Arc<UnitSet> {
    units_but(files, &[])
}

/// The same; some are not wanted by the target.
pub fn units_but(files: &[(&str, &str)], unwanted: &[&str]) -> Arc<UnitSet> {
    let entry = |(name, text): &(&str, &str)| {
        let install = match unwanted.contains(name) {
            true => "",
            false => INSTALL,
        };
        (
            (*name).to_owned(),
            TreeEntry::File(format!("{text}{install}")),
        )
    };
    let tree = TreeFiles {
        entries: files.iter().map(entry).collect(),
    };
    Arc::new(gitproc_unit::load(&tree, &HostFacts::example()).units)
}

/// An engine, its clock, and what it has asked for since it was last looked at.
pub struct Script {
    pub engine: Engine,
    pub now: Instant,
    pub effects: Vec<Effect>,
    pub invocations: BTreeMap<UnitName, InvocationId>,
    pub definitions: BTreeMap<UnitName, Arc<Unit>>,
    pub jobs: u64,
}

impl Script {
    pub fn fresh() -> Script {
        Script {
            engine: Engine::new(EngineConfig {
                default_target: name("multi-user.target"),
                seed: 7,
            }),
            now: Instant(1_000_000),
            effects: Vec::new(),
            invocations: BTreeMap::new(),
            definitions: BTreeMap::new(),
            jobs: 0,
        }
    }

    pub fn of(files: &[(&str, &str)]) -> Script {
        let mut script = Script::fresh();
        script.target(files);
        script
    }

    pub fn give(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.engine.step(self.now, input, &mut effects);
        for effect in &effects {
            if let Effect::Spawn {
                invocation, unit, ..
            }
            | Effect::Check { invocation, unit } = effect
            {
                self.invocations.insert(unit.name.clone(), *invocation);
                self.definitions.insert(unit.name.clone(), unit.clone());
            }
        }
        self.effects.extend(effects);
    }

    /// What was last recorded of a unit, since effects were looked at.
    pub fn record(&self, of: &str) -> UnitRecord {
        let record = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Record { unit, record } if unit.as_str() == of => record.as_deref().cloned(),
            _ => None,
        });
        record.expect("it is recorded")
    }

    pub fn target(&mut self, files: &[(&str, &str)]) {
        self.target_with(files, &[]);
    }

    pub fn target_with(&mut self, files: &[(&str, &str)], unwanted: &[&str]) {
        self.jobs += 1;
        self.give(Input::Target {
            job: JobId(self.jobs),
            commit: CommitId("c".repeat(40)),
            units: units_but(files, unwanted),
        });
    }

    pub fn ask(&mut self, verb: Verb, unit: &str) {
        self.jobs += 1;
        self.give(Input::Request {
            job: JobId(self.jobs),
            verb,
            mode: JobMode::Replace,
            units: vec![name(unit)],
        });
    }

    pub fn hear(&mut self, unit: &str, event: HelperEvent) {
        let invocation = self.invocations[&name(unit)];
        self.give(Input::Helper { invocation, event });
    }

    pub fn runs(&mut self, unit: &str, role: ExecRole) {
        self.hear(
            unit,
            HelperEvent::Forked {
                role,
                index: 0,
                pid: 100,
            },
        );
        self.hear(unit, HelperEvent::Execed { role, index: 0 });
    }

    pub fn ends(&mut self, unit: &str, role: ExecRole, end: ProcessEnd) {
        self.hear(
            unit,
            HelperEvent::Exited(Exit {
                role,
                index: 0,
                end,
                failure: None,
            }),
        );
    }

    /// The host answers its conditions and asserts: whether each of them holds.
    pub fn answers(&mut self, unit: &str, conditions: bool, asserts: bool) {
        let section = &self.definitions[&name(unit)].unit;
        let say = |holds| match holds {
            true => Outcome::Held,
            false => Outcome::Failed,
        };
        let input = Input::Checked {
            unit: name(unit),
            invocation: self.invocations[&name(unit)],
            conditions: Verdict::of(&section.conditions, |_| say(conditions)),
            asserts: Verdict::of(&section.asserts, |_| say(asserts)),
        };
        self.give(input);
    }

    /// Its helper is ready, its main process runs.
    pub fn comes_up(&mut self, unit: &str) {
        self.hear(unit, HelperEvent::Ready);
        self.runs(unit, ExecRole::Start);
    }

    /// Its main process ends, and with it all of it, helper included.
    pub fn goes_down(&mut self, unit: &str, end: ProcessEnd) {
        self.ends(unit, ExecRole::Start, end);
        self.hear(unit, HelperEvent::Empty);
        self.hear(unit, HelperEvent::Gone);
    }

    pub fn passes(&mut self, us: u64) {
        self.now = self.now.plus_us(us);
        self.give(Input::Tick);
    }

    pub fn status(&self, unit: &str) -> UnitStatus {
        self.engine.status(&name(unit)).expect("known")
    }

    pub fn is(&self, unit: &str, active: ActiveState, sub: &str) {
        let status = self.status(unit);
        assert_eq!((status.active, &*status.sub), (active, sub), "{status:?}");
    }

    /// What it has asked for, in short words, oldest first.
    pub fn asked(&mut self) -> Vec<String> {
        let of = |invocation: &InvocationId| {
            let unit = self.invocations.iter().find(|(_, id)| *id == invocation);
            unit.map_or("?", |(unit, _)| unit.as_str())
                .replace(".service", "")
        };
        let words = |effect: &Effect| {
            Some(match effect {
                Effect::Check { unit, .. } => {
                    format!("check {}", unit.name.as_str().replace(".service", ""))
                }
                Effect::Spawn { unit, .. } => {
                    format!("spawn {}", unit.name.as_str().replace(".service", ""))
                }
                Effect::Run {
                    invocation,
                    role,
                    index,
                    ..
                } => {
                    format!("run {} {role:?} {index}", of(invocation))
                }
                Effect::Signal {
                    invocation,
                    whom,
                    signal,
                } => {
                    format!("signal {} {whom:?} {signal}", of(invocation))
                }
                Effect::KillCgroup { invocation } => format!("kill {}", of(invocation)),
                Effect::Release { invocation, .. } => format!("release {}", of(invocation)),
                Effect::JobDone(outcome) => {
                    let unit = outcome.unit.as_str().replace(".service", "");
                    format!("{:?} {unit}", outcome.result)
                }
                Effect::Settled {
                    failed, skipped, ..
                } => {
                    let names = |units: &[(UnitName, String)]| -> Vec<String> {
                        let units = units.iter();
                        units
                            .map(|(unit, _)| unit.as_str().replace(".service", ""))
                            .collect()
                    };
                    let skipped = match skipped.is_empty() {
                        true => String::new(),
                        false => format!(", skipped: {:?}", names(skipped)),
                    };
                    format!("settled, failed: {:?}{skipped}", names(failed))
                }
                Effect::HostAction {
                    key,
                    action,
                    exit_status,
                    ..
                } => format!("{key}={} (exit {exit_status})", action.word()),
                Effect::Changed { .. } | Effect::Record { .. } => return None,
            })
        };
        let asked = self.effects.iter().filter_map(words).collect();
        self.effects.clear();
        asked
    }
}
