//! [Unit] (systemd.unit(5)).
use super::kind::{ACTION, Kind, SPAN_OR_FOREVER, SPELL_TEXT, signed};
use super::row::{Show, Write};
use super::{Family, Row, Standing};
use crate::condition::{ASSERTS, CONDITIONS, Condition, Directive, Outcome, condition_property};
use crate::draft::{Context, Draft};
use crate::name::alias::is_endless;
use crate::name::{UnitKind, UnitName};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, Signed, Unsigned};
use crate::property::texts;
use crate::value::{
    NAME_MAX, ValueError, absolute_path, parse_bool, parse_signed, parse_timespan, parse_u32,
};
use crate::words::{Split, Words, words};

const NAMES: &str = "unit names";
const IF_ALLOWED: &str = "if the configuration allows it (AllowHostActions=)";
const FLUSHES_NOT: &str = "flush, replace-irreversibly and triggering are replace: no job is \
                           irreversible, one that is flushed away would be made again, and \
                           triggering is for stops";
/// `OnFailureJobMode=` and its kin.
const JOB_MODES: Kind = Kind::Word(&[
    "fail",
    "replace",
    "replace-irreversibly",
    "isolate",
    "flush",
    "ignore-dependencies",
    "ignore-requirements",
    "triggering",
]);

fn field(key: &'static str, value: &str, read: super::row::Read, write: Write) -> Row {
    Row::field(Family::Unit, key, value, read, write)
}

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Unit, key, kind, default)
}

macro_rules! dependency {
    ($key:literal, $field:ident) => {
        // A list of dependencies can't be reset: an empty value adds nothing.
        field(
            $key,
            NAMES,
            |draft, cx, value| {
                let (names, wrong) = unit_names(cx, value)?;
                for name in &names {
                    pointless(cx, $key, name);
                }
                draft.unit.$field.extend(names);
                wrong
            },
            Write::Members(|unit| unit.unit.$field.iter().map(ToString::to_string).collect()),
        )
        .shows($key, |unit| Some(texts(&unit.unit.$field)))
    };
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        field(
            "Description",
            "text",
            |draft, cx, value| {
                draft.unit.description = cx.resolve(value)?;
                Ok(())
            },
            Write::Lines(|unit| vec![spelling::text(&unit.unit.description)]),
        )
        .shows("Description", |unit| {
            Some(PropertyValue::Text(match unit.unit.description.as_str() {
                "" => crate::settle::description(unit),
                text => text.to_owned(),
            }))
        }),
        field(
            "Documentation",
            "URIs",
            documentation,
            Write::Lines(|unit| {
                let uris = unit.unit.documentation.iter();
                spelling::joined(uris.map(|uri| spelling::raw_word(uri)))
            }),
        )
        .shows("Documentation", |unit| {
            Some(texts(&unit.unit.documentation))
        }),
        dependency!("After", after).follows(&["RequiresMountsFor"]),
        dependency!("Before", before),
        dependency!("Requires", requires),
        dependency!("Wants", wants),
        dependency!("Requisite", requisite),
        dependency!("BindsTo", binds_to),
        dependency!("PartOf", part_of),
        dependency!("Conflicts", conflicts),
        dependency!("Upholds", upholds),
        dependency!("OnFailure", on_failure),
        dependency!("OnSuccess", on_success),
        dependency!("PropagatesReloadTo", propagates_reload_to),
        dependency!("ReloadPropagatedFrom", reload_propagated_from),
        dependency!("PropagatesStopTo", propagates_stop_to),
        dependency!("StopPropagatedFrom", stop_propagated_from),
        dependency!("JoinsNamespaceOf", joins_namespace_of),
        field(
            "RequiresMountsFor",
            "absolute paths",
            requires_mounts_for,
            Write::Members(|unit| {
                let paths = unit.unit.requires_mounts_for.iter();
                paths.map(|path| spelling::list_word(path)).collect()
            }),
        )
        .shows("RequiresMountsFor", |unit| {
            Some(texts(&unit.unit.requires_mounts_for))
        })
        .meaningless("the host mounts its file systems before gitproc starts"),
        field(
            "DefaultDependencies",
            "yes or no",
            |draft, _, value| {
                draft.unit.default_dependencies = parse_bool(value)?;
                Ok(())
            },
            Write::Lines(|unit| vec![spelling::yes_no(unit.unit.default_dependencies)]),
        )
        .shows("DefaultDependencies", |unit| {
            Some(Bool(unit.unit.default_dependencies))
        }),
        field(
            "StartLimitIntervalSec",
            "time span",
            |draft, _, value| {
                draft.unit.start_limit_interval_us = parse_timespan(value)?;
                Ok(())
            },
            Write::Lines(|unit| vec![spelling::span(unit.unit.start_limit_interval_us)]),
        )
        .shows("StartLimitIntervalUSec", |unit| {
            Some(Unsigned(unit.unit.start_limit_interval_us))
        }),
        field(
            "StartLimitBurst",
            "number",
            |draft, _, value| {
                draft.unit.start_limit_burst = parse_u32(value)?;
                Ok(())
            },
            Write::Lines(|unit| vec![unit.unit.start_limit_burst.to_string()]),
        )
        .shows("StartLimitBurst", |unit| {
            Some(Unsigned(unit.unit.start_limit_burst.into()))
        }),
        kept("StartLimitAction", ACTION, "none".into()).partly(IF_ALLOWED),
        kept("FailureAction", ACTION, "none".into()).partly(IF_ALLOWED),
        kept("SuccessAction", ACTION, "none".into()).partly(
            "when the unit ends by itself, not when it is stopped; if the configuration allows it \
             (AllowHostActions=)",
        ),
        kept("FailureActionExitStatus", EXIT_STATUS, Signed(-1)).honoured(),
        kept("SuccessActionExitStatus", EXIT_STATUS, Signed(-1)).honoured(),
        kept("RebootArgument", REBOOT, PropertyValue::blank()).honoured(),
        kept("OnFailureJobMode", JOB_MODES, "replace".into()).partly(FLUSHES_NOT),
        kept("OnSuccessJobMode", JOB_MODES, "fail".into()).partly(FLUSHES_NOT),
        kept("StopWhenUnneeded", Kind::Flag, Bool(false)).honoured(),
        kept("RefuseManualStart", Kind::Flag, Bool(false)).honoured(),
        kept("RefuseManualStop", Kind::Flag, Bool(false)).honoured(),
        kept("JobTimeoutSec", SPAN_OR_FOREVER, PropertyValue::INFINITY).honoured(),
        kept(
            "JobRunningTimeoutSec",
            SPAN_OR_FOREVER,
            PropertyValue::INFINITY,
        )
        .follows(&["JobTimeoutSec"])
        .honoured(),
        kept("JobTimeoutAction", ACTION, "none".into()).partly(IF_ALLOWED),
        kept("JobTimeoutRebootArgument", REBOOT, PropertyValue::blank()).honoured(),
        kept("AllowIsolate", Kind::Flag, Bool(false)).honoured(),
        kept("IgnoreOnIsolate", Kind::Flag, Bool(false)).honoured(),
        kept(
            "CollectMode",
            Kind::Word(&["inactive", "inactive-or-failed"]),
            "inactive".into(),
        )
        .meaningless("units are never unloaded, and come from git"),
        kept("SourcePath", super::kind::PATH, PropertyValue::blank())
            .meaningless("units come from git"),
        // Older spellings.
        Row::alias(Family::Unit, "StartLimitInterval", "StartLimitIntervalSec"),
        Row::alias(Family::Unit, "BindTo", "BindsTo"),
        Row::alias(Family::Unit, "PropagateReloadTo", "PropagatesReloadTo"),
        Row::alias(Family::Unit, "PropagateReloadFrom", "ReloadPropagatedFrom"),
        Row::alias(Family::Unit, "RequiresOverridable", "Requires"),
        Row::alias(Family::Unit, "RequisiteOverridable", "Requisite"),
        field(
            "OnFailureIsolate",
            "yes or no",
            |draft, _, value| {
                let mode = if parse_bool(value)? {
                    "isolate"
                } else {
                    "replace"
                };
                draft.settings.set(Family::Unit, "OnFailureJobMode", mode);
                Ok(())
            },
            Write::Elsewhere,
        ),
    ];
    rows.extend(conditions(
        "Conditions",
        CONDITIONS,
        Write::Shared(|unit| condition_lines("Condition", &unit.unit.conditions)),
        |unit| {
            let untested = |_: &_| Outcome::Untested;
            Some(condition_property(
                &unit.unit.conditions,
                "Condition",
                untested,
            ))
        },
    ));
    rows.extend(conditions(
        "Asserts",
        ASSERTS,
        Write::Shared(|unit| condition_lines("Assert", &unit.unit.asserts)),
        |unit| {
            let untested = |_: &_| Outcome::Untested;
            Some(condition_property(&unit.unit.asserts, "Assert", untested))
        },
    ));
    rows.push(Row::nothing(
        Family::Unit,
        "IgnoreOnSnapshot",
        Standing::Meaningless("gone from systemd, where it has no effect either"),
    ));
    rows.push(Row::nothing(Family::Unit, "X-*", Standing::Owned));
    rows
}

/// One row per kind; the first one shows and writes what they share.
fn conditions(property: &'static str, kinds: &[Directive], write: Write, show: Show) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, value, read) in kinds {
        rows.push(match rows.is_empty() {
            true => field(key, value, *read, write).shows(property, show),
            false => field(key, value, *read, Write::Elsewhere).property(property),
        });
    }
    rows
}

fn condition_lines(prefix: &str, conditions: &[Condition]) -> Vec<(String, String)> {
    let line = |condition: &Condition| {
        let (key, value) = condition.to_line();
        (format!("{prefix}{key}"), spelling::text(&value))
    };
    conditions.iter().map(line).collect()
}

/// Text as long as the name of a file can be.
const REBOOT: Kind = Kind::By(
    "text",
    |value, cx, text| {
        let text = cx.resolve(text)?;
        if text.len() > NAME_MAX {
            return Err(ValueError(format!("longer than {NAME_MAX} bytes")));
        }
        *value = PropertyValue::Text(text);
        Ok(())
    },
    SPELL_TEXT,
);

const EXIT_STATUS: Kind = Kind::By(
    "0 to 255",
    |value, _, text| {
        *value = match text {
            "" => Signed(-1),
            text => Signed(parse_signed(text, 0, 255)?),
        };
        Ok(())
    },
    |value| match signed(value) {
        -1 => Vec::new(),
        status => vec![status.to_string()],
    },
);

fn requires_mounts_for(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    let mut wrong = Ok(());
    let mut rest = Words::new(value);
    while let Some(word) = rest
        .take(&Split::LIST)
        .map_err(|err| ValueError(err.to_string()))?
    {
        match cx.resolve(&word).and_then(|path| absolute_path(&path)) {
            Ok(path) => {
                draft.unit.requires_mounts_for.insert(path);
            }
            Err(err) => wrong = wrong.and(Err(err)),
        }
    }
    wrong
}

fn documentation(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.unit.documentation.clear();
    }
    let text = cx.resolve(value)?;
    let mut rest = Words::new(&text);
    while let Some(uri) = rest
        .take(&Split::RAW_LIST)
        .map_err(|err| ValueError(err.to_string()))?
    {
        let schemes = ["http://", "https://", "file:/", "info:", "man:"];
        let meant = schemes
            .iter()
            .find_map(|scheme| uri.strip_prefix(scheme))
            .is_some_and(|rest| !rest.is_empty());
        if meant {
            draft.unit.documentation.push(uri);
        } else {
            // Text for people only: not worth refusing a commit.
            let message = format!(
                "Documentation={} is no URI, ignoring",
                crate::text::excerpt(&uri)
            );
            cx.report(
                crate::Code::BadValue,
                crate::Severity::Warning,
                message,
                None,
            );
        }
    }
    Ok(())
}

/// Says what a dependency means that means nothing.
fn pointless(cx: &mut Context<'_>, key: &str, name: &UnitName) {
    let why = if *name == *cx.name {
        "names the unit itself"
    } else if key == "Before" && name.kind() == UnitKind::Device {
        "names a device, which comes when it comes"
    } else if key == "OnFailure" && cx.name.kind() == UnitKind::Slice {
        "waits for a slice to fail, which none does"
    } else {
        return;
    };
    let message = format!("{key}={name} {why}, ignoring");
    cx.report(
        crate::Code::BadValue,
        crate::Severity::Warning,
        message,
        None,
    );
}

/// Names of other units, and what is wrong with the ones that are none: the good ones count. A
/// template stands for its instance of our own instance name, or of our prefix when we are no
/// instance. What would make ever new instances of our own template is no dependency, as in systemd,
/// which is silent about it: `OnFailure=report@%n.service` in `service.d/` means all but `report@`.
#[allow(clippy::type_complexity)] // names, and the first error beside them
pub(super) fn unit_names(
    cx: &Context<'_>,
    value: &str,
) -> Result<(Vec<UnitName>, Result<(), ValueError>), ValueError> {
    let words = words(value, &Split::NAMES).map_err(|err| ValueError(err.to_string()))?;
    let mut names = Vec::with_capacity(words.len());
    let mut wrong = Ok(());
    for word in &words {
        match unit_name(cx, word) {
            Ok(name) if never_ends(cx, &name, word) => {}
            Ok(name) => names.push(name),
            Err(err) => wrong = wrong.and(Err(err)),
        }
    }
    Ok((names, wrong))
}

fn never_ends(cx: &Context<'_>, name: &UnitName, written: &str) -> bool {
    cx.name.instance().is_some()
        && is_endless(cx.name, name, written, cx.names.share_file(cx.name, name))
}

/// One name of another unit.
pub(super) fn unit_name(cx: &Context<'_>, word: &str) -> Result<UnitName, ValueError> {
    let text = cx.resolve_name(word)?;
    let name = UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))?;
    if !name.is_template() {
        return Ok(name);
    }
    let ours = cx.name.instance().filter(|instance| !instance.is_empty());
    let ours = ours.unwrap_or(cx.name.prefix());
    let text = format!("{}@{ours}.{}", name.prefix(), name.kind().suffix());
    UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))
}
