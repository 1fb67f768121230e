//! What is wrong, where, of which kind, and what to do about it.
mod code;

pub use code::Code;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Read, and not (or not fully) honoured; the unit still loads.
    Warning,
    /// The unit, and with it the commit, is refused.
    Error,
}

/// One finding. Prints as compilers do: `file:line:column: what is wrong (what to do)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Path inside the commit's tree, or as given on the command line.
    pub file: String,
    /// Line, from 1; 0 when the finding is about the file as a whole.
    pub line: u32,
    /// Character of the line, from 1; 0 when the finding is about the line as a whole.
    #[serde(default)]
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Its kind, the same in all versions.
    #[serde(default)]
    pub code: Code,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// What makes it the same finding in another version of the file, in which lines have moved.
    pub fn kin(&self) -> (&str, Code, Severity, &str) {
        (&self.file, self.code, self.severity, &self.message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            // Of all files together.
            (0, _) if self.file.is_empty() => {}
            (0, _) => write!(f, "{}: ", self.file)?,
            (line, 0) => write!(f, "{}:{line}: ", self.file)?,
            (line, column) => write!(f, "{}:{line}:{column}: ", self.file)?,
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_print_as_compilers_do() {
        let mut finding = Diagnostic {
            file: "web.service".into(),
            line: 4,
            column: 9,
            severity: Severity::Warning,
            code: Code::BadValue,
            message: "Restart=: no".into(),
            hint: Some("write on-failure".into()),
        };
        let warning = "web.service:4:9: warning: Restart=: no (write on-failure)";
        assert_eq!(finding.to_string(), warning);
        (finding.severity, finding.column, finding.hint) = (Severity::Error, 0, None);
        assert_eq!(finding.to_string(), "web.service:4: Restart=: no");
        finding.line = 0;
        assert_eq!(finding.to_string(), "web.service: Restart=: no");
        finding.file.clear();
        assert_eq!(finding.to_string(), "Restart=: no");
    }
}
