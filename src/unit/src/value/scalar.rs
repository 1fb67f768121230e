//! Booleans, modes, process numbers.
use super::ValueError;
use super::integer::{NumberError, digits, unsigned};

/// `yes`, `no` and their kin.
pub fn parse_bool(text: &str) -> Result<bool, ValueError> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["1", "yes", "y", "true", "t", "on"]) {
        Ok(true)
    } else if is(&["0", "no", "n", "false", "f", "off"]) {
        Ok(false)
    } else {
        Err(ValueError::not(text, "boolean (yes or no)"))
    }
}

/// An octal access mode up to 07777.
pub fn parse_mode(text: &str) -> Result<u32, ValueError> {
    let mode = digits(text.trim_start_matches(crate::words::is_space), 8);
    match mode.map(u32::try_from) {
        Ok(Ok(mode)) if mode <= 0o7777 => Ok(mode),
        Ok(_) => Err(NumberError::Range),
        Err(err) => Err(err),
    }
    .map_err(|err| err.say(text, "octal mode (such as 0755)"))
}

/// The number of a process: 1 or more.
pub fn parse_pid(text: &str) -> Result<i32, ValueError> {
    unsigned(text, u64::MAX)
        .and_then(|pid| i32::try_from(pid).map_err(|_| NumberError::Range))
        .and_then(|pid| {
            if pid > 0 {
                Ok(pid)
            } else {
                Err(NumberError::Range)
            }
        })
        .map_err(|err| err.say(text, "process number (1 or more)"))
}
