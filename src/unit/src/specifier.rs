//! `%x` in values (systemd.unit(5), SPECIFIERS). One table says what each letter stands for, and
//! where it is known.
use crate::escape;
use crate::ini::LINE_MAX;
use crate::name::{NameForm, UNIT_NAME_MAX, UnitName};
use crate::tree::{HostFacts, OsRelease};
use crate::value::{ValueError, directory_of};

/// What specifiers of one unit are resolved from.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The unit.
    pub name: &'a UnitName,
    /// Its fragment, relative to the directory of units; when not told, the file that it would be
    /// read from were there neither links nor files of single instances.
    pub fragment: Option<&'a str>,
    /// The host.
    pub facts: &'a HostFacts,
}

/// One specifier.
pub struct Specifier {
    /// What follows the `%`.
    pub letter: char,
    /// Whether it is known in names of units and in [Install], too: those that are safe there.
    pub in_names: bool,
    /// What it stands for, for people.
    pub meaning: &'static str,
    value: fn(&Scope<'_>) -> Result<String, ValueError>,
}

macro_rules! table {
    ($($letter:literal $place:ident $meaning:literal $value:expr;)*) => {
        &[$(Specifier {
            letter: $letter,
            in_names: table!(@ $place),
            meaning: $meaning,
            value: $value,
        },)*]
    };
    (@ anywhere) => { true };
    (@ values) => { false };
}

/// All specifiers of systemd 252. `%c`, `%r` and `%R` are known to it, and deprecated.
pub const SPECIFIERS: &[Specifier] = table! {
    'a' anywhere "architecture" |s| Ok(s.facts.architecture.clone());
    'A' anywhere "version of the OS image" |s| os_release(s, |os| &os.image_version);
    'b' anywhere "boot id" |s| Ok(s.facts.boot_id.clone());
    'B' anywhere "build id of the OS" |s| os_release(s, |os| &os.build_id);
    'c' values "cgroup of the unit (deprecated)" |s| Ok(format!("{}/{}", s.facts.cgroup_root, s.name));
    'C' values "root of cache directories" |s| Ok(s.facts.cache_dir.clone());
    'd' values "directory of the unit's credentials" |s| Ok(credentials(s));
    'E' values "root of configuration directories" |s| Ok(s.facts.config_dir.clone());
    'f' values "path that the instance, or else the prefix, stands for" path_of_name;
    'g' anywhere "group of the daemon" |s| Ok(s.facts.group.clone());
    'G' anywhere "gid of the daemon" |s| Ok(s.facts.gid.to_string());
    'h' values "home directory of the daemon's user" |s| Ok(s.facts.home.clone());
    'H' anywhere "host name" |s| Ok(s.facts.host_name.clone());
    'i' anywhere "instance" |s| Ok(instance(s).to_owned());
    'I' values "instance, unescaped" |s| unescape(instance(s));
    'j' anywhere "what follows the last - of the prefix" |s| Ok(last(s).to_owned());
    'J' values "the same, unescaped" |s| unescape(last(s));
    'l' anywhere "host name up to its first dot" |s| Ok(short_host_name(s.facts).to_owned());
    'L' values "root of log directories" |s| Ok(s.facts.logs_dir.clone());
    'm' anywhere "machine id" |s| Ok(s.facts.machine_id.clone());
    'M' anywhere "id of the OS image" |s| os_release(s, |os| &os.image_id);
    'n' anywhere "name of the unit" |s| Ok(s.name.to_string());
    'N' anywhere "the same without its suffix" |s| Ok(s.name.stem().to_owned());
    'o' anywhere "id of the OS" |s| os_release(s, |os| &os.id);
    'p' anywhere "prefix: the name up to its @" |s| Ok(s.name.prefix().to_owned());
    'P' values "prefix, unescaped" |s| unescape(s.name.prefix());
    'q' anywhere "pretty host name" |s| Ok(pretty_host_name(s.facts).to_owned());
    'r' values "cgroup of the unit's slice (deprecated)" |s| Ok(s.facts.cgroup_root.clone());
    'R' values "root cgroup of the daemon (deprecated)" |s| Ok(s.facts.cgroup_root.clone());
    's' values "shell of the daemon's user" |s| Ok(s.facts.shell.clone());
    'S' values "root of state directories" |s| Ok(s.facts.state_dir.clone());
    't' values "root of runtime directories" |s| Ok(s.facts.runtime_dir.clone());
    'T' values "directory for temporary files" |s| Ok(s.facts.tmp_dir.clone());
    'u' anywhere "user of the daemon" |s| Ok(s.facts.user.clone());
    'U' anywhere "uid of the daemon" |s| Ok(s.facts.uid.to_string());
    'v' anywhere "kernel release" |s| Ok(s.facts.kernel_release.clone());
    'V' values "directory for larger temporary files" |s| Ok(s.facts.var_tmp_dir.clone());
    'w' anywhere "version of the OS" |s| os_release(s, |os| &os.version_id);
    'W' anywhere "variant of the OS" |s| os_release(s, |os| &os.variant_id);
    'y' values "path of the unit file" fragment_path;
    'Y' values "directory of the unit file" fragment_directory;
};

/// A value with its specifiers resolved, for a unit whose fragment is where its name says.
pub fn resolve(text: &str, name: &UnitName, facts: &HostFacts) -> Result<String, ValueError> {
    Scope {
        name,
        fragment: None,
        facts,
    }
    .resolve(text)
}

/// A unit name, or another word of [Install], with its specifiers resolved. In [Install] of a
/// template, `name` is the instance that `DefaultInstance=` says, when it says one.
pub fn resolve_name(text: &str, name: &UnitName, facts: &HostFacts) -> Result<String, ValueError> {
    let scope = Scope {
        name,
        fragment: None,
        facts,
    };
    scope.replace(text, UNIT_NAME_MAX, |specifier| specifier.in_names)
}

/// `text` such that [`resolve`] gives it back.
pub fn escape(text: &str) -> String {
    text.replace('%', "%%")
}

impl Scope<'_> {
    /// A value with its specifiers resolved.
    pub fn resolve(&self, text: &str) -> Result<String, ValueError> {
        self.replace(text, LINE_MAX, |_| true)
    }

    /// `%` before anything but a letter or digit is literal, and so is one at the end.
    fn replace(
        &self,
        text: &str,
        longest: usize,
        known: impl Fn(&Specifier) -> bool,
    ) -> Result<String, ValueError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(c) = rest.chars().next() else {
                out.push('%');
                break;
            };
            if c == '%' {
                out.push('%');
                rest = &rest[1..];
            } else if c.is_ascii_alphanumeric() {
                let mut all = SPECIFIERS.iter();
                let Some(found) = all.find(|one| one.letter == c && known(one)) else {
                    return Err(unknown(c));
                };
                out.push_str(&(found.value)(self)?);
                rest = &rest[1..];
            } else {
                out.push('%');
            }
            if out.len() > longest {
                break;
            }
        }
        out.push_str(rest);
        match out.len() > longest {
            true => Err(ValueError(format!(
                "longer than {longest} bytes once its specifiers are resolved"
            ))),
            false => Ok(out),
        }
    }
}

fn unknown(c: char) -> ValueError {
    match SPECIFIERS.iter().any(|one| one.letter == c) {
        true => ValueError(format!("specifier %{c} has no place in a unit name")),
        false => ValueError(format!("unknown specifier %{c}; write %% for a %")),
    }
}

fn instance<'a>(scope: &Scope<'a>) -> &'a str {
    scope.name.instance().unwrap_or("")
}

fn last<'a>(scope: &Scope<'a>) -> &'a str {
    let prefix = scope.name.prefix();
    prefix.rsplit_once('-').map_or(prefix, |(_, last)| last)
}

fn unescape(part: &str) -> Result<String, ValueError> {
    escape::unescape(part).ok_or_else(|| ValueError::not(part, "escaped text"))
}

fn path_of_name(scope: &Scope<'_>) -> Result<String, ValueError> {
    let part = match scope.name.instance() {
        None => {
            return scope
                .name
                .to_path()
                .map_err(|err| ValueError(err.to_string()));
        }
        Some(instance) => instance,
    };
    escape::path_unescape(part).ok_or_else(|| ValueError::not(part, "escaped path"))
}

fn credentials(scope: &Scope<'_>) -> String {
    format!("{}/credentials/{}", scope.facts.runtime_dir, scope.name)
}

/// A field that the file does not have is empty; a host without the file is in no state to say.
fn os_release(scope: &Scope<'_>, field: fn(&OsRelease) -> &String) -> Result<String, ValueError> {
    match &scope.facts.os_release {
        Some(known) => Ok(field(known).clone()),
        None => Err(ValueError("this host has no os-release file".into())),
    }
}

fn fragment_path(scope: &Scope<'_>) -> Result<String, ValueError> {
    let Some(directory) = &scope.facts.units_dir else {
        return Err(ValueError(
            "%y and %Y are not honoured: unit files lie in git, and at no path".into(),
        ));
    };
    let usual = match scope.name.form() {
        NameForm::Plain | NameForm::Template => scope.name.clone(),
        NameForm::Instance => scope.name.template().expect("an instance has a template"),
    };
    let file = scope.fragment.unwrap_or(usual.as_str());
    Ok(format!("{}/{file}", directory.trim_end_matches('/')))
}

fn fragment_directory(scope: &Scope<'_>) -> Result<String, ValueError> {
    directory_of(&fragment_path(scope)?).map_err(|err| ValueError(err.to_string()))
}

/// A host name up to its first dot.
fn short_host_name(facts: &HostFacts) -> &str {
    facts.host_name.split('.').next().unwrap_or("")
}

fn pretty_host_name(facts: &HostFacts) -> &str {
    match &facts.pretty_host_name {
        Some(name) => name,
        None => short_host_name(facts),
    }
}
