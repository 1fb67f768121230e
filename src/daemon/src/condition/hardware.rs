//! Conditions on memory and processors.
use super::comparison::Operator;
use super::{Unjudged, files};
use gitproc_sys::cpu;
use gitproc_unit::value::parse_size;

pub fn memory(parameter: &str) -> Result<bool, Unjudged> {
    let (operator, size) = operator_or_at_least(parameter);
    let wanted = parse_size(size).map_err(|why| Unjudged::new(why.to_string()))?;
    Ok(operator.wants(physical_memory().cmp(&wanted)))
}

/// Bytes that this host has, or this container may use.
pub fn physical_memory() -> u64 {
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = |path: &&str| files::line(path)?.parse::<u64>().ok();
    let limits = limits.iter().filter_map(limit);
    limits.fold(crate::host::memory_bytes(), u64::min)
}

pub fn cpus(parameter: &str) -> Result<bool, Unjudged> {
    let (operator, text) = operator_or_at_least(parameter);
    let wanted = number(text).ok_or_else(|| Unjudged::not(text, "number"))?;
    let available = cpu::available_cpus().map_err(|error| Unjudged::new(error.in_full()))?;
    Ok(operator.wants(available.cmp(&wanted)))
}

pub fn cpu_feature(parameter: &str) -> bool {
    cpu::has_feature(&parameter.to_ascii_lowercase())
}

fn operator_or_at_least(parameter: &str) -> (Operator, &str) {
    Operator::of_numbers(parameter).unwrap_or((Operator::GreaterOrEqual, parameter))
}

/// A number as systemd reads it: decimal, `0x…`, `0o…` or octal with a leading zero, `0b…`.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_start_matches(super::comparison::is_space);
    let text = text.strip_prefix('+').unwrap_or(text);
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0b", 2)];
    let prefixed = prefixes
        .iter()
        .find_map(|(prefix, radix)| Some((text.strip_prefix(prefix)?, *radix)));
    let octal = text.len() > 1 && text.starts_with('0');
    let (digits, radix) = prefixed.unwrap_or((text, if octal { 8 } else { 10 }));
    let plain = digits.chars().all(|c| c.is_digit(radix));
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}
