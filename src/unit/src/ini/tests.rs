//! What is read, what is refused, and where it stands.
use super::*;

type Pairs = Vec<(String, u32, Vec<(String, String, u32)>)>;

fn pairs(text: &str) -> Pairs {
    let (sections, diagnostics) = parse_ini("x", text);
    assert_eq!(diagnostics, [], "{text:?}");
    sections
        .into_iter()
        .map(|s| {
            let entries = s.entries.into_iter().map(|e| (e.key, e.value, e.line));
            (s.name, s.line, entries.collect())
        })
        .collect()
}

fn entry(key: &str, value: &str, line: u32) -> (String, String, u32) {
    (key.into(), value.into(), line)
}

#[test]
fn reads_what_systemd_reads() {
    let text = "\u{feff}[A]\r\nx=1\r\n# c\r\nx=2 # kept\r\n[B]\ny=a \\\n# inside\n; too\n  b\\\n\nz=\n[A]\nx=\"q\\n\"\n";
    assert_eq!(
        pairs(text),
        [
            (
                "A".into(),
                1,
                vec![entry("x", "1", 2), entry("x", "2 # kept", 4)]
            ),
            (
                "B".into(),
                5,
                vec![entry("y", "a    b", 6), entry("z", "", 11)]
            ),
            ("A".into(), 12, vec![entry("x", "\"q\\n\"", 13)]),
        ]
    );
}

#[test]
fn only_systemds_white_space_is_trimmed() {
    // rust-ini would trim all that Unicode calls white space.
    for value in ["\u{a0}x\u{3000}", "\u{b}x\u{c}", "|x|", "x\\\\", "a:b=c"] {
        let text = format!("[A]\nx= {value} \t\n");
        assert_eq!(pairs(&text)[0].2[0].1, value);
    }
    assert_eq!(pairs("[X-Y]\na:b [c]=d\n")[0].2[0].0, "a:b [c]");
}

#[test]
fn lines_end_as_systemd_ends_them() {
    let expected = pairs("[A]\nx=1\n\ny=2\n");
    for text in [
        "[A]\rx=1\r\ry=2\r",
        "[A]\r\nx=1\r\n\r\ny=2",
        "[A]\n\rx=1\n\r\n\ry=2",
    ] {
        assert_eq!(pairs(text), expected, "{text:?}");
    }
    // A blank line ends a continuation, a comment does not.
    let ended = pairs("[A]\nx=1\\\n \ny=2\\\n  # c \\\n3\\\n");
    assert_eq!(ended[0].2, [entry("x", "1", 2), entry("y", "2 3", 4)]);
}

#[test]
fn places_are_those_of_an_editor() {
    let text = "\u{feff}[A]\n  käse =  brot\n\t[B]\nx=\\\n# c\n   y\\\nz\ne=\n";
    let (sections, _) = parse_ini("x", &text.replace("käse", "kase"));
    let places = |section: &Section| -> Vec<(u32, u32, u32, u32)> {
        let entries = section.entries.iter();
        let place = |e: &Entry| (e.line, e.key_column, e.value_line, e.value_column);
        entries.map(place).collect()
    };
    assert_eq!((sections[0].line, sections[0].column), (1, 1));
    assert_eq!(places(&sections[0]), [(2, 3, 2, 11)]);
    assert_eq!((sections[1].line, sections[1].column), (3, 2));
    assert_eq!(places(&sections[1]), [(4, 1, 6, 4), (8, 1, 8, 3)]);
    // Characters are counted, not bytes.
    let (sections, _) = parse_ini("x", "[X-A]\nkäse = ü\n");
    assert_eq!(places(&sections[0]), [(2, 1, 2, 8)]);
}

#[test]
fn assignments_below_a_bad_header_belong_nowhere() {
    let (sections, diagnostics) = parse_ini("x", "[A]\nx=1\n[B\ny=2\nz\n[C]\nw=3\n");
    assert_eq!(diagnostics.len(), 1);
    let counts: Vec<usize> = sections.iter().map(|s| s.entries.len()).collect();
    assert_eq!(counts, [1, 1]);
}

#[test]
fn optional_features_of_rust_ini_are_off() {
    // Feature unification could turn them on from anywhere in the workspace.
    let inline = pairs("[S]\na=b ; c # d\n");
    assert_eq!(
        inline[0].2[0].1, "b ; c # d",
        "feature inline-comment is on"
    );
    let case = pairs("[S]\na=1\nA=2\n");
    assert_eq!(case[0].2.len(), 2, "feature case-insensitive is on");
    assert_eq!(case[0].2[1].0, "A", "feature case-insensitive is on");
}

#[test]
fn names_what_it_cant_read() {
    for (text, message) in [
        (
            "[A\nx=1\n",
            "x:1: bad section header '[A' (a header stands alone on its line, like [Service])",
        ),
        (
            "x=1\n",
            "x:1: x= stands before any section (begin with [Unit] or [Service])",
        ),
        (
            "[A]\nfoo: bar\n",
            "x:2: 'foo: bar' is no assignment (write Key=value; a value goes on after a line that ends in \\)",
        ),
        ("[A]\nfo o=bar\n", "x:2: 'fo o' is no key"),
        ("[A]\n=bar\n", "x:2: no key stands before the '='"),
        ("[A]\nx=a\0b\n", "x:2: column 4 holds a NUL"),
        (
            "[A]\nx=é\u{fffe}\n",
            "x:2: column 4 holds U+FFFE, which is no character",
        ),
    ] {
        let (_, diagnostics) = parse_ini("x", text);
        assert_eq!(diagnostics[0].to_string(), message);
    }
}
