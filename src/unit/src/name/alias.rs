//! Which unit may be another name of which, which link in a `.wants/` directory fits its file, and
//! which dependency of a template would never end.
use super::{NameForm, UnitName, UnitNameError};

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

/// Why a word of `Alias=` can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AliasWordError {
    /// No name of a unit.
    #[error(transparent)]
    Name(#[from] UnitNameError),
    /// `x.target.conf/a.service`
    #[error("'{0}' is no directory of links: UNIT.wants/ or UNIT.requires/")]
    Directory(String),
    /// `x.target.wants/b.service` for `a.service`
    #[error("a link in a directory must be called like its unit, or like an instance of it")]
    Member,
    /// A name that this unit can't have.
    #[error(transparent)]
    Alias(#[from] AliasError),
}

/// What a word of `Alias=` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AliasLink {
    /// Another name of the unit.
    Name(UnitName),
    /// An older spelling of `WantedBy=` and `RequiredBy=`: `x.target.wants/a.service`.
    Member {
        /// Whose directory.
        owner: UnitName,
        /// Whether it is `.requires/`.
        requires: bool,
        /// The link in it.
        member: UnitName,
    },
}

/// Reads a word of `Alias=` of `unit`, specifiers resolved. A template as an alias of an instance
/// means its instance of the same name.
pub fn check_word(word: &str, unit: &UnitName) -> Result<AliasLink, AliasWordError> {
    if let Some((directory, member)) = word.rsplit_once('/') {
        let (owner, requires) = match directory.rsplit_once('.') {
            Some((owner, "wants")) => (owner, false),
            Some((owner, "requires")) => (owner, true),
            Some(_) | None => return Err(AliasWordError::Directory(directory.into())),
        };
        let owner = UnitName::parse(owner)?;
        let member = UnitName::parse(member)?;
        if !link_fits(&member, unit, owner.is_template()) {
            return Err(AliasWordError::Member);
        }
        return Ok(AliasLink::Member {
            owner,
            requires,
            member,
        });
    }
    let mut alias = UnitName::parse(word)?;
    if let (NameForm::Template, NameForm::Instance, Some(instance)) =
        (alias.form(), unit.form(), unit.instance())
    {
        alias = alias.with_instance(instance)?;
    }
    check(&alias, unit)?;
    Ok(AliasLink::Name(alias))
}

/// Whether a link called `link` in a `.wants/` or `.requires/` directory can lead to the file of
/// `target` and mean it. `hands_on` tells whether the directory's owner has an instance to hand on
/// to templates.
pub fn link_fits(link: &UnitName, target: &UnitName, hands_on: bool) -> bool {
    match link.form() {
        NameForm::Plain => link == target,
        NameForm::Instance => link == target || link.template().as_ref() == Some(target),
        NameForm::Template => hands_on && link == target,
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
