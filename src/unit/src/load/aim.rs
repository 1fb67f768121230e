//! Where a symbolic link of the tree leads, told from its text.

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Aim {
    /// /dev/null: what is called so is masked.
    Null,
    /// To a path of the tree.
    Inside(String),
    /// To any other place.
    Outside,
}

/// Judges the link at `path` of the tree. `units_dir` is where the tree lies, if anywhere.
pub(super) fn aim(path: &str, target: &str, units_dir: Option<&str>) -> Aim {
    let parts = |text: &str| -> Vec<String> {
        let parts = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".");
        parts.map(str::to_owned).collect()
    };
    if target.starts_with('/') {
        let mut at: Vec<String> = Vec::new();
        for part in parts(target) {
            match part.as_str() {
                // Above the root is the root.
                ".." => drop(at.pop()),
                _ => at.push(part),
            }
        }
        if at == ["dev", "null"] {
            return Aim::Null;
        }
        let tree = units_dir.map(parts);
        return match tree.and_then(|tree| at.strip_prefix(&tree[..]).map(|inside| inside.join("/")))
        {
            Some(inside) if !inside.is_empty() => Aim::Inside(inside),
            Some(_) | None => Aim::Outside,
        };
    }
    let mut at = parts(path);
    at.pop();
    let mut above = false;
    for part in parts(target) {
        match part.as_str() {
            ".." => above |= at.pop().is_none(),
            _ => at.push(part),
        }
    }
    match above {
        // How deep the tree lies is not known, but where this one is meant to lead is.
        true if at == ["dev", "null"] => Aim::Null,
        true => Aim::Outside,
        false if at.is_empty() => Aim::Outside,
        false => Aim::Inside(at.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_their_text_says() {
        let inside = |path: &str| Aim::Inside(path.into());
        for (path, target, expected) in [
            ("a.service", "b.service", inside("b.service")),
            ("a.service", "./b.service", inside("b.service")),
            ("a.service", "x/../b.service", inside("b.service")),
            ("x.wants/a.service", "../b.service", inside("b.service")),
            ("x.d/a.conf", "b.conf", inside("x.d/b.conf")),
            ("x.d/a.conf", "../y.d/b.conf", inside("y.d/b.conf")),
            ("a.service", "/srv/units/b.service", inside("b.service")),
            ("a.service", "/srv/./units//b.service", inside("b.service")),
            ("a.service", "/dev/null", Aim::Null),
            ("a.service", "//dev/./null", Aim::Null),
            ("a.service", "/usr/../dev/null", Aim::Null),
            ("a.service", "../../../dev/null", Aim::Null),
            ("a.service", "dev/null", inside("dev/null")),
            ("a.service", "/lib/systemd/system/b.service", Aim::Outside),
            ("a.service", "/srv/units", Aim::Outside),
            ("a.service", "../b.service", Aim::Outside),
            ("a.service", "", Aim::Outside),
            ("x.d/a.conf", "../../b.conf", Aim::Outside),
        ] {
            assert_eq!(
                aim(path, target, Some("/srv/units")),
                expected,
                "{path} -> {target}"
            );
        }
        assert_eq!(aim("a.service", "/srv/units/b.service", None), Aim::Outside);
    }
}
