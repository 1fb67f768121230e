//! The unit-file language: from the bytes of a commit's tree to typed units.
//!
//! Pure: no I/O, no clock, no randomness. What the host must say (its name, its ids) comes in as
//! [`HostFacts`]. One table of directives drives the parser, `show`, the warnings and
//! `docs/units.md`.
#![forbid(unsafe_code)]

mod builtin;
pub mod c_escape;
pub mod command;
mod condition;
mod dependencies;
mod diagnostic;
mod docs;
mod draft;
pub mod environment;
pub mod escape;
mod ini;
mod load;
mod meaning;
mod model;
pub mod name;
mod print;
mod property;
pub mod quote;
mod read;
mod settings;
mod settle;
pub mod specifier;
mod table;
mod text;
mod tree;
pub mod utf8;
pub mod value;
pub mod words;

pub use condition::{Condition, ConditionKind, Outcome, Verdict, condition_property};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use docs::{docs, has_proofs, proof};
pub use environment::{EnvironmentFileError, expand, parse_environment_file};
pub use ini::{Entry, LINE_MAX, Section, parse_ini};
pub use load::{
    FileLinks, InstallLink, InstallLinks, Loaded, READ_MAX, UNITS_MAX, UnitFileState, file_state,
    install_links, load, load_alone,
};
pub use meaning::{
    changed_properties, needs_restart, properties, properties_by_interface, property_text,
};
pub use model::*;
pub use name::{NameForm, UnitKind, UnitName, UnitNameError};
pub use print::print;
pub use property::PropertyValue;
pub use settings::{Setting, Settings};
pub use table::{Family, Row, Standing, table};
pub use tree::{HostFacts, OsRelease, TreeEntry, TreeFiles};
