//! Debian's own unit files load. Runs where the corpus is unpacked (`GITPROC_CORPUS=DIR`).
#![allow(clippy::disallowed_methods)] // a test of files may read files
use gitproc_unit::{HostFacts, Severity, TreeEntry, TreeFiles, load};
use std::path::Path;

/// Files of Debian that are wrong in themselves, or ask for what is refused on purpose.
const KNOWN: &[&str] = &[
    // Alias= of a template that is no template.
    "booth@.service",
    // Has no Exec line at all; systemd refuses it too.
    "bip-config.service",
    // `Environment=A= b`: the second word is no assignment, and systemd drops it.
    "unicorn.service",
];

#[test]
fn debian_services_load() {
    let Some(dir) = std::env::var_os("GITPROC_CORPUS") else {
        eprintln!("GITPROC_CORPUS is not set: corpus not read");
        return;
    };
    let (mut files, mut refused) = (0, Vec::new());
    for package in entries(Path::new(&dir)) {
        for path in entries(&package) {
            let name = path
                .file_name()
                .expect("listed")
                .to_string_lossy()
                .into_owned();
            if !name.ends_with(".service") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut tree = TreeFiles::default();
            tree.entries.insert(name.clone(), TreeEntry::File(text));
            let loaded = load(&tree, &HostFacts::example());
            files += 1;
            for finding in loaded.diagnostics {
                let package = package.file_name().expect("listed").to_string_lossy();
                // What would run as root, or in the wrong place, without a directive to come.
                let on_purpose = finding.message.ends_with("is not honoured yet");
                let known = on_purpose || KNOWN.contains(&name.as_str());
                if finding.severity == Severity::Error && !known {
                    refused.push(format!("{package}/{finding}"));
                }
            }
        }
    }
    assert!(
        refused.is_empty(),
        "of {files} files:\n{}",
        refused.join("\n")
    );
    eprintln!("{files} files load");
}

fn entries(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(read) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = read.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
