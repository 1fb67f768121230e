//! Directories that are made for a service, as it finds them.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root};

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

const BASES: [(&str, &str, &str); 5] = [
    ("Runtime", "/run", "RUNTIME_DIRECTORY"),
    ("State", "/var/lib", "STATE_DIRECTORY"),
    ("Cache", "/var/cache", "CACHE_DIRECTORY"),
    ("Logs", "/var/log", "LOGS_DIRECTORY"),
    ("Configuration", "/etc", "CONFIGURATION_DIRECTORY"),
];

#[test]
fn each_kind_is_made_with_its_mode_and_given_to_the_user() {
    needs_root!("each_kind_is_made_with_its_mode_and_given_to_the_user");
    let name = format!("gitproc-dirs-{}", std::process::id());
    for (kind, base, variable) in BASES {
        let lines =
            format!("User=daemon\n{kind}Directory={name}/a {name}/b\n{kind}DirectoryMode=2750");
        let show = format!(
            "echo ${variable}; stat -c '%a %U %n' {base}/{name} {base}/{name}/a {base}/{name}/b"
        );
        let seen = Service::view(&lines, &show);
        std::fs::remove_dir_all(format!("{base}/{name}")).expect("made");
        // Configuration belongs to the administrator.
        let user = if kind == "Configuration" {
            "root"
        } else {
            "daemon"
        };
        assert_eq!(
            seen,
            format!(
                "{base}/{name}/a:{base}/{name}/b\n755 root {base}/{name}\n\
                 2750 {user} {base}/{name}/a\n2750 {user} {base}/{name}/b\n"
            ),
            "{kind}"
        );
    }
}

#[test]
fn links_lead_to_the_directories() {
    needs_root!("links_lead_to_the_directories");
    let name = format!("gitproc-links-{}", std::process::id());
    for (kind, base, _) in BASES
        .into_iter()
        .filter(|(kind, _, _)| *kind != "Configuration")
    {
        let lines = format!("{kind}Directory={name}/a:{name}-b {name}/a:{name}/deep/c");
        let show =
            format!("readlink {base}/{name}-b {base}/{name}/deep/c; cd {base}/{name}-b && pwd -P");
        for _ in 0..2 {
            assert_eq!(
                Service::view(&lines, &show),
                format!("{name}/a\n../../{name}/a\n{base}/{name}/a\n"),
                "{kind}"
            );
        }
        std::fs::remove_dir_all(format!("{base}/{name}")).expect("made");
        std::fs::remove_file(format!("{base}/{name}-b")).expect("made");
    }
}

#[test]
fn what_is_in_the_way_of_a_link_fails_the_start() {
    needs_root!("what_is_in_the_way_of_a_link_fails_the_start");
    use gitproc_core::protocol::{FromHelper, ToHelper};
    let name = format!("gitproc-way-{}", std::process::id());
    std::fs::create_dir(format!("/var/lib/{name}-b")).expect("fresh");
    let mut service = Service::of_unit(&format!("StateDirectory={name}:{name}-b"), "true");
    service.spawn();
    service.hello();
    service.send(&ToHelper::Go);
    let said = service.next();
    std::fs::remove_dir(format!("/var/lib/{name}-b")).expect("ours");
    std::fs::remove_dir(format!("/var/lib/{name}")).expect("made");
    match said {
        FromHelper::Failed(failure) => assert_eq!(failure.step.status(), 238),
        other => panic!("expected Failed, got {other:?}"),
    }
    service.helper_end();
}
