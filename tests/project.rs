//! Checks on the project itself: the walls between the rooms, and what may come in from outside.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code (comments left out) under `src/` that contain `needle`, outside of `allowed`.
fn uses_outside(needle: &str, allowed: &[&str]) -> Vec<String> {
    let src = top().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut found = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(&src)
            .expect("below src")
            .display()
            .to_string();
        if allowed.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains(needle) {
                found.push(format!("src/{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

/// docs/architecture.md, "Rooms": which crate may use which.
const ARROWS: &[(&str, &[&str])] = &[
    ("unit", &[]),
    ("core", &["unit"]),
    ("sys", &[]),
    ("exec", &["sys", "core", "unit"]),
    ("git", &["unit"]),
    ("rpc", &["core", "unit"]),
    ("daemon", &["unit", "core", "sys", "exec", "git", "rpc"]),
    (
        "cli",
        &["unit", "core", "sys", "exec", "git", "rpc", "daemon"],
    ),
];

#[test]
fn rooms_use_only_what_the_architecture_allows() {
    for (room, allowed) in ARROWS {
        let manifest = top().join("src").join(room).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).expect("a manifest");
        let used = text.split("[dependencies]").nth(1).expect("dependencies");
        let used = used.split("\n[").next().expect("up to the next table");
        for line in used.lines() {
            let Some(name) = line.strip_prefix("gitproc-") else {
                continue;
            };
            let name = name.split(['.', ' ']).next().expect("a name");
            assert!(allowed.contains(&name), "{room} must not use {name}");
        }
    }
}

#[test]
fn directives_that_are_honoured_have_a_test_each() {
    use gitproc_unit::{Standing, has_proofs, proof, table};
    let mut wrong = Vec::new();
    for row in table().iter().filter(|row| has_proofs(row.family)) {
        let honoured = matches!(row.standing, Standing::Honoured | Standing::Partly(_));
        match proof(row) {
            None if honoured => wrong.push(format!("{}= is proved by no test", row.key)),
            None => {}
            Some(proof) => {
                let (file, test) = proof.split_once("::").expect("file::test");
                let found = ["src", "tests"].map(|dir| top().join(dir).join(file));
                let text = found
                    .iter()
                    .find_map(|path| std::fs::read_to_string(path).ok());
                let name = match file.ends_with(".sh") {
                    true => test.to_owned(),
                    false => format!("fn {test}("),
                };
                if !text.is_some_and(|text| text.contains(&name)) {
                    wrong.push(format!("{}=: there is no test {proof}", row.key));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is kept by name is looked for by name.
#[test]
fn directives_that_are_honoured_have_code() {
    use gitproc_unit::{Standing, table};
    let mut files = Vec::new();
    for room in [
        "core/src/spec_build",
        "core/src/engine",
        "core/src/guards",
        "core/src/transaction",
        "daemon/src",
    ] {
        sources(&top().join("src").join(room), &mut files);
    }
    files.push(top().join("src/core/src/resources.rs"));
    let texts = files.iter().map(std::fs::read_to_string);
    let code: String = texts.map(|text| text.expect("a source file")).collect();
    for row in table().iter().filter(|row| row.is_kept()) {
        let honoured = matches!(row.standing, Standing::Honoured | Standing::Partly(_));
        let named = code.contains(&format!("\"{}\"", row.key));
        assert!(!honoured || named, "nothing acts on {}=", row.key);
    }
}

#[test]
fn petgraph_stays_in_core_graph() {
    assert_eq!(
        uses_outside("petgraph", &["core/src/graph"]),
        Vec::<String>::new()
    );
}

#[test]
fn git2_stays_in_git() {
    assert_eq!(uses_outside("git2::", &["git/"]), Vec::<String>::new());
}

#[test]
fn untyped_json_stays_in_rpc_and_at_the_edge_of_the_cli() {
    // The comparisons with systemd's view are about just that: systemd's JSON.
    let allowed = [
        "rpc/",
        "cli/",
        "unit/tests/systemd_view",
        "unit/tests/vectors_unit_lines",
    ];
    assert_eq!(
        uses_outside("serde_json::Value", &allowed),
        Vec::<String>::new()
    );
}

#[test]
fn pids_as_the_kernel_knows_them_stay_in_sys_and_exec() {
    let allowed = ["sys/", "exec/", "git/src/client", "git/tests"];
    assert_eq!(uses_outside("pid_t", &allowed), Vec::<String>::new());
}

#[test]
fn unsafe_stays_in_sys() {
    assert_eq!(
        uses_outside("unsafe {", &["sys/", "exec/"]),
        Vec::<String>::new()
    );
}

#[test]
fn every_source_file_tells_its_duty_first() {
    let mut files = Vec::new();
    sources(&top().join("src"), &mut files);
    sources(&top().join("tests"), &mut files);
    let silent: Vec<PathBuf> = files
        .into_iter()
        .filter(|file| {
            !std::fs::read_to_string(file)
                .expect("a source file")
                .starts_with("//!")
        })
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

/// `allow = [ "MIT", … ]` and the like: the quoted words of one list of deny.toml.
fn deny_list(section: &str, key: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(top().join("deny.toml")).expect("deny.toml");
    let section = text
        .split(&format!("[{section}]"))
        .nth(1)
        .expect("the section");
    let section = section.split("\n[").next().expect("up to the next one");
    let list = section
        .split(&format!("{key} = ["))
        .nth(1)
        .expect("the key");
    let list = list.split("\n]").next().expect("its end");
    let code: String = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""))
        .collect();
    code.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn host_triple() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text
        .lines()
        .find(|line| line.starts_with("host: "))
        .expect("it names its host");
    line["host: ".len()..].to_owned()
}

#[test]
fn dependencies_have_allowed_licences_and_sources() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // Of other platforms, not even the manifests need be on this machine.
        .args(["--filter-platform", &host_triple()])
        .current_dir(top())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let allowed = deny_list("licenses", "allow");
    let banned = deny_list("bans", "deny");
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or("none");
        if !licence_allowed(licence, &allowed) {
            wrong.push(format!("{name}: licence {licence}"));
        }
        if banned.contains(name) {
            wrong.push(format!("{name} is banned"));
        }
        let source = package["source"].as_str();
        if source
            .is_some_and(|source| source != "registry+https://github.com/rust-lang/crates.io-index")
        {
            wrong.push(format!("{name}: source {source:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "see deny.toml");
}

/// An SPDX expression without brackets around more than the whole: some alternative of which every
/// part is allowed.
fn licence_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    let all_parts = plain.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| allowed.contains(licence.trim()))
    });
    let one_choice = plain.split(" OR ").any(|choice| {
        choice
            .split(" AND ")
            .all(|licence| allowed.contains(licence.trim()))
    });
    all_parts || one_choice
}
