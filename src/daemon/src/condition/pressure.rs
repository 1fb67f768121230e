//! Pressure stall information (PSI), of the host or of a slice.
use super::comparison::is_space;
use super::{Unjudged, cgroup, files};
use gitproc_unit::value::parse_permyriad;

/// What the kernel counts, all of it or nothing.
const RESOURCES: [&str; 3] = ["cpu", "io", "memory"];

/// The averages that the kernel keeps: how a parameter begins that asks for one, and its key.
const SPANS: [(&str, &str); 3] = [("10sec", "avg10"), ("1min", "avg60"), ("5min", "avg300")];

/// `[slice:]percentage[/span]`: the pressure is at most that. It holds wherever pressure can't be
/// told: without PSI, without the controller, or without the slice.
pub fn pressure(resource: &str, parameter: &str) -> Result<bool, Unjudged> {
    let readable = |name| files::bytes(format!("/proc/pressure/{name}")).is_some();
    if !RESOURCES.into_iter().all(readable) {
        return Ok(true);
    }
    let malformed = || Unjudged::not(parameter, "pressure such as 10%/1min");
    let mut parts = parameter.split(':').filter(|part| !part.is_empty());
    let (path, value) = match (parts.next(), parts.next()) {
        (None, _) => return Err(malformed()),
        (Some(value), None) => (format!("/proc/pressure/{resource}"), value),
        (Some(slice), Some(value)) => {
            if !cgroup::is_unified()? || !cgroup::available()?.contains(&resource) {
                return Ok(true);
            }
            let slice = slice.trim_matches(is_space);
            let path = slice_path(slice).ok_or_else(|| Unjudged::not(slice, "slice"))?;
            (
                format!("{}{path}/{resource}.pressure", cgroup::root()),
                value,
            )
        }
    };
    let mut parts = value.split('/').filter(|part| !part.is_empty());
    let limit = parts.next().ok_or_else(malformed)?.trim_matches(is_space);
    let average = match parts.next().map(|span| span.trim_start_matches(is_space)) {
        None => "avg300",
        Some(span) => {
            let span = SPANS.iter().find(|(name, _)| span.starts_with(name));
            span.map(|(_, key)| *key).ok_or_else(malformed)?
        }
    };
    let limit = parse_permyriad(limit).ok();
    let limit = limit.ok_or_else(malformed)?;
    let Some(text) = files::required(&path)? else {
        return Ok(true);
    };
    let current = hundredths(&text, average)
        .ok_or_else(|| Unjudged::new(format!("{path} can't be understood")))?;
    Ok(current <= limit)
}

/// An average in hundredths of a per cent: the time in which all stall or, where the kernel does
/// not count that, some do.
fn hundredths(text: &str, average: &str) -> Option<u32> {
    let line = |kind: &str| text.lines().find_map(|line| line.strip_prefix(kind));
    let fields = line("full ").or_else(|| line("some "))?;
    let value = fields
        .split_whitespace()
        .find_map(|field| field.strip_prefix(average)?.strip_prefix('='))?;
    let (whole, fraction) = value.split_once('.')?;
    let fraction = fraction.get(..2)?;
    Some(whole.parse::<u32>().ok()? * 100 + fraction.parse::<u32>().ok()?)
}

/// Where a slice lies: `a-b.slice` is `/a.slice/a-b.slice`, `-.slice` the root.
fn slice_path(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".slice")?;
    if stem == "-" {
        return Some(String::new());
    }
    let parts: Vec<&str> = stem.split('-').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || ":_.\\-".contains(c);
    if parts.iter().any(|part| part.is_empty()) || !stem.chars().all(plain) {
        return None;
    }
    let path = (1..=parts.len()).map(|count| format!("/{}.slice", parts[..count].join("-")));
    Some(path.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_read() {
        let text = "some avg10=1.20 avg60=0.07 avg300=12.34 total=5\n";
        assert_eq!(hundredths(text, "avg300"), Some(1234));
        let full = format!("{text}full avg10=0.00 avg60=0.01 avg300=0.00 total=5\n");
        assert_eq!(hundredths(&full, "avg60"), Some(1));
        assert_eq!(hundredths("", "avg10"), None);
    }

    #[test]
    fn slices_nest() {
        for (name, path) in [
            ("-.slice", Some("")),
            ("a.slice", Some("/a.slice")),
            ("a-b.slice", Some("/a.slice/a-b.slice")),
            ("a--b.slice", None),
            ("a", None),
            (".slice", None),
            ("../x.slice", None),
        ] {
            assert_eq!(slice_path(name).as_deref(), path, "{name}");
        }
    }
}
