//! `%x` in values (systemd.unit(5), SPECIFIERS).
use crate::name::UnitName;
use crate::tree::HostFacts;
use crate::value::ValueError;

/// `text` with its specifiers resolved. `%` before anything but a letter or digit is literal.
pub(crate) fn resolve(
    text: &str,
    name: &UnitName,
    facts: &HostFacts,
) -> Result<String, ValueError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.chars().next() {
            Some('%') => {
                out.push('%');
                rest = &rest[1..];
            }
            Some(c) if c.is_ascii_alphanumeric() => {
                out.push_str(&one(c, name, facts)?);
                rest = &rest[1..];
            }
            Some(_) | None => out.push('%'),
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn one(c: char, name: &UnitName, facts: &HostFacts) -> Result<String, ValueError> {
    let instance = name.instance().unwrap_or("");
    let last = name.prefix().rsplit('-').next().unwrap_or("");
    Ok(match c {
        'n' => name.to_string(),
        'N' => name.stem().to_owned(),
        'p' => name.prefix().to_owned(),
        'P' => unescape(name.prefix()),
        'i' => instance.to_owned(),
        'I' => unescape(instance),
        'j' => last.to_owned(),
        'J' => unescape(last),
        'f' => {
            let path = match name.instance() {
                None | Some("") => unescape(name.prefix()),
                Some(instance) => unescape(instance),
            };
            format!("/{}", path.trim_start_matches('/'))
        }
        'H' | 'q' => facts.host_name.clone(),
        'l' => facts.host_name.split('.').next().unwrap_or("").to_owned(),
        'm' => facts.machine_id.clone(),
        'b' => facts.boot_id.clone(),
        'v' => facts.kernel_release.clone(),
        'a' => facts.architecture.clone(),
        'u' => facts.user.clone(),
        'U' => facts.uid.to_string(),
        'g' => facts.group.clone(),
        'G' => facts.gid.to_string(),
        'h' => facts.home.clone(),
        's' => facts.shell.clone(),
        't' => facts.runtime_dir.clone(),
        'S' => facts.state_dir.clone(),
        'C' => facts.cache_dir.clone(),
        'L' => facts.logs_dir.clone(),
        'E' => facts.config_dir.clone(),
        'T' => "/tmp".to_owned(),
        'V' => "/var/tmp".to_owned(),
        'y' | 'Y' | 'd' | 'A' | 'B' | 'M' | 'o' | 'w' | 'W' => {
            return Err(ValueError(format!("specifier %{c} is not honoured yet")));
        }
        _ => {
            return Err(ValueError(format!(
                "unknown specifier %{c}; write %% for a %"
            )));
        }
    })
}

/// The text that a part of a unit name stands for: `-` is `/`, `\x2d` is `-`. Names that are not
/// escaped text stay as they are.
fn unescape(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&c, tail)) = rest.split_first() {
        rest = tail;
        match c {
            b'-' => bytes.push(b'/'),
            b'\\' => {
                let hex = tail.strip_prefix(b"x").and_then(|hex| hex.get(..2));
                let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
                match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = &tail[3..];
                    }
                    None => return part.to_owned(),
                }
            }
            c => bytes.push(c),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves() {
        let facts = HostFacts::example();
        for (unit, text, expected) in [
            (
                "blah@foo-foo.service",
                "%I %i %J %j %p %P %n %N",
                "foo/foo foo-foo blah blah blah blah blah@foo-foo.service blah@foo-foo",
            ),
            ("blah@a\\x2db.service", "%I %f", "a-b /a-b"),
            ("blah-foo.service", "%j %P %f", "foo blah/foo /blah/foo"),
            ("x.service", "%t/%p %% %- 50%", "/run/x % %- 50%"),
        ] {
            let name = UnitName::parse(unit).expect("valid");
            assert_eq!(resolve(text, &name, &facts).as_deref(), Ok(expected));
        }
        let name = UnitName::parse("x.service").expect("valid");
        let err = resolve("%z", &name, &facts).expect_err("unknown");
        assert_eq!(err.to_string(), "unknown specifier %z; write %% for a %");
    }
}
