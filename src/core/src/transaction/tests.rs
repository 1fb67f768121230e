//! Against what systemd 252 makes of the same requests, and a few that it has no test for.
use super::{Refusal, Standing, Type, View, jobs};
use crate::api::{JobMode, JobType};
use crate::neighbours::Neighbours;
use crate::snapshot::ActiveState;
use gitproc_unit::{HostFacts, TreeEntry, TreeFiles, UnitName, UnitSet};
use std::collections::{BTreeMap, BTreeSet};

/// Units, what runs, and the jobs that they have.
struct World {
    units: UnitSet,
    neighbours: Neighbours,
    running: BTreeSet<UnitName>,
    installed: BTreeMap<UnitName, JobType>,
}

fn name(text: &str) -> UnitName {
    UnitName::parse(&format!("{text}.service")).expect("a name")
}

impl World {
    fn of(units: &[(&str, &str)]) -> World {
        let entry = |(name, unit): &(&str, &str)| {
            let text = format!("[Unit]\n{unit}\n[Service]\nExecStart=/bin/true\n");
            (format!("{name}.service"), TreeEntry::File(text))
        };
        let tree = TreeFiles {
            entries: units.iter().map(entry).collect(),
        };
        let units = gitproc_unit::load(&tree, &HostFacts::example()).units;
        World {
            neighbours: Neighbours::of(units.units.values().map(|unit| &**unit)),
            units,
            running: BTreeSet::new(),
            installed: BTreeMap::new(),
        }
    }

    fn running(mut self, units: &[&str]) -> World {
        self.running = units.iter().map(|unit| name(unit)).collect();
        self
    }

    fn ask(&self, job: JobType, unit: &str, mode: JobMode) -> Result<String, Refusal> {
        let jobs = jobs(self, &name(unit), job, mode)?;
        Ok(words(&jobs))
    }

    /// As systemd installs a transaction's jobs.
    fn install(&mut self, job: JobType, unit: &str, mode: JobMode) -> Result<(), Refusal> {
        for (unit, job) in jobs(self, &name(unit), job, mode)? {
            let down = !self.running.contains(&unit);
            let older = self.installed.get(&unit).copied().map(Type::from);
            let merged = older.and_then(|older| older.merged(job.into(), down));
            let job = merged.and_then(Type::installed).unwrap_or(job);
            self.installed.insert(unit, job);
        }
        Ok(())
    }
}

fn words(jobs: &BTreeMap<UnitName, JobType>) -> String {
    let word = |(unit, job): (&UnitName, &JobType)| {
        let stem = unit.as_str().trim_end_matches(".service");
        format!("{stem} {}", job.as_str())
    };
    jobs.iter().map(word).collect::<Vec<_>>().join(", ")
}

impl View for World {
    fn look(&self, unit: &UnitName) -> Option<Standing<'_>> {
        let definition = self.units.units.get(unit)?;
        let of_host = matches!(definition.origin, gitproc_unit::Origin::BuiltIn { .. });
        let up = of_host || self.running.contains(unit);
        Some(Standing {
            wanted: Some(definition),
            present: Some(definition),
            state: match up {
                true => ActiveState::Active,
                false => ActiveState::Inactive,
            },
            job: self.installed.get(unit).copied(),
            can_reload: up,
            current: true,
            of_host,
        })
    }

    fn names(&self) -> Vec<UnitName> {
        self.units.units.keys().cloned().collect()
    }

    fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    fn is_after(&self, a: &UnitName, b: &UnitName) -> bool {
        let unit = |name| self.units.units.get(name).map(|unit| &unit.unit);
        unit(a).is_some_and(|unit| unit.after.contains(b))
            || unit(b).is_some_and(|unit| unit.before.contains(a))
    }
}

fn job_of(word: &str) -> Type {
    let all = [
        Type::Start,
        Type::VerifyActive,
        Type::Stop,
        Type::Reload,
        Type::Restart,
    ];
    let found = all.into_iter().find(|job| job.to_string() == word);
    found.unwrap_or_else(|| panic!("no job type '{word}'"))
}

#[test]
fn jobs_of_one_unit_merge_as_systemd_merges_them() {
    let table = include_str!("../../tests/facts/job-merge.tsv");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('\t').collect();
        let [state, one, other, merged] = cells[..] else {
            panic!("four cells: {row}");
        };
        let ours = job_of(one).merged(job_of(other), state == "dead");
        let ours = ours.map_or("-".to_owned(), |job| job.to_string());
        assert_eq!(ours, merged, "{row}");
        count += 1;
    }
    assert_eq!(count, 30);
}

/// The units of systemd's own test of its engine (test-engine.c), by what they say in [Unit].
const ENGINE: &[(&str, &str)] = &[
    ("a", "Requires=b.service\nBefore=b.service"),
    ("b", "Wants=f.service"),
    ("c", "Requires=a.service"),
    ("d", "After=b.service\nBefore=a.service\nRequires=a.service"),
    ("e", "After=b.service\nBefore=a.service\nWants=a.service"),
    ("f", ""),
    ("g", "Conflicts=e.service"),
    ("h", "Wants=g.service"),
    (
        "i",
        "Conflicts=a.service d.service\nWants=b.service\nAfter=b.service",
    ),
    (
        "a-conj",
        "Requires=a.service\nAfter=a.service\nBefore=a.service",
    ),
];

/// What it asks one after the other, and which jobs units have then. Jobs of the host's own targets
/// are left out.
#[test]
fn transactions_end_as_systemds_do() {
    use JobMode::{Fail, Replace};
    use JobType::{Restart, Start, Stop};
    let mut world = World::of(ENGINE);
    let fresh = || World::of(ENGINE);

    // Trivial.
    world.install(Start, "c", Replace).expect("test 1");
    assert_eq!(
        words(&world.installed),
        "a start, b start, c start, f start"
    );
    // An order that goes in a circle and can't be mended.
    world = fresh();
    let refused = world.install(Start, "d", Replace).expect_err("test 2");
    assert_eq!(
        refused.to_string(),
        "the order of jobs goes in a circle: d.service: Before=a.service, a.service: \
         Before=b.service, d.service: After=b.service"
    );
    // One that can, by leaving out what is only wanted, and what only that needs.
    world.install(Start, "e", Replace).expect("test 3");
    assert_eq!(words(&world.installed), "e start");
    // The same again.
    world.install(Start, "e", Fail).expect("test 4");
    assert_eq!(words(&world.installed), "e start");
    // It would turn a job around.
    let refused = world.install(Start, "g", Fail).expect_err("test 5");
    assert!(matches!(refused, Refusal::Destructive { .. }), "{refused}");
    world.install(Start, "g", Replace).expect("test 6");
    assert_eq!(words(&world.installed), "e stop, g start");
    // Jobs that can't be merged, and some that can.
    world.install(Stop, "g", Fail).expect_err("test 7");
    world.install(Restart, "g", Fail).expect("test 8");
    assert_eq!(words(&world.installed), "e stop, g restart");
    world.install(Stop, "g", Replace).expect("test 9");
    assert_eq!(words(&world.installed), "e stop, g stop");
    // What is only wanted does not turn a job around.
    world.install(Start, "h", Fail).expect("test 10");
    assert_eq!(words(&world.installed), "e stop, g stop, h start");
    // What goes down goes first, so that this is no circle.
    world = fresh().running(&["a", "d"]);
    world.install(Start, "i", Fail).expect("test 11");
    assert_eq!(
        words(&world.installed),
        "a stop, b start, d stop, f start, i start"
    );
    // Two units, each of which is to be before the other.
    world = fresh();
    world
        .install(Start, "a-conj", Replace)
        .expect_err("test 12");
}

#[test]
fn a_stop_takes_along_what_needs_the_unit_and_what_it_names() {
    let world = World::of(&[
        ("db", "PropagatesStopTo=cache.service"),
        ("web", "Requires=db.service"),
        ("idle", "Requires=db.service"),
        ("cache", ""),
        ("log", "StopPropagatedFrom=cache.service"),
    ])
    .running(&["db", "web", "cache", "log"]);
    let ask = |job| {
        world
            .ask(job, "db", JobMode::Replace)
            .expect("it can be done")
    };
    assert_eq!(
        ask(JobType::Stop),
        "cache stop, db stop, log stop, web stop"
    );
    // A restart does not.
    assert_eq!(ask(JobType::Restart), "db restart, web restart");
}

#[test]
fn isolating_stops_what_does_not_come_along() {
    let world = World::of(&[
        ("night", "Requires=db.service"),
        ("db", ""),
        ("web", ""),
        ("ssh", "IgnoreOnIsolate=yes"),
        ("dead", ""),
    ])
    .running(&["db", "web", "ssh"]);
    let jobs = world.ask(JobType::Start, "night", JobMode::Isolate);
    assert_eq!(jobs.as_deref(), Ok("night start, web stop"));
}

#[test]
fn dependencies_are_left_alone_on_demand() {
    let world = World::of(&[
        ("web", "Requires=db.service\nConflicts=old.service"),
        ("db", ""),
        ("old", ""),
    ])
    .running(&["old"]);
    for mode in [JobMode::IgnoreDependencies, JobMode::IgnoreRequirements] {
        assert_eq!(
            world.ask(JobType::Start, "web", mode).as_deref(),
            Ok("web start")
        );
    }
    let usual = world.ask(JobType::Start, "web", JobMode::Replace);
    assert_eq!(usual.as_deref(), Ok("db start, old stop, web start"));
}

#[test]
fn what_matters_and_contradicts_itself_is_refused() {
    let world = World::of(&[
        ("a", "Requires=b.service c.service"),
        ("b", "Conflicts=c.service"),
        ("c", ""),
    ]);
    let refused = world.ask(JobType::Start, "a", JobMode::Replace);
    let refused = refused.expect_err("c would have to be up and down, and a with it");
    assert_eq!(
        refused.to_string(),
        "a.service would have to be both started and stopped"
    );
}

#[test]
fn chains_of_any_length_are_walked() {
    let units: Vec<(String, String)> = (0..3_000)
        .map(|n| {
            let next = n + 1;
            let text = format!("Requires=u{next}.service\nAfter=u{next}.service");
            (format!("u{n}"), text)
        })
        .collect();
    let units: Vec<(&str, &str)> = units
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let world = World::of(&units);
    let jobs = jobs(&world, &name("u0"), JobType::Start, JobMode::Replace).expect("no circle");
    assert_eq!(jobs.len(), 3_000);
}
