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
    let (operator, number) = operator_or_at_least(parameter);
    let wanted = number_of_c(number).ok_or_else(|| Unjudged::not(number, "number"))?;
    let available = cpu::available_cpus().map_err(|error| Unjudged::new(error.in_full()))?;
    Ok(operator.wants(available.cmp(&wanted)))
}

pub fn cpu_feature(parameter: &str) -> bool {
    cpu::has_feature(&parameter.to_ascii_lowercase())
}

fn operator_or_at_least(parameter: &str) -> (Operator, &str) {
    Operator::of_numbers(parameter).unwrap_or((Operator::GreaterOrEqual, parameter))
}

/// A number as strtoul(3) reads it: decimal, `0x…`, or octal with a leading zero.
fn number_of_c(text: &str) -> Option<u32> {
    let text = text.trim_start_matches(super::comparison::is_space);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.chars().all(|c| c.is_digit(radix));
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}
