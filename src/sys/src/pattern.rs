//! fnmatch(3) and glob(3): patterns mean what the C library says, as everywhere on the host.
use std::ffi::CString;

/// Whether `text` fits the shell pattern. A pattern that is none fits nothing.
pub fn fits(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let (Ok(pattern), Ok(text)) = (CString::new(pattern), CString::new(text)) else {
        return false;
    };
    let flags = if ignore_case { libc::FNM_CASEFOLD } else { 0 };
    // SAFETY: both are C strings that outlive the call.
    unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), flags) == 0 }
}

/// Whether some path fits the shell pattern; `{a,b}` stands for both.
pub fn path_exists(pattern: &str) -> bool {
    let mut left = ALTERNATIVES_MAX;
    braces(pattern, &mut left)
        .iter()
        .any(|pattern| one_path_exists(pattern))
}

/// Alternatives that the braces of one pattern may stand for; a file of a line can name more than
/// anyone would wait for.
const ALTERNATIVES_MAX: usize = 4096;

fn one_path_exists(pattern: &str) -> bool {
    let Ok(c_pattern) = CString::new(pattern) else {
        return false;
    };
    // SAFETY: an all-zero glob_t is what glob(3) takes without GLOB_DOOFFS.
    let mut found: libc::glob_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pattern is a C string, no error function is given, and `found` is ours.
    let result = unsafe { libc::glob(c_pattern.as_ptr(), libc::GLOB_NOSORT, None, &mut found) };
    let count = if result == 0 { found.gl_pathc } else { 0 };
    let any = (0..count).any(|index| {
        // SAFETY: glob(3) made `gl_pathc` C strings, freed below.
        let path = unsafe { std::ffi::CStr::from_ptr(*found.gl_pathv.add(index)) };
        !is_dotted(path.to_bytes())
    });
    // SAFETY: `found` is from glob(3), whatever it returned, or all zero.
    unsafe { libc::globfree(&mut found) };
    any
}

/// `.*` is not meant to find the directory itself and the one above. Patterns themselves have no
/// such parts.
fn is_dotted(path: &[u8]) -> bool {
    let mut parts = path.split(|c| *c == b'/');
    parts.any(|part| matches!(part, b"." | b".."))
}

/// The patterns that the braces of one pattern stand for, at most `left` of them.
fn braces(pattern: &str, left: &mut usize) -> Vec<String> {
    let Some((before, alternatives, after)) = first_braces(pattern) else {
        *left = left.saturating_sub(1);
        return vec![pattern.to_owned()];
    };
    let mut all = Vec::new();
    for alternative in alternatives {
        if *left == 0 {
            break;
        }
        all.extend(braces(&format!("{before}{alternative}{after}"), left));
    }
    all
}

/// The first braces that are closed: what stands before them, their alternatives, what follows.
/// What a backslash precedes stands for itself.
fn first_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' => {
                let (alternatives, end) = alternatives(pattern, at + 1)?;
                return Some((&pattern[..at], alternatives, &pattern[end..]));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// What commas separate from `from` up to the closing brace, and where that ends.
fn alternatives(pattern: &str, from: usize) -> Option<(Vec<&str>, usize)> {
    let bytes = pattern.as_bytes();
    let (mut found, mut begin, mut depth, mut at) = (Vec::new(), from, 0usize, from);
    while at < bytes.len() {
        match (bytes[at], depth) {
            (b'\\', _) => at += 1,
            (b'{', _) => depth += 1,
            (b'}', 0) => {
                found.push(&pattern[begin..at]);
                return Some((found, at + 1));
            }
            (b'}', _) => depth -= 1,
            (b',', 0) => {
                found.push(&pattern[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_the_shell() {
        for (pattern, text, ignore_case, fit) in [
            ("6.*", "6.1.0-18-amd64", false, true),
            ("WEB[0-9]", "web1", true, true),
            ("WEB[0-9]", "web1", false, false),
            ("a/*", "a/b/c", false, true),
            ("[", "x", false, false),
        ] {
            assert_eq!(fits(pattern, text, ignore_case), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn braces_stand_for_each_alternative() {
        for (pattern, expected) in [
            ("/a", &["/a"][..]),
            ("/d.{c[vl]d,inc}", &["/d.c[vl]d", "/d.inc"]),
            ("/{a,b{c,d}}x", &["/ax", "/bcx", "/bdx"]),
            ("/{a,b}{1,2}", &["/a1", "/a2", "/b1", "/b2"]),
            ("/{}x/{a", &["/x/{a"]),
            (r"/\{a,b}", &[r"/\{a,b}"]),
            ("/{,x}", &["/", "/x"]),
        ] {
            assert_eq!(braces(pattern, &mut 4096), expected, "{pattern}");
        }
        assert!(braces(&"{a,b}".repeat(30), &mut 4096).len() <= 4096);
    }

    #[test]
    fn paths_are_found() {
        assert!(path_exists("/{etc,nowhere}/pass[w]d"));
        assert!(!path_exists("/etc/pass?"));
        // Not even the directory itself.
        assert!(!path_exists("/proc/1/fdinfo/.*"));
    }
}
