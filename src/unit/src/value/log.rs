//! Where messages go in a log: levels, facilities, and fields of one's own.
use super::integer::unsigned;
use super::list::{Split, each_word};
use super::{ValueError, choice, parse_size, word_for};

/// Levels of syslog(3), most urgent first.
const LEVELS: [(&str, u32); 8] = [
    ("emerg", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("warning", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];
/// Facilities of syslog(3), not shifted.
const FACILITIES: [(&str, u32); 20] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];
/// Greatest number of a facility that is let through by number.
const FACILITY_MAX: u64 = 127;
/// Longest name of a field, in bytes.
const FIELD_NAME_MAX: usize = 64;

/// Most older files of a log that are kept.
pub const LOG_FILES_MAX: u32 = 32;
/// What `X-LogMax…=` are in a unit that leaves them to the configuration.
pub const LOG_AS_CONFIGURED: u64 = u64::MAX;
/// Smallest file of a log that ends by its size, in bytes: the longest record fits into it.
pub const LOG_FILE_SIZE_MIN: u64 = 64 << 10;

/// Bytes that end a file of a log, of `X-LogMaxFileSize=`; 0: none do.
pub fn parse_log_file_size(text: &str) -> Result<u64, ValueError> {
    let size = parse_size(text)?;
    match size {
        0 | LOG_FILE_SIZE_MIN.. => Ok(size),
        _ => Err(ValueError(format!(
            "'{text}' is too small: 64K at least, or 0 for files that grow for ever"
        ))),
    }
}

/// How many older files of a log are kept, of `X-LogMaxFiles=`.
pub fn parse_log_files(text: &str) -> Result<u32, ValueError> {
    let wanted = format!("number of files (0 to {LOG_FILES_MAX})");
    let number = unsigned(text, LOG_FILES_MAX.into()).map_err(|err| err.say(text, &wanted))?;
    u32::try_from(number).map_err(|_| ValueError::beyond(text, &wanted))
}

/// A level by name or number: 0 (emerg) to 7 (debug).
pub fn parse_log_level(text: &str) -> Result<u32, ValueError> {
    named(&LEVELS, 7, text, "log level (such as warning)")
}

/// A facility by name or number, not shifted: `daemon` is 3.
pub fn parse_log_facility(text: &str) -> Result<u32, ValueError> {
    named(
        &FACILITIES,
        FACILITY_MAX,
        text,
        "log facility (such as daemon)",
    )
}

/// A level by name.
pub fn format_log_level(level: u32) -> String {
    word_for(&LEVELS, &level).map_or_else(|| level.to_string(), str::to_owned)
}

/// A facility by name, or by number where it has none.
pub fn format_log_facility(facility: u32) -> String {
    word_for(&FACILITIES, &facility).map_or_else(|| facility.to_string(), str::to_owned)
}

fn named(table: &[(&str, u32)], max: u64, text: &str, wanted: &str) -> Result<u32, ValueError> {
    if let Some(number) = choice(table, text) {
        return Ok(number);
    }
    let number = unsigned(text, max).map_err(|err| err.say(text, wanted))?;
    u32::try_from(number).map_err(|_| ValueError::beyond(text, wanted))
}

/// Applies one line of `LogExtraFields=` to the `NAME=value` so far; an empty line resets. A word
/// that is no field is left out, and named by the error.
pub fn apply_log_fields(fields: &mut Vec<String>, text: &str) -> Result<(), ValueError> {
    add_fields(fields, text, |word| Ok(word.to_owned()))
}

/// The same with words that `resolve` finishes.
pub(crate) fn add_fields(
    fields: &mut Vec<String>,
    text: &str,
    resolve: impl Fn(&str) -> Result<String, ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        fields.clear();
    }
    each_word(text, Split::Escaped, |word| {
        let word = resolve(word)?;
        let name = word.split_once('=').map(|(name, _)| name);
        match name.is_some_and(is_field_name) {
            true => fields.push(word),
            false => return Err(ValueError::not(&word, "log field (such as NAME=value)")),
        }
        Ok(())
    })
}

/// Names that start with `_` are the log's own.
fn is_field_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let first = |c: char| c == '_' || c.is_ascii_digit();
    (1..=FIELD_NAME_MAX).contains(&name.len())
        && !name.starts_with(first)
        && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_levels_and_facilities() {
        for (text, level) in [("emerg", 0), ("err", 3), ("7", 7)] {
            assert_eq!(parse_log_level(text), Ok(level), "{text}");
        }
        for text in ["", "error", "ERR", "8", "-1"] {
            assert!(parse_log_level(text).is_err(), "{text}");
        }
        for (text, facility) in [("daemon", 3), ("local0", 16), ("12", 12)] {
            assert_eq!(parse_log_facility(text), Ok(facility), "{text}");
        }
        assert!(parse_log_facility("128").is_err());
    }

    #[test]
    fn files_have_bounds() {
        assert_eq!(parse_log_file_size("64K"), Ok(64 << 10));
        assert_eq!(parse_log_file_size("0"), Ok(0));
        assert_eq!(parse_log_files("32"), Ok(32));
        for text in ["63K", "-1", "", "big"] {
            assert!(parse_log_file_size(text).is_err(), "{text}");
        }
        for text in ["33", "-1", "", "1K"] {
            assert!(parse_log_files(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_have_names() {
        let mut fields = Vec::new();
        let line = r#"A=1 _B=2 1C=3 d=4 E "F_2=x\ty" =z"#;
        let outcome = apply_log_fields(&mut fields, line);
        assert_eq!(fields, ["A=1", "F_2=x\ty"]);
        assert!(outcome.is_err_and(|err| err.0.contains("'_B=2'") && err.0.contains("'=z'")));
    }
}
