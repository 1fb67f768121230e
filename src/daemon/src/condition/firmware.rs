//! `ConditionFirmware=`: UEFI, device tree, and what the SMBIOS tables say.
use super::comparison::{OPERATOR_CHARACTERS, Operator, Quotes, is_space, next_word};
use super::{Unjudged, files, virtualization};

pub fn firmware(parameter: &str) -> Result<bool, Unjudged> {
    let argument = |name: &str| parameter.strip_prefix(name)?.strip_prefix('(');
    if let Some(rest) = argument("smbios-field") {
        let malformed = || Unjudged::not(parameter, "smbios-field(…)");
        return smbios_field(rest.strip_suffix(')').ok_or_else(malformed)?);
    }
    if let Some(rest) = argument("device-tree-compatible") {
        return Ok(rest.strip_suffix(')').is_some_and(is_compatible));
    }
    Ok(match parameter {
        "uefi" => is_uefi()?,
        "device-tree" => files::exist("/sys/firmware/devicetree/"),
        _ => false,
    })
}

/// The host was booted by UEFI, and is ours to ask: not in a container.
pub fn is_uefi() -> Result<bool, Unjudged> {
    Ok(virtualization::container()?.is_none() && files::exist("/sys/firmware/efi/"))
}

fn is_compatible(wanted: &str) -> bool {
    let list = files::bytes("/proc/device-tree/compatible").unwrap_or_default();
    // One name after the other, each with a NUL at its end.
    list.strip_suffix(&[0]).is_some_and(|names| {
        names
            .split(|byte| *byte == 0)
            .any(|name| name == wanted.as_bytes())
    })
}

/// `bios_version >= "1.2"`
fn smbios_field(expression: &str) -> Result<bool, Unjudged> {
    let malformed = || Unjudged::not(expression, "comparison such as bios_vendor=ACME");
    let end = expression.find(OPERATOR_CHARACTERS).ok_or_else(malformed)?;
    let (field, comparison) = expression.split_at(end);
    let field = field.trim_matches(is_space);
    let (operator, mut rest) = Operator::of_texts(comparison).ok_or_else(malformed)?;
    let wanted = next_word(&mut rest, Quotes::Strict)?.ok_or_else(malformed)?;
    let is_name = !field.is_empty() && !field.contains('/') && field != "." && field != "..";
    if !rest.is_empty() || !is_name {
        return Err(malformed());
    }
    let found = files::required(&format!("/sys/class/dmi/id/{field}"))?;
    Ok(found.is_some_and(|value| operator.holds(value.trim_end_matches(is_space), &wanted)))
}
