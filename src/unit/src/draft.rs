//! A unit while it is read: what has been said so far, and what only the end of the files decides.
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{
    ExecRole, InstallSection, NotifyAccess, Restart, ServiceSection, ServiceType, UnitSection,
};
use crate::name::UnitName;
use crate::specifier;
use crate::tree::HostFacts;
use crate::value::ValueError;

const SECOND: u64 = 1_000_000;

/// What an assignment is read for, and where its warnings go.
pub(crate) struct Context<'a> {
    pub name: &'a UnitName,
    pub facts: &'a HostFacts,
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

    /// Reports at the place that is being read.
    pub fn report(
        &mut self,
        code: Code,
        severity: Severity,
        message: String,
        hint: Option<String>,
    ) {
        self.diagnostics.push(Diagnostic {
            file: self.file.to_owned(),
            line: self.line,
            column: self.column,
            severity,
            code,
            message,
            hint,
        });
    }
}

/// The unit so far.
pub(crate) struct Draft {
    pub unit: UnitSection,
    pub service: ServiceSection,
    pub install: InstallSection,
    /// `Alias=`
    pub aliases: Vec<UnitName>,
    /// `DefaultInstance=`
    pub default_instance: Option<String>,
    /// These have defaults that depend on other directives.
    pub service_type: Option<ServiceType>,
    pub timeout_start: Option<Option<u64>>,
    pub notify_access: Option<NotifyAccess>,
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
            install: InstallSection::default(),
            aliases: Vec::new(),
            default_instance: None,
            service_type: None,
            timeout_start: None,
            notify_access: None,
            bounding_set: None,
            ambient_set: None,
        }
    }

    /// Settles the defaults and checks the service as a whole.
    pub fn finish_service(&mut self) -> Result<(), ValueError> {
        let count = |role| self.service.exec.get(&role).map_or(0, Vec::len);
        let (start, stop) = (count(ExecRole::Start), count(ExecRole::Stop));
        let settled = match self.service_type {
            Some(service_type) => service_type,
            // systemd: without Type= and ExecStart= it is a oneshot.
            None if start == 0 => ServiceType::Oneshot,
            None => ServiceType::Simple,
        };
        let oneshot = settled == ServiceType::Oneshot;
        if start == 0 && stop == 0 {
            return Err(ValueError(
                "service has neither ExecStart= nor ExecStop=".into(),
            ));
        }
        if start == 0 && !oneshot {
            return Err(ValueError(
                "service has no ExecStart=; only Type=oneshot may go without".into(),
            ));
        }
        if start == 0 && !self.service.remain_after_exit {
            return Err(ValueError(
                "service has no ExecStart=; that needs RemainAfterExit=yes to ever be active"
                    .into(),
            ));
        }
        if start > 1 && !oneshot {
            return Err(ValueError(
                "service has several ExecStart= lines; only Type=oneshot may".into(),
            ));
        }
        if oneshot && matches!(self.service.restart, Restart::Always | Restart::OnSuccess) {
            return Err(ValueError(
                "Type=oneshot can't have Restart=always or on-success: it would never end".into(),
            ));
        }
        let service = &mut self.service;
        service.service_type = settled;
        service.timeout_start_us = match self.timeout_start {
            Some(timeout) => timeout,
            None if oneshot => None,
            None => Some(90 * SECOND),
        };
        service.notify_access = match (self.notify_access, settled) {
            (None | Some(NotifyAccess::None), ServiceType::Notify) => NotifyAccess::Main,
            (access, _) => access.unwrap_or(NotifyAccess::None),
        };
        service.capability_bounding_set = self.bounding_set.unwrap_or(u64::MAX);
        service.ambient_capabilities = self.ambient_set.unwrap_or(0);
        Ok(())
    }
}
