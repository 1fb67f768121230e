//! What a process is executed with (systemd.exec(5)): identity, environment, directories,
//! scheduling. Sandboxing, limits and standard streams have tables of their own.
use super::image::field as part;
use super::kind::{self, Kind};
use super::service::{flag, of};
use super::{Family, Row, Standing, one_of, word_of};
use crate::c_escape::unescape;
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::model::{DirectoryKind, EnvironmentFile, Preserve, ServiceSection, WorkingDirectory};
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::property::texts;
use crate::settings::Setting;
use crate::text::excerpt;
use crate::value::shape::bytes;
use crate::value::{
    CpuSet, NameRules, ValueError, absolute_path, apply_capabilities, apply_cpu_set,
    apply_dump_filter, apply_io_class, apply_io_priority, apply_node_set, fit_cpu_priority,
    parse_bool, parse_cpu_policy, parse_cpu_priority, parse_mode, parse_nice, parse_numa_policy,
    parse_oom_score_adjust, parse_user_name, user_name_is_valid,
};
use crate::words::{Split, Words};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

const PRESERVE: &[(&str, Preserve)] = &[
    ("no", Preserve::No),
    ("yes", Preserve::Yes),
    ("restart", Preserve::Restart),
];

macro_rules! directory {
    ($key:literal, $mode:literal, $links:literal, $kind:ident) => {
        [
            field($key, "relative paths, each with :link", |draft, cx, value| {
                directories(draft, cx, DirectoryKind::$kind, $key, value)
            })
            .shows($key, of!(s => texts(s.directories.get(&DirectoryKind::$kind).iter().flat_map(|d| &d.paths))))
            .shows($links, of!(s => links(s, DirectoryKind::$kind)))
            .partly("without links (`path:link`)"),
            field($mode, "octal mode", |draft, _, value| {
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

fn field(key: &'static str, value: &str, read: super::row::Read) -> Row {
    Row::field(Family::Exec, key, value, read)
}

fn kept(key: &'static str, kind: Kind, default: impl Into<Setting>) -> Row {
    Row::kept(Family::Exec, key, kind, default)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        field("User", "user name or uid", |draft, cx, value| {
            draft.service.user = account(cx, value)?;
            Ok(())
        })
        .shows("User", of!(s => Text(s.user.clone().unwrap_or_default()))),
        field("Group", "group name or gid", |draft, cx, value| {
            draft.service.group = account(cx, value)?;
            Ok(())
        })
        .shows("Group", of!(s => Text(s.group.clone().unwrap_or_default()))),
        field(
            "SupplementaryGroups",
            "group names or gids",
            |draft, cx, value| {
                if value.is_empty() {
                    draft.service.supplementary_groups.clear();
                }
                let mut wrong = Ok(());
                for word in value.split_whitespace() {
                    match account(cx, word) {
                        Ok(group) => draft.service.supplementary_groups.extend(group),
                        Err(err) => wrong = wrong.and(Err(err)),
                    }
                }
                wrong
            },
        )
        .shows(
            "SupplementaryGroups",
            of!(s => texts(&s.supplementary_groups)),
        ),
        field("WorkingDirectory", "path, or ~", working_directory)
            .shows("WorkingDirectory", of!(s => Text(shown_directory(s)))),
        field("Environment", "assignments", environment).shows(
            "Environment",
            of!(s => texts(s.environment.iter().map(|(key, value)| format!("{key}={value}")))),
        ),
        field("EnvironmentFile", "path", environment_file).shows(
            "EnvironmentFiles",
            of!(s => List(
                s.environment_files
                    .iter()
                    .map(|file| List(vec![Text(file.path.clone()), Bool(file.optional)]))
                    .collect()
            )),
        ),
        field("UMask", "octal mode", |draft, _, value| {
            draft.service.umask = parse_mode(value)?;
            Ok(())
        })
        .shows("UMask", of!(s => Unsigned(s.umask.into()))),
        field("Nice", "-20 to 19", |draft, _, value| {
            draft.service.nice = match value {
                "" => None,
                value => Some(parse_nice(value)?),
            };
            Ok(())
        })
        .shows("Nice", of!(s => Signed(s.nice.unwrap_or(0).into()))),
        field("OOMScoreAdjust", "-1000 to 1000", |draft, _, value| {
            draft.service.oom_score_adjust = match value {
                "" => None,
                value => Some(parse_oom_score_adjust(value)?),
            };
            Ok(())
        })
        .shows(
            "OOMScoreAdjust",
            of!(s => Signed(s.oom_score_adjust.unwrap_or(0).into())),
        ),
        field(
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
        flag!(Exec, "NoNewPrivileges", no_new_privileges),
        field(
            "CapabilityBoundingSet",
            "capabilities, ~ inverts",
            |draft, _, value| {
                let set = draft.bounding_set.get_or_insert(u64::MAX);
                apply_capabilities(set, u64::MAX, value)
            },
        )
        .shows(
            "CapabilityBoundingSet",
            of!(s => Unsigned(s.capability_bounding_set)),
        ),
        field(
            "AmbientCapabilities",
            "capabilities, ~ inverts",
            |draft, _, value| {
                let set = draft.ambient_set.get_or_insert(0);
                apply_capabilities(set, 0, value)
            },
        )
        .shows(
            "AmbientCapabilities",
            of!(s => Unsigned(s.ambient_capabilities)),
        ),
        kept("DynamicUser", Kind::Flag, Bool(false))
            .needed("without it the service would run as root; write User= for now"),
        kept("PassEnvironment", VARIABLES, PropertyValue::empty()),
        kept("UnsetEnvironment", UNSET, PropertyValue::empty()),
        kept("ExecSearchPath", SEARCH_PATH, PropertyValue::empty()),
        kept("PAMName", kind::TEXT, PropertyValue::blank())
            .refused("the helper is static: PAM's modules can't be loaded there"),
        kept(
            "KeyringMode",
            Kind::Word(&["inherit", "private", "shared"]),
            "private",
        ),
        kept("IgnoreSIGPIPE", Kind::Flag, Bool(true)),
        kept("NonBlocking", Kind::Flag, Bool(false)),
        kept("TimerSlackNSec", TIMER_SLACK, Unsigned(50_000)).property("TimerSlackNSec"),
        kept("CoredumpFilter", COREDUMP_FILTER, Unsigned(0x33)),
        field(
            "CPUSchedulingPolicy",
            "other, batch, idle, fifo, rr",
            |draft, _, value| {
                let service = &mut draft.service;
                let value = if value.is_empty() { "other" } else { value };
                service.cpu_policy = parse_cpu_policy(value)?;
                service.cpu_priority = fit_cpu_priority(service.cpu_policy, service.cpu_priority);
                Ok(())
            },
        )
        .shows("CPUSchedulingPolicy", of!(s => Signed(s.cpu_policy.into())))
        .not_yet(),
        field("CPUSchedulingPriority", "0 to 99", |draft, _, value| {
            draft.service.cpu_priority = parse_cpu_priority(value)?;
            Ok(())
        })
        .shows(
            "CPUSchedulingPriority",
            of!(s => Signed(s.cpu_priority.into())),
        )
        .not_yet(),
        kept("CPUSchedulingResetOnFork", Kind::Flag, Bool(false)),
        kept("CPUAffinity", AFFINITY, Setting::Cpus(CpuSet::default())),
        kept("NUMAPolicy", NUMA_POLICY, Signed(-1)),
        kept("NUMAMask", NUMA_MASK, Setting::Cpus(CpuSet::default())),
        field(
            "IOSchedulingClass",
            "none, realtime, best-effort, idle",
            |draft, _, value| apply_io_class(&mut draft.service.io, value),
        )
        .shows("IOSchedulingClass", of!(s => Signed(s.io.class.into())))
        .not_yet(),
        field("IOSchedulingPriority", "0 to 7", |draft, _, value| {
            apply_io_priority(&mut draft.service.io, value)
        })
        .shows(
            "IOSchedulingPriority",
            of!(s => Signed(s.io.priority.into())),
        )
        .not_yet(),
        kept("LoadCredential", LOAD_CREDENTIAL, PropertyValue::empty()),
        kept(
            "LoadCredentialEncrypted",
            LOAD_CREDENTIAL,
            PropertyValue::empty(),
        ),
        kept("SetCredential", SET_CREDENTIAL, PropertyValue::empty()),
        kept(
            "SetCredentialEncrypted",
            SET_ENCRYPTED,
            PropertyValue::empty(),
        ),
        kept("TimeoutCleanSec", kind::SPAN, PropertyValue::INFINITY).live(),
    ];
    rows.extend(directory!(
        "RuntimeDirectory",
        "RuntimeDirectoryMode",
        "RuntimeDirectorySymlink",
        Runtime
    ));
    rows.extend(directory!(
        "StateDirectory",
        "StateDirectoryMode",
        "StateDirectorySymlink",
        State
    ));
    rows.extend(directory!(
        "CacheDirectory",
        "CacheDirectoryMode",
        "CacheDirectorySymlink",
        Cache
    ));
    rows.extend(directory!(
        "LogsDirectory",
        "LogsDirectoryMode",
        "LogsDirectorySymlink",
        Logs
    ));
    rows.extend(directory!(
        "ConfigurationDirectory",
        "ConfigurationDirectoryMode",
        "ConfigurationDirectorySymlink",
        Configuration
    ));
    let gone = Standing::Meaningless("gone from systemd, where it has no effect either");
    rows.push(Row::nothing(Family::Exec, "Capabilities", gone));
    rows
}

/// A user or group, by name or number. Whether the host has it shows when the unit starts.
pub(super) fn account(cx: &mut Context<'_>, value: &str) -> Result<Option<String>, ValueError> {
    if value.is_empty() {
        return Ok(None);
    }
    // What resolves to nothing is no name: it would be root.
    let name = cx.resolve(value)?;
    let name = parse_user_name(&name, NameRules::DIRECTIVE)?;
    let usual = NameRules {
        relaxed: false,
        ..NameRules::DIRECTIVE
    };
    if !user_name_is_valid(&name, usual) {
        let message = format!("'{}' is an unusual name of a user or group", excerpt(&name));
        cx.report(Code::BadValue, Severity::Warning, message, None);
    }
    Ok(Some(name))
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
        "" if optional => return Err(ValueError::not(value, "path")),
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
    let mut wrong = Ok(());
    let mut rest = Words::new(value);
    while let Some(word) = rest
        .take(&Split::ARGUMENTS)
        .map_err(|err| ValueError(err.to_string()))?
    {
        match assignment(cx, &word) {
            Err(err) => wrong = wrong.and(Err(err)),
            Ok((key, value)) => match list.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = value,
                None => list.push((key, value)),
            },
        }
    }
    wrong
}

fn assignment(cx: &Context<'_>, word: &str) -> Result<(String, String), ValueError> {
    let text = cx.resolve(word)?;
    let pair = crate::environment::assignment(&text);
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| ValueError::not(&text, "assignment NAME=value"))
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
    let made = draft.service.directories.entry(kind).or_default();
    if value.is_empty() {
        made.paths.clear();
        made.links.clear();
    }
    let mut wrong = Ok(());
    let mut rest = Words::new(value);
    loop {
        let word = match rest.take(&Split::RAW_LIST) {
            Ok(Some(word)) => word,
            Ok(None) => break,
            Err(err) => {
                wrong = wrong.and(Err(ValueError(err.to_string())));
                break;
            }
        };
        let (path, link) = match fields(&word) {
            Ok(fields) => fields,
            Err(err) => {
                wrong = wrong.and(Err(err));
                break;
            }
        };
        let outcome = directory(cx, kind, &path, link.as_deref()).map(|(path, link)| {
            if let Some(link) = link {
                let message = format!("{key}={path}:{link}: the link is not made yet");
                cx.report(Code::NotHonoured, Severity::Warning, message, None);
                made.links.push((path.clone(), link));
            }
            if !made.paths.contains(&path) {
                made.paths.push(path);
            }
        });
        wrong = wrong.and(outcome);
    }
    // Parents come before what lies in them, as systemd orders them.
    made.paths.sort();
    wrong
}

/// `path:link`; what follows has no meaning.
fn fields(word: &str) -> Result<(String, Option<String>), ValueError> {
    let mut fields = Words::new(word);
    let path = part(&mut fields)?.ok_or_else(|| ValueError::not(word, "path"))?;
    Ok((path, part(&mut fields)?))
}

/// A relative path, and the link to it that is to be made.
fn directory(
    cx: &Context<'_>,
    kind: DirectoryKind,
    path: &str,
    link: Option<&str>,
) -> Result<(String, Option<String>), ValueError> {
    let relative = |text: &str| {
        let path = cx.resolve(text)?;
        let wanted = "relative path free of '..' and private/";
        // Dynamic users have theirs there.
        match crate::value::relative_path(&path) {
            Ok(path) if path != "." && path.split('/').next() != Some("private") => Ok(path),
            Ok(_) | Err(_) => Err(ValueError::not(&path, wanted)),
        }
    };
    match link {
        None => Ok((relative(path)?, None)),
        Some(_) if kind == DirectoryKind::Configuration => {
            Err(ValueError::not(path, "path alone: it can't be linked to"))
        }
        Some(link) => Ok((relative(path)?, Some(relative(link)?))),
    }
}

fn links(service: &ServiceSection, kind: DirectoryKind) -> PropertyValue {
    let links = service.directories.get(&kind).map(|dirs| &dirs.links);
    let link = |(path, link): &(String, String)| {
        List(vec![Text(path.clone()), Text(link.clone()), Unsigned(0)])
    };
    List(links.into_iter().flatten().map(link).collect())
}

const VARIABLES: Kind = Kind::By("names of variables", |value, cx, text| {
    kind::each_word(value, text, &Split::LIST, |items, word| {
        let name = cx.resolve(word)?;
        if !crate::environment::is_name(&name) {
            return Err(ValueError::not(&name, "name of a variable (such as PATH)"));
        }
        let name = Text(name);
        if !items.contains(&name) {
            items.push(name);
        }
        Ok(())
    })
});

const UNSET: Kind = Kind::By("names of variables, or assignments", |value, cx, text| {
    kind::each_word(value, text, &Split::ARGUMENTS, |items, word| {
        let text = cx.resolve(word)?;
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        if !crate::environment::is_name(name) {
            return Err(ValueError::not(&text, "name of a variable, or assignment"));
        }
        let text = Text(text);
        if !items.contains(&text) {
            items.push(text);
        }
        Ok(())
    })
});

/// Directories between colons.
const SEARCH_PATH: Kind = Kind::By("directories between colons", |value, cx, text| {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let mut parts = Words::new(text);
    // The first one that is no path ends the list.
    while let Some(part) = parts
        .take(&Split::FIELDS)
        .map_err(|err| ValueError(err.to_string()))?
    {
        let path = absolute_path(&cx.resolve(&part)?)?;
        value.items_mut().push(Text(path));
    }
    Ok(())
});

const TIMER_SLACK: Kind = Kind::By("time span, in ns without a unit", |value, _, text| {
    *value = Unsigned(match crate::value::parse_nanoseconds(text)? {
        // It stands for the default.
        u64::MAX => 50_000,
        ns => ns,
    });
    Ok(())
});

/// What is dumped unless a unit says otherwise (core(5)).
const DUMPED: u64 = 0x33;

const COREDUMP_FILTER: Kind = Kind::By(
    "kinds of mapping, or a hexadecimal mask",
    |value, _, text| {
        let mut mask = match value {
            Unsigned(DUMPED) => None,
            Unsigned(mask) => Some(*mask),
            Bool(_) | Signed(_) | Text(_) | List(_) => None,
        };
        let wrong = apply_dump_filter(&mut mask, text);
        *value = Unsigned(mask.unwrap_or(DUMPED));
        wrong
    },
);

const AFFINITY: Kind = Kind::Typed("CPUs (0-3,8), or numa", |value, _, text| {
    if text == "numa" {
        *value = Setting::Plain(text.into());
        return Err(ValueError("numa is not honoured yet".into()));
    }
    if let Setting::Plain(_) = value {
        *value = Setting::Cpus(CpuSet::default());
    }
    let Setting::Cpus(set) = value else {
        unreachable!("the default of the row is of the same type");
    };
    apply_cpu_set(set, text)
});

const NUMA_POLICY: Kind = Kind::By(
    "default, preferred, bind, interleave, local",
    |value, _, text| {
        *value = Signed(parse_numa_policy(text)?.into());
        Ok(())
    },
);

/// Nodes that `all` stands for: the first one, where nothing else is known.
const NUMA_MASK: Kind = kind::typed!("nodes, or all", Cpus, |set, text| apply_node_set(
    set, text, 0
));

const SET_CREDENTIAL: Kind = Kind::By("ID:TEXT with C escapes", |value, cx, text| {
    set_credential(value, cx, text, |data| {
        // Binary data, NUL included.
        unescape(data, false, true).map_err(|err| ValueError(err.to_string()))
    })
});

const SET_ENCRYPTED: Kind = Kind::By("ID:BASE64", |value, cx, text| {
    set_credential(value, cx, text, |data| {
        let plain: String = data.split_whitespace().collect();
        BASE64
            .decode(plain)
            .map_err(|_| ValueError::not(data, "base64"))
    })
});

fn set_credential(
    value: &mut PropertyValue,
    cx: &Context<'_>,
    text: &str,
    decode: fn(&str) -> Result<Vec<u8>, ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let (id, data) = credential(cx, text)?;
    let data = data.filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| ValueError::not(text, "credential (NAME:DATA)"))?;
    let data = bytes(&decode(data)?);
    put(value.items_mut(), &id, data);
    Ok(())
}

/// The name of a credential, and what stands behind its colon.
fn credential<'a>(
    cx: &Context<'_>,
    text: &'a str,
) -> Result<(String, Option<&'a str>), ValueError> {
    let mut fields = Words::new(text);
    let id = fields
        .take(&Split::FIELDS)
        .map_err(|err| ValueError(err.to_string()))?;
    let id = cx.resolve(&id.unwrap_or_default())?;
    match is_credential(&id) {
        true => Ok((id, fields.rest())),
        false => Err(ValueError::not(&id, "name of a credential")),
    }
}

/// Names of files, and of descriptors.
fn is_credential(id: &str) -> bool {
    crate::value::is_filename(id) && super::stdio::is_descriptor(id)
}

/// The last entry of a name counts.
fn put(items: &mut Vec<PropertyValue>, id: &str, data: PropertyValue) {
    items.retain(|item| item.items().first().map(PropertyValue::text) != Some(id));
    items.push(kind::pair(id, data));
}

const LOAD_CREDENTIAL: Kind = Kind::By("ID:PATH, or ID", |value, cx, text| {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let (id, path) = credential(cx, text)?;
    let path = match path {
        // The one of that name that the manager itself was given.
        None | Some("") => id.clone(),
        Some(path) => cx.resolve(path)?,
    };
    let found = match path.starts_with('/') {
        true => crate::value::is_normalized_path(&path),
        false => is_credential(&path),
    };
    if !found {
        return Err(ValueError::not(text, "credential (NAME:PATH)"));
    }
    put(value.items_mut(), &id, Text(path));
    Ok(())
});
