//! Devices: which a service may open, and what it may do to each per second.
use super::list::first_word;
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

/// Applies one line of `DeviceAllow=` to the list so far; the newest comes first, an empty line
/// resets.
pub fn apply_device_rule(list: &mut Vec<DeviceRule>, text: &str) -> Result<(), ValueError> {
    match text {
        "" => list.clear(),
        text => list.insert(0, parse_device_rule(text)?),
    }
    Ok(())
}

/// `/dev/null rw`; without letters, all three.
pub fn parse_device_rule(text: &str) -> Result<DeviceRule, ValueError> {
    let (device, letters) = first_word(text)?;
    let group = ["block-", "char-"]
        .iter()
        .any(|kind| device.starts_with(kind));
    let device = match group {
        true => device,
        false => node(&device)?,
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
    append(list, text, parse_io_weight)
}

/// Applies one line of `BlockIODeviceWeight=`; an empty line resets.
pub fn apply_block_device_weight(
    list: &mut Vec<DeviceNumber>,
    text: &str,
) -> Result<(), ValueError> {
    append(list, text, parse_block_io_weight)
}

/// Applies one line of `IODeviceLatencyTargetSec=`, in µs; an empty line resets.
pub fn apply_device_latency(list: &mut Vec<DeviceNumber>, text: &str) -> Result<(), ValueError> {
    append(list, text, parse_timespan)
}

/// Applies one line of `IOReadBandwidthMax=` and its kin, in bytes or operations per second: the
/// last line about a path counts, and `infinity` is no limit. An empty line resets.
pub fn apply_device_limit(list: &mut Vec<DeviceNumber>, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        list.clear();
        return Ok(());
    }
    let (path, limit) = pair(text)?;
    let limit = match limit {
        "infinity" => u64::MAX,
        limit => match parse_size_si(limit)? {
            0 => return Err(ValueError::beyond(limit, "IO limit (1 or more)")),
            limit => limit,
        },
    };
    match list.iter_mut().find(|(known, _)| *known == path) {
        Some((_, known)) => *known = limit,
        None => list.push((path, limit)),
    }
    list.retain(|&(_, limit)| limit != u64::MAX);
    Ok(())
}

fn append(
    list: &mut Vec<DeviceNumber>,
    text: &str,
    parse: fn(&str) -> Result<u64, ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        list.clear();
        return Ok(());
    }
    let (path, number) = pair(text)?;
    list.push((path, parse(number)?));
    Ok(())
}

/// A path and what is said about it, which is not empty.
fn pair(text: &str) -> Result<(String, &str), ValueError> {
    let (path, rest) = first_word(text)?;
    match rest {
        "" => Err(ValueError::not(
            text,
            "path and value (such as /dev/sda 5M)",
        )),
        rest => Ok((normalized(&path)?, rest)),
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
