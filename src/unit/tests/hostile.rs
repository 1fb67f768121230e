//! Inputs that are made to be slow, or large: each is read to its end or refused with words.
//!
//! Nothing is timed; where a bound fails, a test doesn't end.
use gitproc_unit::load;
use gitproc_unit::{Code, HostFacts, Loaded, Severity, TreeEntry, TreeFiles};

/// Lines of the long ones.
const LINES: usize = 5_000;

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
fn what_is_wrong_in_every_line_is_said_a_thousand_times() {
    for line in ["Nice=x{}", "nonsense {}", "Unheard{}=of", "[Bad {}"] {
        let loaded = service(&lines(line, LINES));
        assert!(loaded.diagnostics.len() < 1_100, "{line}");
        assert!(has(&loaded, Code::TooMany), "{line}");
    }
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
