//! Paths of control groups: where a slice lies, and which unit a path belongs to.
//!
//! A name that the kernel would take for one of its own files is escaped by a leading `_`.
use super::ValueError;
use super::controller::Controllers;
use crate::name::{UnitKind, UnitName};

/// The slice of everything.
const ROOT_SLICE: &str = "-.slice";
/// Files of every control group that are not called after a controller.
const FILES: [&str; 3] = ["notify_on_release", "release_agent", "tasks"];

/// `cgroup.service` is `_cgroup.service` as a directory.
pub fn escape_cgroup(name: &str) -> String {
    let before_dot = name.rsplit_once('.').map(|(before, _)| before);
    let escape = name.is_empty()
        || name.starts_with(['_', '.'])
        || FILES.contains(&name)
        // `cgroup.procs`, `memory.max`: files of the kernel.
        || name.starts_with("cgroup.")
        || before_dot.is_some_and(|name| Controllers::named(name).is_some());
    match escape {
        true => format!("_{name}"),
        false => name.to_owned(),
    }
}

/// The name of a directory without its escape.
fn unescape_cgroup(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

/// The directory of a slice: `a-b.slice` lies in `a.slice/a-b.slice`, the root slice in none.
pub fn slice_path(slice: &str) -> Result<String, ValueError> {
    let wrong = || ValueError::not(slice, "slice (such as system-web.slice)");
    if slice == ROOT_SLICE {
        return Ok(String::new());
    }
    let stem = slice.strip_suffix(".slice").ok_or_else(wrong)?;
    // A dash that leads, trails or doubles would make a level without a name.
    if !is_plain_slice(slice) || stem.split('-').any(str::is_empty) {
        return Err(wrong());
    }
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let parts = dashes.chain([stem.len()]);
    let parts = parts.map(|end| escape_cgroup(&format!("{}.slice", &stem[..end])));
    Ok(parts.collect::<Vec<String>>().join("/"))
}

/// The unit that a directory (the first part of the path) is of.
pub fn unit_of_directory(path: &str) -> Option<UnitName> {
    let name = unescape_cgroup(path.split('/').next()?);
    let unit = UnitName::parse(name).ok()?;
    (!unit.is_template()).then_some(unit)
}

/// The unit that a control group belongs to: the first below its slices.
pub fn unit_of_path(path: &str) -> Option<UnitName> {
    let below = parts(path).find(|part| !is_slice_directory(part))?;
    unit_of_directory(below).filter(|unit| unit.kind() != UnitKind::Slice)
}

/// The slice that a control group is in; the root slice when no other.
pub fn slice_of_path(path: &str) -> String {
    let slices = parts(path).take_while(|part| is_slice_directory(part));
    let last = slices.last().map(unescape_cgroup);
    last.unwrap_or(ROOT_SLICE).to_owned()
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn is_slice_directory(part: &str) -> bool {
    is_plain_slice(unescape_cgroup(part))
}

/// A slice without instance; dashes may be anywhere.
fn is_plain_slice(name: &str) -> bool {
    let slice = UnitName::parse(name).is_ok_and(|unit| unit.kind() == UnitKind::Slice);
    slice && !name.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_the_kernel_would_take() {
        for (name, escaped) in [
            ("memory.max", "_memory.max"),
            ("memory", "memory"),
            ("memoryx.slice", "memoryx.slice"),
            ("tasks", "_tasks"),
            ("a_b.service", "a_b.service"),
        ] {
            assert_eq!(escape_cgroup(name), escaped);
            assert_eq!(unescape_cgroup(escaped), name);
        }
    }

    #[test]
    fn slices_nest() {
        assert_eq!(slice_path("-.slice").as_deref(), Ok(""));
        assert_eq!(
            slice_path("a-b-c.slice").as_deref(),
            Ok("a.slice/a-b.slice/a-b-c.slice")
        );
        assert_eq!(
            slice_path("cpu-x.slice").as_deref(),
            Ok("_cpu.slice/cpu-x.slice")
        );
        assert_eq!(
            slice_of_path("/a.slice/a-b.slice/x.service/c.slice"),
            "a-b.slice"
        );
    }
}
