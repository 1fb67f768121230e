//! systemd's own expectations (`vectors.tsv`), asked of this host.
//!
//! `{…}` in a parameter is what this host has there; a row of which it has nothing is passed over,
//! as systemd's tests do. Expected is an outcome, `judged` (either, but no error), or `as:` what
//! decides it.
use super::{Surroundings, cgroup, files, hardware, host, judge, power, test, virtualization};
use gitproc_unit::{Condition, ConditionKind, Outcome};
use nix::unistd::{Group, User, getegid, geteuid, getgid, getuid};
use std::path::Path;

const VECTORS: &str = include_str!("vectors.tsv");

fn kind(name: &str) -> ConditionKind {
    let found = ConditionKind::ALL.iter().find(|kind| kind.name() == name);
    *found.unwrap_or_else(|| panic!("no kind {name}"))
}

fn outcome(kind: ConditionKind, negate: bool, parameter: &str, own: &Surroundings) -> Outcome {
    let line = Condition {
        kind,
        trigger: false,
        negate,
        parameter: parameter.to_owned(),
    };
    match test(&line, own) {
        Ok(yes) if yes != negate => Outcome::Held,
        Ok(_) => Outcome::Failed,
        Err(_) => Outcome::Error,
    }
}

/// What a `{name}` stands for here.
fn known(name: &str) -> Option<String> {
    let controllers = || cgroup::available().ok().filter(|all| !all.is_empty());
    let fields = || -> Option<Vec<(String, String)>> {
        let text = files::bytes("/etc/os-release")?;
        gitproc_unit::parse_environment_file(&text).ok()
    };
    let names = host::names().ok()?;
    match name {
        "machine-id" => files::line("/etc/machine-id").filter(|id| id.len() == 32),
        "release" => Some(names.release().to_string_lossy().into_owned()),
        "architecture" => Some(crate::host::architecture(
            &names.machine().to_string_lossy(),
        )),
        "controller" => controllers().map(|all| all[0].to_owned()),
        "controllers" => controllers().map(|all| all.join(" ")),
        "no-controller" => {
            let there = cgroup::available().ok()?;
            let all = ["cpu", "cpuset", "io", "blkio", "memory", "pids"];
            all.iter()
                .find(|name| !there.contains(name))
                .map(|name| (*name).to_owned())
        }
        "user" => User::from_uid(getuid()).ok()?.map(|user| user.name),
        "group" => Group::from_gid(getgid()).ok()?.map(|group| group.name),
        "other-group" => {
            let other = if getegid().as_raw() == 0 {
                "nogroup"
            } else {
                "root"
            };
            Some(other.to_owned())
        }
        "cpus" => Some(gitproc_sys::cpu::available_cpus().ok()?.to_string()),
        "memory" => Some(hardware::physical_memory().to_string()),
        "field" => Some(fields()?.first()?.0.clone()),
        "value" => Some(fields()?.first()?.1.clone()),
        "version" => {
            let version = fields()?.into_iter().find(|(name, _)| name == "VERSION_ID");
            version.map(|(_, value)| value)
        }
        dmi => files::line(format!("/sys/class/dmi/id/{dmi}")),
    }
}

fn filled_in(parameter: &str) -> Option<String> {
    let mut text = parameter.to_owned();
    while let Some((before, rest)) = text.split_once('{') {
        let (name, after) = rest.split_once('}').expect("braces are closed");
        text = format!("{before}{}{after}", known(name)?);
    }
    Some(text)
}

fn decided_by(what: &str) -> bool {
    match what {
        "unified" => Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
        "mains" => power::ac_power("yes") == Ok(true),
        "battery" => power::ac_power("yes") == Ok(false),
        "vm" => {
            let container = virtualization::container().expect("it can be told");
            container.is_none() && virtualization::virtualization("yes") == Ok(true)
        }
        path => files::line(path).is_some_and(|word| word != "N") || Path::new(path).is_dir(),
    }
}

#[test]
fn this_host_answers_as_systemd_expects() {
    let directory =
        std::env::temp_dir().join(format!("gitproc-credentials-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("existing-encrypted"), "").unwrap();
    let own = Surroundings {
        environment: vec![
            "EXISTINGENVVAR=foo".to_owned(),
            format!("ENCRYPTED_CREDENTIALS_DIRECTORY={}", directory.display()),
        ],
    };
    let rows = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let mut asked = 0;
    for row in rows {
        let [name, parameter, negate, expected] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four cells: {row}");
        };
        let Some(parameter) = filled_in(parameter) else {
            eprintln!("this host has nothing for {row}");
            continue;
        };
        if !holds_here(name, &parameter) {
            eprintln!("this host is none for {row}");
            continue;
        }
        let got = outcome(kind(name), negate == "true", &parameter, &own);
        let fits = match expected {
            "held" => got == Outcome::Held,
            "failed" => got == Outcome::Failed,
            "error" => got == Outcome::Error,
            // Slices are looked up only where cgroups are v2.
            "slice-error" => got == Outcome::Error || !decided_by("unified"),
            "judged" => matches!(got, Outcome::Held | Outcome::Failed),
            what => {
                let what = what.strip_prefix("as:").expect("no other words");
                got == if decided_by(what) {
                    Outcome::Held
                } else {
                    Outcome::Failed
                }
            }
        };
        assert!(
            fits,
            "{name}={parameter} (negate: {negate}): {got:?}, not {expected}"
        );
        asked += 1;
    }
    let _ = std::fs::remove_dir_all(directory);
    assert!(asked > 100, "only {asked} rows could be asked here");
}

/// What systemd's tests take for granted, and a host may lack.
fn holds_here(kind: &str, parameter: &str) -> bool {
    match (kind, parameter) {
        ("CPUPressure" | "MemoryPressure" | "IOPressure", _) => {
            files::bytes("/proc/pressure/cpu").is_some()
        }
        ("User", "@system") => geteuid().as_raw() < 1000,
        ("PathIsReadWrite", "/tmp") | ("DirectoryNotEmpty", "/bin") => {
            Path::new(parameter).exists()
        }
        ("PathIsSymbolicLink", "/dev/stdout") => Path::new("/dev/stdout").is_symlink(),
        ("PathIsMountPoint", "/proc") => Path::new("/proc/self").exists(),
        _ => true,
    }
}

/// Beside systemd's: what Debian's 252 says on any host.
const MORE: &[(&str, &str, Outcome)] = &[
    ("PathExistsGlob", "/{etc,nowhere}/pass*", Outcome::Held),
    ("PathExistsGlob", "/proc/1/fdinfo/.*", Outcome::Failed),
    ("PathExistsGlob", "/{}", Outcome::Held),
    ("DirectoryNotEmpty", "/etc/passwd", Outcome::Failed),
    ("PathIsReadWrite", "/nowhere", Outcome::Failed),
    ("PathIsMountPoint", "/nowhere", Outcome::Failed),
    ("KernelVersion", "'>0.1.2' '<4711.8.15'", Outcome::Held),
    ("KernelVersion", "> 0.1.2 < 4711.8.15", Outcome::Error),
    ("KernelVersion", "\"6.*", Outcome::Error),
    ("OSRelease", "", Outcome::Held),
    ("OSRelease", "WRONGFORMAT=   ", Outcome::Error),
    ("OSRelease", "NOPE!=x", Outcome::Held),
    ("CPUs", "0x1", Outcome::Held),
    ("CPUs", "!$=1", Outcome::Error),
    ("CPUs", ">=+1", Outcome::Held),
    ("CPUs", "0b1", Outcome::Held),
    ("CPUs", "-1", Outcome::Error),
    ("Memory", "x", Outcome::Error),
    ("ACPower", "maybe", Outcome::Error),
    ("FirstBoot", "maybe", Outcome::Error),
    ("Capability", "nope", Outcome::Error),
    ("Security", "cvm", Outcome::Failed),
    ("Architecture", "native", Outcome::Held),
    ("Host", "*", Outcome::Held),
    ("User", "65535", Outcome::Failed),
    ("Group", "65535", Outcome::Failed),
    ("CPUPressure", "nope:0%", Outcome::Held),
    ("Firmware", "smbios-field(malformed", Outcome::Error),
    ("Firmware", "smbios-field(x=a b)", Outcome::Error),
];

#[test]
fn some_answers_are_the_same_everywhere() {
    let unified = cgroup::is_unified() == Ok(true);
    for (name, parameter, expected) in MORE {
        if unified && parameter.starts_with("nope:") {
            continue; // there it is an error
        }
        let got = outcome(kind(name), false, parameter, &Surroundings::default());
        assert_eq!(got, *expected, "{name}={parameter}");
    }
}

#[test]
fn what_cannot_be_judged_fails_with_a_word() {
    let lines = "[Unit]\nConditionMemory=!x\nAssertPathExists=/\n[Service]\nExecStart=/bin/x\n";
    let tree = gitproc_unit::TreeFiles {
        entries: [(
            "a.service".to_owned(),
            gitproc_unit::TreeEntry::File(lines.to_owned()),
        )]
        .into_iter()
        .collect(),
    };
    let loaded = gitproc_unit::load(&tree, &gitproc_unit::HostFacts::example());
    let unit = loaded
        .units
        .units
        .values()
        .find(|unit| unit.service.is_some());
    let mut complaints = Vec::new();
    let (conditions, asserts) = judge(
        unit.expect("it is loaded"),
        &Surroundings::default(),
        |why| {
            complaints.push(why);
        },
    );
    assert!(!conditions.holds());
    assert_eq!(asserts.lines[0].1, Outcome::Untested, "asserts come after");
    assert_eq!(complaints.len(), 1);
    assert!(
        complaints[0].starts_with("ConditionMemory=!x: "),
        "{complaints:?}"
    );
}
