//! A unit while it is read: what has been said so far, and where.
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::load::install::Asked;
use crate::load::names::Names;
use crate::model::{NotifyAccess, ServiceSection, ServiceType, Triggers, UnitSection};
use crate::name::UnitName;
use crate::settings::Settings;
use crate::specifier;
use crate::table::RowId;
use crate::tree::HostFacts;
use crate::value::ValueError;
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000;

/// Most findings about the files of one unit. What follows is not looked at by people either, and
/// a file can hold half a million lines that are wrong.
pub(crate) const FINDINGS_MAX: usize = 1_000;

/// What an assignment is read for, and where its warnings go.
pub(crate) struct Context<'a> {
    pub name: &'a UnitName,
    pub facts: &'a HostFacts,
    /// All names of the tree.
    pub names: &'a Names,
    pub file: &'a str,
    pub line: u32,
    /// Of the key or of the value, whichever is being judged; 0 for the line as a whole.
    pub column: u32,
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

impl Context<'_> {
    /// Resolves specifiers.
    pub fn resolve(&self, text: &str) -> Result<String, ValueError> {
        specifier::resolve(text, self.name, self.facts)
    }

    /// Resolves specifiers in the name of a unit.
    pub fn resolve_name(&self, text: &str) -> Result<String, ValueError> {
        specifier::resolve_name(text, self.name, self.facts)
    }

    /// The place that is being read.
    pub fn place(&self) -> Place {
        Place {
            file: self.file.to_owned(),
            line: self.line,
            column: self.column,
        }
    }

    /// Reports at the place that is being read.
    pub fn report(
        &mut self,
        code: Code,
        severity: Severity,
        message: String,
        hint: Option<String>,
    ) {
        self.add(Diagnostic {
            file: self.file.to_owned(),
            line: self.line,
            column: self.column,
            severity,
            code,
            message,
            hint,
        });
    }

    /// Adds a finding; the one too many says so, and is the last.
    pub fn add(&mut self, finding: Diagnostic) {
        match self.diagnostics.len() {
            len if len < FINDINGS_MAX => self.diagnostics.push(finding),
            FINDINGS_MAX => self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: Code::TooMany,
                message: format!("more than {FINDINGS_MAX} findings about one unit"),
                hint: None,
                ..finding
            }),
            _ => {}
        }
    }
}

/// Where a directive was last given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl Place {
    /// What there is to say about it.
    pub fn finding(&self, code: Code, severity: Severity, message: String) -> Diagnostic {
        Diagnostic {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            severity,
            code,
            message,
            hint: None,
        }
    }
}

/// The unit so far.
pub(crate) struct Draft {
    pub unit: UnitSection,
    pub service: ServiceSection,
    pub settings: Settings,
    pub triggers: Triggers,
    /// [Install]
    pub asked: Asked,
    /// Which directives were given a value, and where the last time. One whose value was refused
    /// or taken back counts as not given.
    pub said: BTreeMap<RowId, Place>,
    /// These have defaults that depend on other directives.
    pub service_type: Option<ServiceType>,
    pub timeout_start: Option<Option<u64>>,
    pub notify_access: Option<NotifyAccess>,
    /// `TasksMax=`; `u64::MAX` is no limit, `None` the host's default.
    pub tasks_max: Option<u64>,
    pub bounding_set: Option<u64>,
    pub ambient_set: Option<u64>,
}

impl Draft {
    pub fn new() -> Draft {
        Draft {
            unit: UnitSection {
                default_dependencies: true,
                start_limit_interval_us: 10 * SECOND,
                start_limit_burst: 5,
                ..UnitSection::default()
            },
            service: ServiceSection::default(),
            settings: Settings::default(),
            triggers: Triggers::default(),
            asked: Asked::default(),
            said: BTreeMap::new(),
            service_type: None,
            timeout_start: None,
            notify_access: None,
            tasks_max: None,
            bounding_set: None,
            ambient_set: None,
        }
    }

    /// Whether a directive was given a value that holds.
    pub fn has(&self, section: &str, key: &str) -> bool {
        let row = crate::table::find(section, key);
        row.is_some_and(|(id, _)| self.said.contains_key(&id))
    }
}
