//! Conditions on memory and processors.
use super::comparison::Operator;
use super::{Unjudged, files};
use gitproc_sys::cpu;
use gitproc_unit::value::{parse_size, parse_u32};

pub fn memory(parameter: &str) -> Result<bool, Unjudged> {
    let (operator, size) = operator_or_at_least(parameter);
    let wanted = parse_size(size)?;
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
    let wanted = parse_u32(text)?;
    let available = cpu::available_cpus().map_err(|error| Unjudged::new(error.in_full()))?;
    Ok(operator.wants(available.cmp(&wanted)))
}

pub fn cpu_feature(parameter: &str) -> bool {
    cpu::has_feature(&parameter.to_ascii_lowercase())
}

fn operator_or_at_least(parameter: &str) -> (Operator, &str) {
    Operator::of_numbers(parameter).unwrap_or((Operator::GreaterOrEqual, parameter))
}
