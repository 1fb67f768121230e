//! [Service]: what a process is executed with (systemd.exec(5)).
use super::service::{flag, of};
use super::{Row, one_of, texts, word_of};
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::model::{
    DirectoryKind, EnvironmentFile, Preserve, Resource, Rlimit, ServiceSection, Unit,
    WorkingDirectory,
};
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::value::{
    ValueError, absolute_path, parse_bool, parse_capabilities, parse_mode, parse_rlimit,
};
use crate::words::{Escapes, words};

const PRESERVE: &[(&str, Preserve)] = &[
    ("no", Preserve::No),
    ("yes", Preserve::Yes),
    ("restart", Preserve::Restart),
];

macro_rules! rlimit {
    ($hard:literal, $soft:literal, $resource:ident) => {
        Row::new(
            "Service",
            $hard,
            "limit, or soft:hard",
            |draft, _, value| {
                if value.is_empty() {
                    draft.service.rlimits.remove(&Resource::$resource);
                } else {
                    let limit = parse_rlimit(Resource::$resource, value)?;
                    draft.service.rlimits.insert(Resource::$resource, limit);
                }
                Ok(())
            },
        )
        .shows($hard, |unit| {
            limit(unit, Resource::$resource, |limit| limit.hard)
        })
        .shows($soft, |unit| {
            limit(unit, Resource::$resource, |limit| limit.soft)
        })
    };
}

macro_rules! directory {
    ($key:literal, $mode:literal, $kind:ident) => {
        [
            Row::new("Service", $key, "relative paths", |draft, cx, value| {
                directories(draft, cx, DirectoryKind::$kind, $key, value)
            })
            .shows($key, of!(s => texts(s.directories.get(&DirectoryKind::$kind).iter().flat_map(|d| &d.paths))))
            .partly("without links (`path:link`)"),
            Row::new("Service", $mode, "octal mode", |draft, _, value| {
                let kind = draft.service.directories.entry(DirectoryKind::$kind);
                kind.or_default().mode = parse_mode(value)?;
                Ok(())
            })
            .shows($mode, of!(s => {
                let mode = s.directories.get(&DirectoryKind::$kind).map_or(0o755, |d| d.mode);
                Unsigned(mode.into())
            })),
        ]
    };
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("Service", "User", "user name or uid", |draft, cx, value| {
            draft.service.user = account(cx, value)?;
            Ok(())
        })
        .shows("User", of!(s => Text(s.user.clone().unwrap_or_default()))),
        Row::new(
            "Service",
            "Group",
            "group name or gid",
            |draft, cx, value| {
                draft.service.group = account(cx, value)?;
                Ok(())
            },
        )
        .shows("Group", of!(s => Text(s.group.clone().unwrap_or_default()))),
        Row::new(
            "Service",
            "SupplementaryGroups",
            "group names or gids",
            |draft, cx, value| {
                if value.is_empty() {
                    draft.service.supplementary_groups.clear();
                }
                for word in value.split_whitespace() {
                    draft
                        .service
                        .supplementary_groups
                        .extend(account(cx, word)?);
                }
                Ok(())
            },
        )
        .shows(
            "SupplementaryGroups",
            of!(s => texts(&s.supplementary_groups)),
        ),
        Row::new(
            "Service",
            "WorkingDirectory",
            "path, or ~",
            working_directory,
        )
        .shows("WorkingDirectory", of!(s => Text(shown_directory(s)))),
        Row::new("Service", "Environment", "assignments", environment).shows(
            "Environment",
            of!(s => texts(s.environment.iter().map(|(key, value)| format!("{key}={value}")))),
        ),
        Row::new("Service", "EnvironmentFile", "path", environment_file).shows(
            "EnvironmentFiles",
            of!(s => List(
                s.environment_files
                    .iter()
                    .map(|file| List(vec![Text(file.path.clone()), Bool(file.optional)]))
                    .collect()
            )),
        ),
        Row::new("Service", "UMask", "octal mode", |draft, _, value| {
            draft.service.umask = parse_mode(value)?;
            Ok(())
        })
        .shows("UMask", of!(s => Unsigned(s.umask.into()))),
        Row::new("Service", "Nice", "-20 to 19", |draft, _, value| {
            draft.service.nice = within(value, -20..=19)?;
            Ok(())
        })
        .shows("Nice", of!(s => Signed(s.nice.unwrap_or(0).into()))),
        Row::new(
            "Service",
            "OOMScoreAdjust",
            "-1000 to 1000",
            |draft, _, value| {
                draft.service.oom_score_adjust = within(value, -1000..=1000)?;
                Ok(())
            },
        )
        .shows(
            "OOMScoreAdjust",
            of!(s => Signed(s.oom_score_adjust.unwrap_or(0).into())),
        ),
        Row::new(
            "Service",
            "RuntimeDirectoryPreserve",
            "no, yes, restart",
            |draft, _, value| {
                draft.service.runtime_directory_preserve = match one_of(value, PRESERVE) {
                    Ok(preserve) => preserve,
                    Err(err) => match parse_bool(value) {
                        Ok(true) => Preserve::Yes,
                        Ok(false) => Preserve::No,
                        Err(_) => return Err(err),
                    },
                };
                Ok(())
            },
        )
        .shows(
            "RuntimeDirectoryPreserve",
            of!(s => word_of(s.runtime_directory_preserve, PRESERVE)),
        ),
        flag!("NoNewPrivileges", no_new_privileges),
        Row::new(
            "Service",
            "CapabilityBoundingSet",
            "capabilities, ~ inverts",
            |draft, _, value| {
                draft.bounding_set = Some(parse_capabilities(draft.bounding_set, value)?);
                Ok(())
            },
        )
        .shows(
            "CapabilityBoundingSet",
            of!(s => Unsigned(s.capability_bounding_set)),
        ),
        Row::new(
            "Service",
            "AmbientCapabilities",
            "capabilities, ~ inverts",
            |draft, _, value| {
                draft.ambient_set = Some(parse_capabilities(draft.ambient_set, value)?);
                Ok(())
            },
        )
        .shows(
            "AmbientCapabilities",
            of!(s => Unsigned(s.ambient_capabilities)),
        ),
        rlimit!("LimitCPU", "LimitCPUSoft", Cpu),
        rlimit!("LimitFSIZE", "LimitFSIZESoft", Fsize),
        rlimit!("LimitDATA", "LimitDATASoft", Data),
        rlimit!("LimitSTACK", "LimitSTACKSoft", Stack),
        rlimit!("LimitCORE", "LimitCORESoft", Core),
        rlimit!("LimitRSS", "LimitRSSSoft", Rss),
        rlimit!("LimitNOFILE", "LimitNOFILESoft", Nofile),
        rlimit!("LimitAS", "LimitASSoft", As),
        rlimit!("LimitNPROC", "LimitNPROCSoft", Nproc),
        rlimit!("LimitMEMLOCK", "LimitMEMLOCKSoft", Memlock),
        rlimit!("LimitLOCKS", "LimitLOCKSSoft", Locks),
        rlimit!("LimitSIGPENDING", "LimitSIGPENDINGSoft", Sigpending),
        rlimit!("LimitMSGQUEUE", "LimitMSGQUEUESoft", Msgqueue),
        rlimit!("LimitNICE", "LimitNICESoft", Nice),
        rlimit!("LimitRTPRIO", "LimitRTPRIOSoft", Rtprio),
        rlimit!("LimitRTTIME", "LimitRTTIMESoft", Rttime),
    ];
    rows.extend(directory!(
        "RuntimeDirectory",
        "RuntimeDirectoryMode",
        Runtime
    ));
    rows.extend(directory!("StateDirectory", "StateDirectoryMode", State));
    rows.extend(directory!("CacheDirectory", "CacheDirectoryMode", Cache));
    rows.extend(directory!("LogsDirectory", "LogsDirectoryMode", Logs));
    rows.extend(directory!(
        "ConfigurationDirectory",
        "ConfigurationDirectoryMode",
        Configuration
    ));
    rows
}

fn limit(unit: &Unit, resource: Resource, side: fn(&Rlimit) -> u64) -> Option<PropertyValue> {
    let limits = &unit.service.as_deref()?.rlimits;
    limits.get(&resource).map(|limit| Unsigned(side(limit)))
}

/// A user or group, by name or number. Whether the host has it shows when the unit starts.
fn account(cx: &Context<'_>, value: &str) -> Result<Option<String>, ValueError> {
    let name = cx.resolve(value)?;
    if name.is_empty() {
        return Ok(None);
    }
    let legal = |c: char| !c.is_control() && !c.is_whitespace() && !":/,".contains(c);
    // Numbers have no sign, and -1 means "no one" to the kernel.
    let numeric = name.bytes().all(|b| b.is_ascii_digit());
    let number_fits = !numeric
        || name
            .parse::<u32>()
            .is_ok_and(|id| id < 0xffff_ffff && id != 0xffff);
    if name.chars().all(legal) && !name.starts_with('-') && number_fits {
        Ok(Some(name))
    } else {
        Err(ValueError::not(&name, "user or group"))
    }
}

fn within(value: &str, range: std::ops::RangeInclusive<i32>) -> Result<Option<i32>, ValueError> {
    if value.is_empty() {
        return Ok(None);
    }
    let number = value.parse().ok().filter(|number| range.contains(number));
    let wanted = || format!("number from {} to {}", range.start(), range.end());
    number
        .map(Some)
        .ok_or_else(|| ValueError::not(value, &wanted()))
}

fn working_directory(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    let (optional, rest) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    draft.service.working_directory = match rest {
        "" => None,
        "~" => Some(WorkingDirectory {
            path: None,
            optional,
        }),
        path => Some(WorkingDirectory {
            path: Some(absolute_path(&cx.resolve(path)?)?),
            optional,
        }),
    };
    Ok(())
}

fn shown_directory(service: &ServiceSection) -> String {
    service
        .working_directory
        .as_ref()
        .map_or(String::new(), |directory| {
            let mark = if directory.optional { "!" } else { "" };
            format!("{mark}{}", directory.path.as_deref().unwrap_or("~"))
        })
}

fn environment(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let list = &mut draft.service.environment;
    if value.is_empty() {
        list.clear();
    }
    let words = words(value, Escapes::Relaxed).map_err(|err| ValueError(err.to_string()))?;
    for word in words {
        let text = cx.resolve(&word)?;
        let pair = text.split_once('=');
        let Some((key, value)) = pair.filter(|(key, _)| crate::environment::is_name(key)) else {
            return Err(ValueError::not(&text, "assignment NAME=value"));
        };
        match list.iter_mut().find(|(known, _)| known == key) {
            Some(known) => known.1 = value.to_owned(),
            None => list.push((key.to_owned(), value.to_owned())),
        }
    }
    Ok(())
}

fn environment_file(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.service.environment_files.clear();
        return Ok(());
    }
    let path = cx.resolve(value)?;
    let (optional, path) = match path.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, path.as_str()),
    };
    let path = absolute_path(path)?;
    draft
        .service
        .environment_files
        .push(EnvironmentFile { path, optional });
    Ok(())
}

fn directories(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    kind: DirectoryKind,
    key: &str,
    value: &str,
) -> Result<(), ValueError> {
    let list = &mut draft.service.directories.entry(kind).or_default().paths;
    if value.is_empty() {
        list.clear();
    }
    let words = words(value, Escapes::Relaxed).map_err(|err| ValueError(err.to_string()))?;
    for word in words {
        let text = cx.resolve(&word)?;
        let (path, link) = match text.split_once(':') {
            Some((path, link)) => (path, Some(link)),
            None => (text.as_str(), None),
        };
        let bad = path.is_empty()
            || path.starts_with('/')
            || path.split('/').any(|part| part == "..")
            || path.chars().any(char::is_control);
        if bad {
            return Err(ValueError::not(path, "relative path free of '..'"));
        }
        if let Some(link) = link {
            let message = format!("{key}={path}:{link}: the link is not made yet");
            cx.report(Code::NotHonoured, Severity::Warning, message, None);
        }
        let path = crate::value::simplify_path(path);
        if !list.contains(&path) {
            list.push(path);
        }
    }
    // Parents come before what lies in them, as systemd orders them.
    list.sort();
    Ok(())
}
