//! The lexer: whatever the text, what is found in it stands on a line that it has.
use gitproc_unit::parse_ini;

pub fn run(text: &str) {
    let (sections, findings) = parse_ini("x.service", text);
    let lines = text.split(['\n', '\r', '\0']).count();
    let within = |line: u32| (line as usize) <= lines;
    for entry in sections.iter().flat_map(|section| &section.entries) {
        assert!(entry.line > 0 && within(entry.line), "{entry:?}");
        assert!(!entry.key.is_empty(), "{entry:?}");
        assert!(!entry.value.contains('\n'), "{entry:?}");
    }
    for finding in &findings {
        assert!(within(finding.line), "{finding:?}");
    }
}
