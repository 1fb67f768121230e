//! Conditions on the kernel, the system that is installed, and the boot.
use super::comparison::{OPERATOR_CHARACTERS, Operator, Quotes, is_space, next_word};
use super::{Unjudged, files, host, paths, virtualization};
use gitproc_unit::value::parse_bool;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Words of the kernel's command line; in a container, of the first process there.
pub fn kernel_command_line(parameter: &str) -> Result<bool, Unjudged> {
    Ok(host::has_word(&command_line()?, parameter))
}

fn command_line() -> Result<Vec<String>, Unjudged> {
    if virtualization::container()?.is_some() {
        let arguments = files::required("/proc/1/cmdline")?.unwrap_or_default();
        let words = arguments.split('\0').filter(|word| !word.is_empty());
        return Ok(words.map(str::to_owned).collect());
    }
    let line = files::required("/proc/cmdline")?.unwrap_or_default();
    let (mut words, mut rest) = (Vec::new(), line.as_str());
    while let Some(word) = next_word(&mut rest, Quotes::Relaxed)? {
        words.push(word);
    }
    Ok(words)
}

pub fn kernel_version(parameter: &str) -> Result<bool, Unjudged> {
    let names = host::names()?;
    let release = names.release().to_string_lossy();
    let unfinished = || Unjudged::new("a comparison has no right side");
    let (mut rest, mut first) = (parameter, true);
    while let Some(word) = next_word(&mut rest, Quotes::Strict)? {
        let word = word.trim_matches(is_space);
        // Without an operator it is a pattern.
        let (operator, version) = Operator::of_texts(word).unwrap_or((Operator::Fits, word));
        let mut version = version.trim_start_matches(is_space).to_owned();
        if version.is_empty() {
            // Only the first comparison may have a space in it.
            let next = match first {
                true => next_word(&mut rest, Quotes::Plain)?,
                false => None,
            };
            version = next.ok_or_else(unfinished)?;
        }
        if !operator.holds(&release, &version) {
            return Ok(false);
        }
        first = false;
    }
    Ok(true)
}

pub fn os_release(parameter: &str) -> Result<bool, Unjudged> {
    let mut rest = parameter;
    let mut fields = None;
    while let Some(word) = next_word(&mut rest, Quotes::Strict)? {
        let malformed = || Unjudged::not(&word, "comparison such as ID=debian");
        let end = word.find(OPERATOR_CHARACTERS).ok_or_else(malformed)?;
        let (key, comparison) = word.split_at(end);
        let (operator, value) = Operator::of_texts(comparison).ok_or_else(malformed)?;
        if !is_variable(key) || value.is_empty() || value.starts_with(is_space) {
            return Err(malformed());
        }
        if fields.is_none() {
            fields = Some(os_release_fields()?);
        }
        let found = fields.iter().flatten().rev().find(|(name, _)| name == key);
        let actual = found.map_or("", |(_, value)| value);
        if !operator.holds(actual, value) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn os_release_fields() -> Result<Vec<(String, String)>, Unjudged> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let Some(text) = files::required(path)? {
            return gitproc_unit::parse_environment_file(text.as_bytes())
                .map_err(|why| Unjudged::new(format!("{path}: {why}")));
        }
    }
    Err(Unjudged::new("there is no os-release"))
}

fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    word && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// systemd leaves a file there during the first boot.
pub fn first_boot(parameter: &str) -> Result<bool, Unjudged> {
    let wanted = parse_bool(parameter).map_err(|why| Unjudged::new(why.to_string()))?;
    Ok(files::exist("/run/systemd/first-boot") == wanted)
}

/// /usr is newer than what was made from it below this path. When in doubt it is: an update too
/// many does less harm than one too few.
pub fn needs_update(path: &str) -> Result<bool, Unjudged> {
    if let Some(forced) = forced_update() {
        return Ok(forced);
    }
    if files::exist("/etc/initrd-release") || paths::read_only(path) == Some(true) {
        return Ok(false);
    }
    let stamp = format!("{path}/.updated");
    let (Ok(done), Ok(usr)) = (
        std::fs::symlink_metadata(&stamp),
        std::fs::symlink_metadata("/usr/"),
    ) else {
        return Ok(true);
    };
    let time = |found: &Metadata| (found.mtime(), found.mtime_nsec());
    if usr.mtime() != done.mtime() || usr.mtime_nsec() == 0 || done.mtime_nsec() > 0 {
        return Ok(time(&usr) > time(&done));
    }
    // The file system of the stamp has no nanoseconds: they are in the file.
    let text = files::bytes(&stamp).unwrap_or_default();
    let fields = gitproc_unit::parse_environment_file(&text).unwrap_or_default();
    let stamped = fields.iter().find(|(name, _)| name == "TIMESTAMP_NSEC");
    let stamped: Option<i128> = stamped.and_then(|(_, value)| value.parse().ok());
    let usr = i128::from(usr.mtime()) * 1_000_000_000 + i128::from(usr.mtime_nsec());
    Ok(stamped.is_none_or(|stamped| usr > stamped))
}

/// `systemd.condition-needs-update=` of the kernel's command line.
fn forced_update() -> Option<bool> {
    let words = command_line().ok()?;
    let key = "systemd.condition-needs-update";
    let last = words.iter().rev().find_map(|word| word.strip_prefix(key))?;
    match last.strip_prefix('=') {
        Some(value) => parse_bool(value).ok(),
        None => last.is_empty().then_some(true),
    }
}
