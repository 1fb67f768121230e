//! Inputs that are made to be slow, or large: each is read to its end or refused with words.
//!
//! Nothing is timed; where a bound fails, a test doesn't end.
use gitproc_unit::{Code, HostFacts, Loaded, READ_MAX, Severity, TreeEntry, TreeFiles, UnitName};
use gitproc_unit::{load, parse_ini, properties};

/// Lines of the long ones: a file of 1 MiB holds two to four times as many.
const LINES: usize = 30_000;

fn file(tree: &mut TreeFiles, path: &str, text: impl Into<String>) {
    let entry = TreeEntry::File(text.into());
    tree.entries.insert(path.to_owned(), entry);
}

fn read(files: &[(&str, String)]) -> Loaded {
    let mut tree = TreeFiles::default();
    for (path, text) in files {
        file(&mut tree, path, text.clone());
    }
    load(&tree, &HostFacts::example())
}

fn service(lines: &str) -> Loaded {
    read(&[(
        "x.service",
        format!("[Service]\nExecStart=/bin/true\n{lines}\n"),
    )])
}

fn has(loaded: &Loaded, code: Code) -> bool {
    let mut all = loaded.diagnostics.iter();
    all.any(|finding| finding.code == code && finding.severity == Severity::Error)
}

/// `count` lines, each with its number in the place of `{}`.
fn lines(line: &str, count: usize) -> String {
    let line = |number: usize| line.replace("{}", &number.to_string()) + "\n";
    (0..count).map(line).collect()
}

#[test]
fn lists_grow_line_by_line_without_being_copied() {
    for line in [
        "ReadOnlyPaths=/p{}",
        "ExecStartPre=/bin/true {}",
        "BindPaths=/a{}:/b",
        "LogExtraFields=A={}",
        "SystemCallFilter=@basic-io",
        "StandardInputText={}",
        "IPAddressAllow=10.0.0.1",
    ] {
        let loaded = service(&lines(line, LINES));
        assert!(!loaded.has_errors(), "{line}");
    }
}

#[test]
fn lists_of_unlike_names_can_be_long() {
    for line in [
        "Environment=A{}=x",
        "PassEnvironment=A{}",
        "SetCredential=a{}:x",
        "IOReadBandwidthMax=/dev/x{} 5M",
        "RuntimeDirectory=a{}",
        "DeviceAllow=/dev/x{}",
        "SocketBindAllow=tcp:80",
        "BPFProgram=egress:/p{}",
    ] {
        let loaded = service(&lines(line, 4_000));
        assert!(!loaded.has_errors(), "{line}");
        let loaded = service(&lines(line, 8_000));
        let mut errors = loaded.diagnostics.iter();
        let bound = errors.any(|finding| finding.message.contains("more than 4096 entries"));
        assert!(bound, "{line}");
    }
}

#[test]
fn one_line_can_name_very_many() {
    for (key, word) in [
        ("PassEnvironment", "A{} "),
        ("UnsetEnvironment", "A{}=x "),
        ("Environment", "A{}=x "),
        ("RuntimeDirectory", "a{}:b "),
    ] {
        let words: String = (0..60_000)
            .map(|number: u32| word.replace("{}", &number.to_string()))
            .collect();
        let loaded = service(&format!("{key}={words}"));
        assert!(loaded.has_errors(), "{key}");
    }
}

#[test]
fn one_line_can_be_very_long() {
    let words = "a ".repeat(500_000);
    for key in ["SyslogIdentifier", "Environment", "ExecStartPre=/bin/echo"] {
        let loaded = service(&format!("{key}={words}"));
        assert!(loaded.unit(&name("x.service")).is_some(), "{key}");
    }
    let loaded = service(&format!("SyslogIdentifier={}", "a".repeat(1 << 20)));
    assert!(has(&loaded, Code::Syntax));
    let (sections, _) = parse_ini("x", &format!("[Unit]\n{}", "\\\n".repeat(500_000)));
    assert_eq!(sections.len(), 1);
    let (_, found) = parse_ini("x", &"[".repeat(1 << 19));
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_wrong_in_every_line_is_said_a_thousand_times() {
    for line in ["Nice=x{}", "nonsense {}", "Unheard{}=of", "[Bad {}"] {
        let loaded = service(&lines(line, LINES));
        assert!(loaded.diagnostics.len() < 1_100, "{line}");
        assert!(has(&loaded, Code::TooMany), "{line}");
    }
}

#[test]
fn instances_can_not_multiply_a_large_template() {
    // Each instance names two more, and the files are large.
    let text = |other: &str| {
        format!(
            "[Unit]\nWants={other}@%i0.service {other}@%i1.service\n{}[Service]\nExecStart=/bin/true\n",
            lines("# {}", LINES)
        )
    };
    let loaded = read(&[
        ("x@.service", text("z")),
        ("z@.service", text("x")),
        (
            "y.service",
            "[Unit]\nWants=x@1.service\n[Service]\nExecStart=/bin/true\n".into(),
        ),
    ]);
    assert!(has(&loaded, Code::TooMany));
    assert!(loaded.units.units.len() < READ_MAX / LINES);
}

#[test]
fn instances_that_all_err_say_it_once() {
    let mut tree = TreeFiles::default();
    let text = format!("[Service]\nExecStart=/bin/true\n{}", lines("Nice=x{}", 500));
    file(&mut tree, "x@.service", text);
    for number in 0..2_000 {
        let link = TreeEntry::Symlink("x@.service".into());
        tree.entries.insert(format!("x@{number}.service"), link);
    }
    let loaded = load(&tree, &HostFacts::example());
    assert!(loaded.diagnostics.len() < 2_000);
}

#[test]
fn drop_ins_can_be_many() {
    let mut tree = TreeFiles::default();
    file(
        &mut tree,
        "x@.service",
        "[Service]\nExecStart=/bin/true\n[Install]\nDefaultInstance=a\n",
    );
    for number in 0..10_000 {
        let path = format!("x@.service.d/{number}.conf");
        file(
            &mut tree,
            &path,
            format!("[Service]\nEnvironment=A={number}\n"),
        );
        let path = format!("service.d/{number}.conf");
        file(&mut tree, &path, "[Install]\nWantedBy=x.target\n");
    }
    for number in 0..200 {
        let link = TreeEntry::Symlink("x@.service".into());
        tree.entries.insert(format!("x@{number}.service"), link);
    }
    let loaded = load(&tree, &HostFacts::example());
    let facts = HostFacts::example();
    let unit = loaded.unit(&name("x@1.service")).expect("a unit");
    let shown = properties(unit, &facts);
    assert!(shown.iter().any(|(key, _)| *key == "Environment"));
}

#[test]
fn names_and_words_have_no_depth() {
    let deep = format!("{}.slice", "a-".repeat(120) + "b");
    let loaded = service(&format!("Slice={deep}"));
    assert!(!loaded.has_errors());
    for value in [
        "(".repeat(100_000),
        "$".repeat(100_000),
        "%%".repeat(100_000),
    ] {
        let loaded = service(&format!("ExecStartPre=/bin/echo {value}\nNice={value}"));
        assert!(loaded.has_errors());
    }
    let quotes = "\"".repeat(100_001);
    assert!(service(&format!("ExecStartPre=/bin/echo {quotes}")).has_errors());
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("a name")
}
