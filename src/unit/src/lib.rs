//! The unit-file language: from the bytes of a commit's tree to typed units.
//!
//! Pure: no I/O, no clock, no randomness. What the host must say (its name, its ids) comes in as
//! [`HostFacts`]. One table of directives drives the parser, `show`, the warnings and
//! `docs/units.md`.
#![forbid(unsafe_code)]

mod builtin;
mod command;
mod dependencies;
mod diagnostic;
mod docs;
mod draft;
mod environment;
mod ini;
mod load;
mod meaning;
mod model;
mod name;
mod property;
mod read;
mod specifier;
mod table;
mod text;
mod tree;
pub mod value;
mod words;

pub use command::parse_commands;
pub use diagnostic::{Diagnostic, Severity};
pub use docs::docs;
pub use environment::{EnvironmentFileError, expand, parse_environment_file};
pub use ini::{Entry, LINE_MAX, Section, parse_ini};
pub use load::{Loaded, UNITS_MAX, load};
pub use meaning::{
    changed_properties, needs_restart, properties, properties_by_interface, property_text,
};
pub use model::*;
pub use name::{UnitKind, UnitName, UnitNameError};
pub use property::PropertyValue;
pub use table::{Row, Standing, table};
pub use tree::{HostFacts, TreeEntry, TreeFiles};
