//! [Unit] (systemd.unit(5)).
use super::{Row, Standing, bare, texts};
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::name::UnitName;
use crate::property::PropertyValue;
use crate::value::{ValueError, parse_bool, parse_timespan};
use crate::words::{Escapes, words};

const NAMES: &str = "unit names";

macro_rules! dependency {
    ($key:literal, $field:ident) => {
        // A list of dependencies can't be reset: an empty value adds nothing.
        Row::new("Unit", $key, NAMES, |draft, cx, value| {
            draft.unit.$field.extend(unit_names(cx, value)?);
            Ok(())
        })
        .shows($key, |unit| Some(texts(&unit.unit.$field)))
    };
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("Unit", "Description", "text", |draft, cx, value| {
            draft.unit.description = cx.resolve(value)?;
            Ok(())
        })
        .shows("Description", |unit| {
            let name = || unit.name.to_string();
            let text = Some(unit.unit.description.clone()).filter(|text| !text.is_empty());
            Some(PropertyValue::Text(text.unwrap_or_else(name)))
        }),
        Row::new("Unit", "Documentation", "URIs", documentation).shows("Documentation", |unit| {
            Some(texts(&unit.unit.documentation))
        }),
        dependency!("After", after),
        dependency!("Before", before),
        dependency!("Requires", requires),
        dependency!("Wants", wants),
        dependency!("Requisite", requisite),
        dependency!("BindsTo", binds_to),
        dependency!("PartOf", part_of),
        dependency!("Conflicts", conflicts),
        Row::new(
            "Unit",
            "DefaultDependencies",
            "yes or no",
            |draft, _, value| {
                draft.unit.default_dependencies = parse_bool(value)?;
                Ok(())
            },
        )
        .shows("DefaultDependencies", |unit| {
            Some(PropertyValue::Bool(unit.unit.default_dependencies))
        }),
        Row::new(
            "Unit",
            "StartLimitIntervalSec",
            "time span",
            start_limit_interval,
        )
        .shows("StartLimitIntervalUSec", |unit| {
            Some(PropertyValue::Unsigned(unit.unit.start_limit_interval_us))
        }),
        Row::new("Unit", "StartLimitBurst", "number", start_limit_burst)
            .shows("StartLimitBurst", |unit| {
                Some(PropertyValue::Unsigned(unit.unit.start_limit_burst.into()))
            }),
        // Spellings of before systemd 230.
        Row::new(
            "Unit",
            "StartLimitInterval",
            "time span",
            start_limit_interval,
        ),
        Row::new(
            "Service",
            "StartLimitInterval",
            "time span",
            start_limit_interval,
        )
        .live(),
        Row::new("Service", "StartLimitBurst", "number", start_limit_burst).live(),
    ];
    rows.extend(bare(
        "Unit",
        Standing::NotYet,
        "Upholds BindTo OnFailure OnSuccess OnFailureJobMode OnSuccessJobMode OnFailureIsolate
         PropagatesReloadTo ReloadPropagatedFrom PropagateReloadTo PropagateReloadFrom
         PropagatesStopTo StopPropagatedFrom JoinsNamespaceOf RequiresMountsFor RequiresOverridable
         RequisiteOverridable StopWhenUnneeded RefuseManualStart RefuseManualStop JobTimeoutSec
         JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument StartLimitAction
         FailureAction SuccessAction FailureActionExitStatus SuccessActionExitStatus
         RebootArgument
         ConditionArchitecture ConditionFirmware ConditionVirtualization ConditionHost
         ConditionKernelCommandLine ConditionKernelVersion ConditionCredential
         ConditionEnvironment ConditionSecurity ConditionCapability ConditionACPower
         ConditionNeedsUpdate ConditionFirstBoot ConditionPathExists ConditionPathExistsGlob
         ConditionPathIsDirectory ConditionPathIsSymbolicLink ConditionPathIsMountPoint
         ConditionPathIsReadWrite ConditionPathIsEncrypted ConditionDirectoryNotEmpty
         ConditionFileNotEmpty ConditionFileIsExecutable ConditionUser ConditionGroup
         ConditionControlGroupController ConditionMemory ConditionCPUs ConditionCPUFeature
         ConditionOSRelease ConditionMemoryPressure ConditionCPUPressure ConditionIOPressure
         AssertArchitecture AssertFirmware AssertVirtualization AssertHost
         AssertKernelCommandLine AssertKernelVersion AssertCredential AssertEnvironment
         AssertSecurity AssertCapability AssertACPower AssertNeedsUpdate AssertFirstBoot
         AssertPathExists AssertPathExistsGlob AssertPathIsDirectory AssertPathIsSymbolicLink
         AssertPathIsMountPoint AssertPathIsReadWrite AssertPathIsEncrypted
         AssertDirectoryNotEmpty AssertFileNotEmpty AssertFileIsExecutable AssertUser AssertGroup
         AssertControlGroupController AssertMemory AssertCPUs AssertCPUFeature AssertOSRelease
         AssertMemoryPressure AssertCPUPressure AssertIOPressure",
    ));
    rows.extend(bare(
        "Unit",
        Standing::Meaningless("nothing isolates targets here"),
        "AllowIsolate IgnoreOnIsolate IgnoreOnSnapshot",
    ));
    rows.extend(bare(
        "Unit",
        Standing::Meaningless("units are never unloaded, and come from git"),
        "CollectMode SourcePath",
    ));
    rows.extend(bare("Unit", Standing::Owned, "X-*"));
    rows
}

fn start_limit_interval(
    draft: &mut Draft,
    _: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    draft.unit.start_limit_interval_us = parse_timespan(value)?;
    Ok(())
}

fn start_limit_burst(
    draft: &mut Draft,
    _: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    let number = value
        .parse()
        .map_err(|_| ValueError::not(value, "number"))?;
    draft.unit.start_limit_burst = number;
    Ok(())
}

fn documentation(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.unit.documentation.clear();
    }
    for word in value.split_whitespace() {
        let uri = cx.resolve(word)?;
        let schemes = ["http://", "https://", "file:/", "info:", "man:"];
        if schemes.iter().any(|scheme| uri.starts_with(scheme)) {
            draft.unit.documentation.push(uri);
        } else {
            // Text for people only: not worth refusing a commit.
            let message = format!(
                "Documentation={} is no URI, ignoring",
                crate::text::excerpt(&uri)
            );
            cx.report(Code::BadValue, Severity::Warning, message, None);
        }
    }
    Ok(())
}

/// Names of other units. A template stands for its instance of our own instance name, or of our
/// prefix when we are no instance.
pub(super) fn unit_names(cx: &Context<'_>, value: &str) -> Result<Vec<UnitName>, ValueError> {
    let words = words(value, Escapes::Keep).map_err(|err| ValueError(err.to_string()))?;
    let name = |word: &String| {
        let text = cx.resolve(word)?;
        let name = UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))?;
        if !name.is_template() {
            return Ok(name);
        }
        let ours = cx.name.instance().filter(|instance| !instance.is_empty());
        let ours = ours.unwrap_or(cx.name.prefix());
        let text = format!("{}@{ours}.{}", name.prefix(), name.kind().suffix());
        UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))
    };
    words.iter().map(name).collect()
}
