//! Which unit may be another name of which, and which dependency of a template would never end.
use super::{NameForm, UnitName};

/// Why one name can't be an alias of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// Slices, mounts and their kin are named after what they are.
    #[error("units of this kind have no other names")]
    Kind,
    /// `a.service` for `a.service`; harmless.
    #[error("a unit is an alias of itself")]
    Itself,
    /// `a.service` for `b@.service`
    #[error("a plain name, a template and an instance can't stand for each other")]
    Form,
    /// `a@x.service` for `b@y.service`
    #[error("the instances differ")]
    Instance,
    /// `a.service` for `b.socket`
    #[error("the units are of different kinds")]
    OtherKind,
}

/// Whether `alias` may be another name of `target` (by `Alias=` or by a link to its file). An
/// instance may be an alias of a template: of the target's instance of that name.
pub fn check(alias: &UnitName, target: &UnitName) -> Result<(), AliasError> {
    let (form, kind) = (alias.form(), alias.kind());
    if !kind.may_have_aliases() || (form != NameForm::Plain && !kind.may_be_template()) {
        return Err(AliasError::Kind);
    }
    if alias == target {
        return Err(AliasError::Itself);
    }
    match (form, target.form()) {
        (NameForm::Plain, NameForm::Plain)
        | (NameForm::Template, NameForm::Template)
        | (NameForm::Instance, NameForm::Template) => {}
        (NameForm::Instance, NameForm::Instance) => {
            if alias.instance() != target.instance() {
                return Err(AliasError::Instance);
            }
        }
        (NameForm::Plain | NameForm::Template, NameForm::Instance)
        | (NameForm::Plain, NameForm::Template)
        | (NameForm::Template | NameForm::Instance, NameForm::Plain) => {
            return Err(AliasError::Form);
        }
    }
    match kind == target.kind() {
        true => Ok(()),
        false => Err(AliasError::OtherKind),
    }
}

/// Whether the instance of `written`, a unit name with specifiers, grows with our own instance:
/// `foo@%n.service` and `foo@a%i.service`, but not `foo@%i.service`.
pub fn grows_with_instance(written: &str) -> bool {
    let Some((_, instance)) = written.split_once('@') else {
        return false;
    };
    let instance = instance
        .rsplit_once('.')
        .map_or(instance, |(before, _)| before);
    if instance == "%i" {
        return false;
    }
    let mut chars = instance.chars();
    while let Some(c) = chars.next() {
        if c == '%' && matches!(chars.next(), Some('n' | 'N' | 'i')) {
            return true;
        }
    }
    false
}

/// Whether a dependency of `unit` on `dependency`, which the file writes as `written`, would make
/// ever new instances of one template. `same_file` tells whether both are read from one file.
pub fn is_endless(unit: &UnitName, dependency: &UnitName, written: &str, same_file: bool) -> bool {
    same_file
        && dependency.form() == NameForm::Instance
        && unit.same_prefix(dependency)
        && unit.kind() == dependency.kind()
        && grows_with_instance(written)
}
