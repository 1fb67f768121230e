//! One row of the directive table: what a directive is called, how it is read and shown, and what
//! it is worth here.
use crate::draft::{Context, Draft};
use crate::model::Unit;
use crate::name::UnitKind;
use crate::print::spelling::joined;
use crate::property::PropertyValue;
use crate::settings::Setting;
use crate::table::kind::Kind;
use crate::tree::HostFacts;
use crate::value::ValueError;

/// Directives that belong together: those of one man page, read in one or more sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names are the sections' and the man pages'
pub enum Family {
    Unit,
    Service,
    Exec,
    Kill,
    Resource,
    Install,
    Timer,
    Socket,
    Path,
    Mount,
    Automount,
    Swap,
    Scope,
}

impl Family {
    /// Every family, in the order of `docs/units.md`.
    pub const ALL: [Family; 13] = [
        Family::Unit,
        Family::Install,
        Family::Service,
        Family::Exec,
        Family::Kill,
        Family::Resource,
        Family::Timer,
        Family::Socket,
        Family::Path,
        Family::Mount,
        Family::Automount,
        Family::Swap,
        Family::Scope,
    ];

    /// The sections in which its directives stand.
    pub fn sections(self) -> &'static [&'static str] {
        match self {
            Family::Unit => &["Unit"],
            Family::Install => &["Install"],
            Family::Service => &["Service"],
            Family::Exec => &["Service", "Socket", "Mount", "Swap"],
            Family::Kill => &["Service", "Socket", "Mount", "Swap", "Scope"],
            Family::Resource => &["Service", "Socket", "Mount", "Swap", "Scope", "Slice"],
            Family::Timer => &["Timer"],
            Family::Socket => &["Socket"],
            Family::Path => &["Path"],
            Family::Mount => &["Mount"],
            Family::Automount => &["Automount"],
            Family::Swap => &["Swap"],
            Family::Scope => &["Scope"],
        }
    }

    /// Whether its properties are those of every unit (the D-Bus interface `Unit`).
    pub(crate) fn is_generic(self) -> bool {
        matches!(self, Family::Unit | Family::Install)
    }
}

/// What a directive is worth here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As in systemd.
    Honoured,
    /// Honoured, but for what is said here.
    Partly(&'static str),
    /// Read, checked and shown; nothing acts on it yet, which a warning says.
    NotYet,
    /// Not honoured yet, and the unit is refused: what would run without it, in words.
    Needed(&'static str),
    /// Never honoured, and why; named in a warning.
    Refused(&'static str),
    /// Has no meaning here, and why; read and shown without a word.
    Meaningless(&'static str),
    /// Belongs to others; left alone.
    Owned,
}

/// Reads a value into the draft.
pub(crate) type Read = fn(&mut Draft, &mut Context<'_>, &str) -> Result<(), ValueError>;
/// Shows a property; `None` where the host's own default holds.
pub(crate) type Show = fn(&Unit) -> Option<PropertyValue>;
/// How a row that fills the model is written. What is written says the value in full, so that two
/// units in which it is the same text have the same value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write {
    /// As these texts, one a line; as one empty text when there is none.
    Lines(fn(&Unit) -> Vec<String>),
    /// As these words, of which what other directives imply may be left out: lines only add to
    /// them.
    Members(fn(&Unit) -> Vec<String>),
    /// Lines of all directives that fill one list, in its order, each with its key.
    Shared(fn(&Unit) -> Vec<(String, String)>),
    /// It is written as what it stands for, by other rows.
    Elsewhere,
}
/// The host's default for a property that a unit leaves alone.
pub(crate) type HostDefault = fn(&HostFacts) -> PropertyValue;

/// A property of a row that fills the model.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub property: &'static str,
    pub show: Show,
    pub host: Option<HostDefault>,
}

/// What becomes of a directive's value.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// It fills a field of the model.
    Field {
        read: Read,
        write: Write,
        shows: Vec<Shown>,
    },
    /// It is kept as the value of its property, in [`crate::Settings`]; `said` is the value without
    /// what other directives add to it.
    Kept {
        kind: Kind,
        default: Setting,
        said: Option<fn(&Unit) -> Setting>,
    },
    /// It is an older spelling of another row: of that section, or else of the same one.
    Alias {
        section: Option<&'static str>,
        key: &'static str,
    },
    /// Nothing, in systemd either.
    Nothing,
}

/// One directive.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it belongs.
    pub family: Family,
    /// Left of the `=`.
    pub key: &'static str,
    /// Name of the D-Bus property that shows it; empty when none does.
    pub property: String,
    /// What kind of value it takes, in words.
    pub value: String,
    /// What it is worth here.
    pub standing: Standing,
    /// The directives that its default follows, in the same section.
    pub follows: &'static [&'static str],
    /// Whether processes must be restarted for a change to take effect.
    pub restarts: bool,
    /// A kept directive of the same family that an empty value of this one resets, too: systemd
    /// keeps both in one list.
    pub(crate) twin: Option<&'static str>,
    /// Kinds of unit that it has an effect in, of those whose sections take it; `None` for all.
    pub only_in: Option<&'static [UnitKind]>,
    pub(crate) body: Body,
}

impl Row {
    /// Whether its lines only add: an empty one takes nothing back.
    pub(crate) fn only_grows(&self) -> bool {
        matches!(
            self.body,
            Body::Field {
                write: Write::Members(_),
                ..
            }
        )
    }

    /// Whether it is kept in [`crate::Settings`] under its own name.
    pub fn is_kept(&self) -> bool {
        matches!(self.body, Body::Kept { .. })
    }

    /// A directive that fills a field of the model, and is honoured.
    pub(crate) fn field(
        family: Family,
        key: &'static str,
        value: &str,
        read: Read,
        write: Write,
    ) -> Row {
        let body = Body::Field {
            read,
            write,
            shows: Vec::new(),
        };
        Row {
            value: value.to_owned(),
            standing: Standing::Honoured,
            property: String::new(),
            ..Row::of(family, key, body)
        }
    }

    /// A directive whose value is kept for the day that something acts on it.
    pub(crate) fn kept(
        family: Family,
        key: &'static str,
        kind: Kind,
        default: impl Into<Setting>,
    ) -> Row {
        let default = default.into();
        Row {
            value: kind.in_words(),
            ..Row::of(
                family,
                key,
                Body::Kept {
                    kind,
                    default,
                    said: None,
                },
            )
        }
    }

    /// An older spelling of `of`, in the same section.
    pub(crate) fn alias(family: Family, key: &'static str, of: &'static str) -> Row {
        let body = Body::Alias {
            section: None,
            key: of,
        };
        Row {
            value: format!("as `{of}=`"),
            property: String::new(),
            standing: Standing::Honoured,
            ..Row::of(family, key, body)
        }
    }

    /// An older place of a directive that now stands in [Unit].
    pub(crate) fn moved_to_unit(family: Family, key: &'static str, of: &'static str) -> Row {
        let body = Body::Alias {
            section: Some("Unit"),
            key: of,
        };
        Row {
            value: format!("as `{of}=` in [Unit]"),
            restarts: false,
            property: String::new(),
            standing: Standing::Honoured,
            ..Row::of(family, key, body)
        }
    }

    /// A directive that systemd reads without any effect.
    pub(crate) fn nothing(family: Family, key: &'static str, standing: Standing) -> Row {
        Row {
            property: String::new(),
            standing,
            ..Row::of(family, key, Body::Nothing)
        }
    }

    fn of(family: Family, key: &'static str, body: Body) -> Row {
        Row {
            family,
            key,
            property: match key.strip_suffix("Sec") {
                Some(stem) => format!("{stem}USec"),
                None => key.to_owned(),
            },
            value: String::new(),
            standing: Standing::NotYet,
            follows: &[],
            body,
            restarts: !family.is_generic(),
            twin: None,
            only_in: None,
        }
    }

    /// Names a property and how to show it; the first is the directive's own.
    pub(crate) fn shows(self, property: &'static str, show: Show) -> Row {
        self.shows_with(property, show, None)
    }

    /// A property for which the host has a default.
    pub(crate) fn shows_or(self, property: &'static str, show: Show, host: HostDefault) -> Row {
        self.shows_with(property, show, Some(host))
    }

    fn shows_with(mut self, property: &'static str, show: Show, host: Option<HostDefault>) -> Row {
        if self.property.is_empty() {
            self.property = property.to_owned();
        }
        if let Body::Field { shows, .. } = &mut self.body {
            shows.push(Shown {
                property,
                show,
                host,
            });
        }
        self
    }

    /// The D-Bus property's name where it is not the directive's.
    pub(crate) fn property(mut self, name: &'static str) -> Row {
        self.property = name.to_owned();
        self
    }

    pub(crate) fn standing(mut self, standing: Standing) -> Row {
        self.standing = standing;
        self
    }

    pub(crate) fn partly(self, why: &'static str) -> Row {
        self.standing(Standing::Partly(why))
    }

    pub(crate) fn needed(self, without: &'static str) -> Row {
        self.standing(Standing::Needed(without))
    }

    pub(crate) fn refused(self, why: &'static str) -> Row {
        self.standing(Standing::Refused(why))
    }

    pub(crate) fn meaningless(self, why: &'static str) -> Row {
        self.standing(Standing::Meaningless(why))
    }

    pub(crate) fn honoured(self) -> Row {
        self.standing(Standing::Honoured)
    }

    pub(crate) fn not_yet(self) -> Row {
        self.standing(Standing::NotYet)
    }

    pub(crate) fn only_in(mut self, kinds: &'static [UnitKind]) -> Row {
        self.only_in = Some(kinds);
        self
    }

    pub(crate) fn twin(mut self, other: &'static str) -> Row {
        self.twin = Some(other);
        self
    }

    /// Names the directives on whose values its default depends.
    pub(crate) fn follows(mut self, keys: &'static [&'static str]) -> Row {
        self.follows = keys;
        self
    }

    /// How to tell what was said of it from what other directives add.
    pub(crate) fn said(mut self, value: fn(&Unit) -> Setting) -> Row {
        if let Body::Kept { said, .. } = &mut self.body {
            *said = Some(value);
        }
        self
    }

    /// Only the daemon uses it: a change holds at once.
    pub(crate) fn live(mut self) -> Row {
        self.restarts = false;
        self
    }

    /// The lines that give `unit` its value, each with its key; an empty one where nothing else
    /// does. None at all when the row is not one to write.
    pub(crate) fn lines(&self, id: super::RowId, unit: &Unit) -> Vec<(String, String)> {
        let own = |values: Vec<String>| {
            let values = match values.is_empty() {
                true => vec![String::new()],
                false => values,
            };
            let line = |value| (self.key.to_owned(), value);
            values.into_iter().map(line).collect()
        };
        match &self.body {
            Body::Field { write, .. } => match write {
                Write::Lines(values) => own(values(unit)),
                Write::Members(words) => own(joined(words(unit))),
                Write::Shared(lines) => lines(unit),
                Write::Elsewhere => Vec::new(),
            },
            Body::Kept {
                kind,
                default,
                said,
            } => match said {
                Some(said) => own(kind.write(&said(unit))),
                None => own(kind.write(unit.settings.by_id(id).unwrap_or(default))),
            },
            Body::Alias { .. } | Body::Nothing => Vec::new(),
        }
    }

    /// The lines that must stand beside those that make `given` for the row's value to be that of
    /// `unit`.
    pub(crate) fn lines_beyond(
        &self,
        id: super::RowId,
        unit: &Unit,
        given: &Unit,
    ) -> Vec<(String, String)> {
        if let Body::Field {
            write: Write::Members(words),
            ..
        } = &self.body
        {
            let given = words(given);
            let beyond = words(unit).into_iter().filter(|word| !given.contains(word));
            let line = |value| (self.key.to_owned(), value);
            return joined(beyond).into_iter().map(line).collect();
        }
        let lines = self.lines(id, unit);
        match lines == self.lines(id, given) {
            true => Vec::new(),
            false => lines,
        }
    }

    /// Whether `unit` leaves the directive at its default, given a unit of its kind that says
    /// nothing.
    pub(crate) fn is_default(&self, id: super::RowId, unit: &Unit, silent: &Unit) -> bool {
        match &self.body {
            // It is kept nowhere as such, so that it was said is all that is known.
            Body::Field {
                write: Write::Elsewhere,
                ..
            } => false,
            Body::Field { shows, .. } if shows.is_empty() => {
                self.lines(id, unit) == self.lines(id, silent)
            }
            Body::Field { shows, .. } => shows
                .iter()
                .all(|shown| (shown.show)(unit) == (shown.show)(silent)),
            Body::Kept { .. } => unit.settings.by_id(id) == silent.settings.by_id(id),
            Body::Alias { .. } | Body::Nothing => true,
        }
    }
}
