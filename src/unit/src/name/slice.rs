//! Slices: their names say where they lie. `a-b.slice` lies in `a.slice`, and that in `-.slice`.
use super::{UnitKind, UnitName, UnitNameError, is_prefix};

/// The root of all slices.
pub const ROOT: &str = "-.slice";

/// Whether the name is one that a slice can have.
pub fn is_slice(name: &UnitName) -> bool {
    let parts_are_named = || name.stem().split('-').all(|part| !part.is_empty());
    name.kind() == UnitKind::Slice
        && name.instance().is_none()
        && (name.as_str() == ROOT || parts_are_named())
}

/// The slice that `slice` lies in; `None` for the root.
pub fn parent(slice: &UnitName) -> Result<Option<UnitName>, UnitNameError> {
    if !is_slice(slice) {
        return Err(UnitNameError::Slice(slice.as_str().into()));
    }
    if slice.as_str() == ROOT {
        return Ok(None);
    }
    let parent = slice
        .stem()
        .rsplit_once('-')
        .map_or("-", |(parent, _)| parent);
    UnitName::build(parent, None, UnitKind::Slice).map(Some)
}

/// The slice called `name` in `slice`.
pub fn child(slice: &UnitName, name: &str) -> Result<UnitName, UnitNameError> {
    if !is_slice(slice) {
        return Err(UnitNameError::Slice(slice.as_str().into()));
    }
    if !is_prefix(name) {
        return Err(UnitNameError::Part(name.into()));
    }
    match slice.as_str() {
        ROOT => UnitName::build(name, None, UnitKind::Slice),
        _ => UnitName::build(&format!("{}-{name}", slice.stem()), None, UnitKind::Slice),
    }
}

/// The slice and all that it lies in, from the root down: what its cgroup path is made of.
pub fn path(slice: &UnitName) -> Result<Vec<UnitName>, UnitNameError> {
    let mut slices = vec![slice.clone()];
    let mut at = slice.clone();
    while let Some(above) = parent(&at)? {
        slices.push(above.clone());
        at = above;
    }
    slices.reverse();
    Ok(slices)
}
