//! Units as people name them: `web`, `web.service`, `web@*`. Pure.
use gitproc_core::snapshot::UnitStatus;
use gitproc_rpc::{ErrorKind, RpcError};
use gitproc_unit::{UnitKind, UnitName};
use glob::Pattern;

/// Whether `pattern` is a glob; as with systemctl a name without suffix means a service.
fn compile(pattern: &str) -> Result<Pattern, RpcError> {
    let has_suffix = UnitKind::ALL
        .iter()
        .any(|kind| pattern.ends_with(&format!(".{}", kind.suffix())));
    let whole =
        match has_suffix || pattern.ends_with('*') && pattern.contains('.') || pattern == "*" {
            true => pattern.to_owned(),
            false => format!("{pattern}.service"),
        };
    Pattern::new(&whole).map_err(|error| {
        RpcError::new(
            ErrorKind::InvalidParams,
            format!("'{pattern}' is no pattern: {error}"),
        )
    })
}

/// Whether it has wildcards.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The units that `arguments` name, each once, in the order named. A name that no unit has is an
/// error; a pattern may match none.
pub fn select(arguments: &[String], known: &[UnitStatus]) -> Result<Vec<UnitName>, RpcError> {
    let mut units: Vec<UnitName> = Vec::new();
    for argument in arguments {
        let before = units.len();
        if is_pattern(argument) {
            let pattern = compile(argument)?;
            let matches = known
                .iter()
                .filter(|status| pattern.matches(status.unit.as_str()));
            units.extend(matches.map(|status| status.unit.clone()));
        } else {
            let name = UnitName::from_argument(argument)
                .map_err(|error| RpcError::new(ErrorKind::NoSuchUnit, error.to_string()))?;
            if !known.iter().any(|status| status.unit == name) {
                return Err(no_such_unit(&name));
            }
            units.push(name);
        }
        let mut new = units.split_off(before);
        new.retain(|unit| !units.contains(unit));
        units.append(&mut new);
    }
    Ok(units)
}

/// The error for a name that no unit has.
pub fn no_such_unit(name: &UnitName) -> RpcError {
    RpcError::new(ErrorKind::NoSuchUnit, format!("no unit {name}"))
        .with_hint("gitproc list --all shows the units of the deployed commit")
}

/// Whether a unit is meant by a list of patterns; by an empty list all are.
pub fn matches_any(patterns: &[String], unit: &UnitName) -> Result<bool, RpcError> {
    for pattern in patterns {
        if compile(pattern)?.matches(unit.as_str()) {
            return Ok(true);
        }
    }
    Ok(patterns.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::snapshot::{ActiveState, UnitResult};

    fn known(names: &[&str]) -> Vec<UnitStatus> {
        let status = |name: &&str| UnitStatus {
            unit: UnitName::parse(name).expect("a name"),
            description: String::new(),
            active: ActiveState::Active,
            sub: "running".into(),
            result: UnitResult::Success,
            reason: None,
            wanted: true,
            override_: None,
            since: 0,
            invocation: None,
            main_pid: None,
            exec_main_pid: None,
            control_pid: None,
            main_end: None,
            restarts: 0,
            status_text: None,
            status_errno: None,
            commit: None,
            running_meaning: None,
            job: None,
            restart_at: None,
            checked: None,
        };
        names.iter().map(status).collect()
    }

    #[test]
    fn names_and_patterns_select_as_systemctl_does() {
        let known = known(&["a.service", "web@1.service", "web@2.service", "web.target"]);
        for (arguments, expected) in [
            (&["a"][..], &["a.service"][..]),
            (&["web@*"], &["web@1.service", "web@2.service"]),
            (&["web@2", "web@*"], &["web@2.service", "web@1.service"]),
            (&["*.target"], &["web.target"]),
            (
                &["*"],
                &["a.service", "web@1.service", "web@2.service", "web.target"],
            ),
            (&["x*"], &[]),
        ] {
            let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
            let found = select(&arguments, &known).expect("good");
            let found: Vec<&str> = found.iter().map(UnitName::as_str).collect();
            assert_eq!(found, expected, "{arguments:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_with_its_code() {
        let error = select(&["nope".to_owned()], &known(&["a.service"])).expect_err("unknown");
        assert_eq!(error.kind(), Some(ErrorKind::NoSuchUnit));
        assert_eq!(error.message, "no unit nope.service");
    }
}
