//! Devices: which a service may open, and what it may do to each per second.
use super::list::{first_word, room};
use super::{
    ValueError, parse_block_io_weight, parse_io_weight, parse_size_si, parse_timespan,
    simplify_path,
};

/// One rule of `DeviceAllow=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRule {
    /// A path below /dev, or a group of devices: `char-rtc`, `block-*`.
    pub device: String,
    /// Of `r`, `w` and `m` (mknod), in this order.
    pub access: String,
}

/// Adds what is said about a device to a list: which device, and the rest of the line.
pub(crate) type Add<T> = fn(&mut Vec<T>, &str, &str) -> Result<(), ValueError>;

/// Applies one line about a device, whose name `resolve` finishes; an empty line resets.
pub(crate) fn apply<T>(
    list: &mut Vec<T>,
    text: &str,
    add: Add<T>,
    resolve: impl Fn(&str) -> Result<String, ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        list.clear();
        return Ok(());
    }
    let (device, rest) = first_word(text)?;
    add(list, &resolve(&device)?, rest)
}

fn as_it_is(device: &str) -> Result<String, ValueError> {
    Ok(device.to_owned())
}

/// Applies one line of `DeviceAllow=` to the list so far; the newest comes first, an empty line
/// resets.
pub fn apply_device_rule(list: &mut Vec<DeviceRule>, text: &str) -> Result<(), ValueError> {
    apply(list, text, add_rule, as_it_is)
}

/// A line of `DeviceAllow=`.
pub(crate) fn add_rule(
    list: &mut Vec<DeviceRule>,
    device: &str,
    letters: &str,
) -> Result<(), ValueError> {
    // The newest goes before the others, which are moved.
    room(list.len())?;
    list.insert(0, rule(device, letters)?);
    Ok(())
}

/// `/dev/null rw`; without letters, all three.
pub fn parse_device_rule(text: &str) -> Result<DeviceRule, ValueError> {
    let (device, letters) = first_word(text)?;
    rule(&device, letters)
}

fn rule(device: &str, letters: &str) -> Result<DeviceRule, ValueError> {
    let group = ["block-", "char-"]
        .iter()
        .any(|kind| device.starts_with(kind));
    let device = match group {
        true => device.to_owned(),
        false => node(device)?,
    };
    if !letters.chars().all(|c| "rwm".contains(c)) {
        return Err(ValueError::not(letters, "access to a device (of r, w, m)"));
    }
    let access = "rwm".chars();
    let access = access.filter(|&c| letters.is_empty() || letters.contains(c));
    Ok(DeviceRule {
        device,
        access: access.collect(),
    })
}

/// A path below /dev, or one of systemd's stand-ins.
fn node(path: &str) -> Result<String, ValueError> {
    let path = normalized(path)?;
    let below = |root: &str| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match below("/dev") || below("/run/systemd/inaccessible") {
        true => Ok(path),
        false => Err(ValueError::not(
            &path,
            "device (such as /dev/null, char-tty)",
        )),
    }
}

/// A path without `..`, simplified; it may be relative.
fn normalized(path: &str) -> Result<String, ValueError> {
    let path = simplify_path(path);
    let climbs = path.split('/').any(|part| part == "..");
    match path.is_empty() || path == "." || climbs {
        true => Err(ValueError::not(&path, "path free of '..'")),
        false => Ok(path),
    }
}

/// What a line says about one device or file system: its path, and a number.
pub type DeviceNumber = (String, u64);

/// Applies one line of `IODeviceWeight=`; an empty line resets.
pub fn apply_device_weight(list: &mut Vec<DeviceNumber>, text: &str) -> Result<(), ValueError> {
    apply(list, text, add_weight, as_it_is)
}

/// Applies one line of `IODeviceLatencyTargetSec=`, in µs; an empty line resets.
pub fn apply_device_latency(list: &mut Vec<DeviceNumber>, text: &str) -> Result<(), ValueError> {
    apply(list, text, add_latency, as_it_is)
}

/// Applies one line of `IOReadBandwidthMax=` and its kin, in bytes or operations per second: the
/// last line about a path counts, and `infinity` is no limit. An empty line resets.
pub fn apply_device_limit(list: &mut Vec<DeviceNumber>, text: &str) -> Result<(), ValueError> {
    apply(list, text, add_limit, as_it_is)
}

/// A line of `IODeviceWeight=`.
pub(crate) fn add_weight(
    list: &mut Vec<DeviceNumber>,
    path: &str,
    weight: &str,
) -> Result<(), ValueError> {
    list.push((about(path, weight)?, parse_io_weight(weight)?));
    Ok(())
}

/// A line of `BlockIODeviceWeight=`.
pub(crate) fn add_block_weight(
    list: &mut Vec<DeviceNumber>,
    path: &str,
    weight: &str,
) -> Result<(), ValueError> {
    list.push((about(path, weight)?, parse_block_io_weight(weight)?));
    Ok(())
}

/// A line of `IODeviceLatencyTargetSec=`.
pub(crate) fn add_latency(
    list: &mut Vec<DeviceNumber>,
    path: &str,
    span: &str,
) -> Result<(), ValueError> {
    list.push((about(path, span)?, parse_timespan(span)?));
    Ok(())
}

/// A line of `IOReadBandwidthMax=` or of its kin.
pub(crate) fn add_limit(
    list: &mut Vec<DeviceNumber>,
    path: &str,
    limit: &str,
) -> Result<(), ValueError> {
    match limit {
        "infinity" => {
            let path = about(path, limit)?;
            list.retain(|(known, _)| *known != path);
            Ok(())
        }
        limit => add_block_limit(list, path, limit),
    }
}

/// A line of `BlockIOReadBandwidth=` or `BlockIOWriteBandwidth=`, which know no infinity.
pub(crate) fn add_block_limit(
    list: &mut Vec<DeviceNumber>,
    path: &str,
    limit: &str,
) -> Result<(), ValueError> {
    let path = about(path, limit)?;
    let limit = match parse_size_si(limit)? {
        0 => return Err(ValueError::beyond(limit, "IO limit (1 or more)")),
        limit => limit,
    };
    room(list.len())?;
    match list.iter_mut().find(|(known, _)| *known == path) {
        Some((_, known)) => *known = limit,
        None => list.push((path, limit)),
    }
    Ok(())
}

/// The path, about which something must be said.
fn about(path: &str, said: &str) -> Result<String, ValueError> {
    match said {
        "" => Err(ValueError::not(
            path,
            "path and value (such as /dev/sda 5M)",
        )),
        _ => normalized(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_a_device_and_its_access() {
        for (text, device, access) in [
            ("/dev/null rw", "/dev/null", "rw"),
            ("/dev//net/tun", "/dev/net/tun", "rwm"),
            ("char-rtc r", "char-rtc", "r"),
            ("block-*  wr", "block-*", "rw"),
            ("char-/dev/console rw", "char-/dev/console", "rw"),
            ("'/dev/a b' m", "/dev/a b", "m"),
        ] {
            let rule = parse_device_rule(text).expect("a rule");
            assert_eq!(
                (rule.device.as_str(), rule.access.as_str()),
                (device, access),
                "{text}"
            );
        }
        for text in [
            "/etc/passwd r",
            "/dev/../etc r",
            "null r",
            "/dev/null x",
            "/dev/null r w",
        ] {
            assert!(parse_device_rule(text).is_err(), "{text}");
        }
        let mut list = Vec::new();
        for line in ["/dev/a", "/dev/b"] {
            assert_eq!(apply_device_rule(&mut list, line), Ok(()));
        }
        assert_eq!(list[0].device, "/dev/b");
    }

    #[test]
    fn limits_are_kept_by_path() {
        let mut list = Vec::new();
        for line in ["/dev/sda 5M", "/ 1K", "/dev//sda 2M", "/ infinity"] {
            assert_eq!(apply_device_limit(&mut list, line), Ok(()), "{line}");
        }
        assert_eq!(list, [("/dev/sda".to_owned(), 2_000_000)]);
        for line in ["/dev/sda", "/dev/sda 0", "/dev/sda x", "../x 5"] {
            assert!(apply_device_limit(&mut list, line).is_err(), "{line}");
        }
    }

    #[test]
    fn weights_are_appended() {
        let mut list = Vec::new();
        for line in ["/dev/sda 100", "/dev/sda 200"] {
            assert_eq!(apply_device_weight(&mut list, line), Ok(()));
        }
        assert_eq!(list.len(), 2);
        assert!(apply_device_weight(&mut list, "/dev/sda 10001").is_err());
        assert_eq!(apply_device_latency(&mut list, ""), Ok(()));
        assert_eq!(apply_device_latency(&mut list, "/ 25ms"), Ok(()));
        assert_eq!(list, [("/".to_owned(), 25_000)]);
    }
}
