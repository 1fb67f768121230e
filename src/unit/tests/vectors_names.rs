//! Unit names: systemd's answers.
mod table;

use gitproc_unit::escape::{escape, path_escape, path_unescape, unescape};
use gitproc_unit::name::alias::{self, AliasError};
use gitproc_unit::name::{Globs, NameForm, is_instance, is_prefix, mangle, slice};
use gitproc_unit::{UnitKind, UnitName};
use table::{Row, check, same};

#[test]
fn names_are_judged_made_and_taken_apart() {
    check(include_str!("vectors/unit-name.tsv"), |row| {
        same(answer(row)?, row.option("result"))
    });
}

fn answer(row: &Row) -> Result<Option<String>, String> {
    let text = row.text("text");
    let text = text.as_str();
    let name = UnitName::parse(text).ok();
    let other = || UnitName::parse(&row.text("other")).ok();
    let kind = |suffix: &str| UnitKind::from_suffix(suffix);
    let is = |answer| Some(if answer { "yes" } else { "no" }.to_owned());
    let shown = |name: UnitName| name.as_str().to_owned();
    Ok(match row.text("what").as_str() {
        "valid" => {
            let form = name.map(|name| match name.form() {
                NameForm::Plain => "plain",
                NameForm::Template => "template",
                NameForm::Instance => "instance",
            });
            let wanted = row.list("other");
            is(form.is_some_and(|form| wanted.iter().any(|one| one == form)))
        }
        "with-instance" => name
            .and_then(|name| name.with_instance(&row.text("other")).ok())
            .map(shown),
        "hashed" => is(name.is_some_and(|name| name.is_hashed())),
        "from-path" => kind(&row.text("other"))
            .and_then(|kind| UnitName::from_path(text, kind).ok())
            .map(shown),
        "from-path-instance" => {
            let other = row.list("other");
            kind(&other[1])
                .and_then(|kind| UnitName::from_path_instance(&other[0], text, kind).ok())
                .map(shown)
        }
        "to-path" => name.and_then(|name| name.to_path().ok()),
        "mangle" => {
            let globs = match row.text("other").as_str() {
                "globs" => Globs::Keep,
                _ => Globs::Escape,
            };
            mangle(text, UnitKind::Service, globs).ok()
        }
        "instance" => is(is_instance(text)),
        "prefix" => is(is_prefix(text)),
        "slice" => is(name.is_some_and(|name| slice::is_slice(&name))),
        "build" => {
            let other = row.list("other");
            let instance = other.get(1).map(String::as_str);
            kind(&other[0])
                .and_then(|kind| UnitName::build(text, instance, kind).ok())
                .map(shown)
        }
        "parent-slice" => match name.map(|name| slice::parent(&name)) {
            Some(Ok(Some(parent))) => Some(shown(parent)),
            Some(Ok(None)) => Some("none".into()),
            Some(Err(_)) | None => None,
        },
        "instance-of" => {
            let form = name.as_ref().map(UnitName::form);
            let wanted = match row.text("other").as_str() {
                "instance" => Some(NameForm::Instance),
                _ => None,
            };
            same(form, wanted)?;
            name.and_then(|name| name.instance().map(str::to_owned))
        }
        "template-of" => name.and_then(|name| name.template()).map(shown),
        "to-prefix" => name.map(|name| name.prefix().to_owned()),
        "escape" => Some(escape(text)),
        "unescape" => unescape(text),
        "path-escape" => path_escape(text),
        "path-unescape" => path_unescape(text),
        "same-prefix" => is(name.zip(other()).is_some_and(|(a, b)| a.same_prefix(&b))),
        "alias" => Some(alias_answer(text, &row.text("other")).into()),
        "grows" => is(alias::grows_with_instance(text)),
        "endless" => {
            let unit = UnitName::parse("foobar@1.service").expect("a name");
            let dependency = name.ok_or("the dependency is a name")?;
            is(alias::is_endless(
                &unit,
                &dependency,
                &row.text("other"),
                true,
            ))
        }
        what => return Err(format!("what is {what}?")),
    })
}

/// Which side a link between two files is refused for.
fn alias_answer(link: &str, target: &str) -> &'static str {
    let name = |path: &str| UnitName::parse(path.rsplit_once('/').map_or(path, |(_, name)| name));
    let (Ok(link), target) = (name(link), name(target)) else {
        return "link";
    };
    match target.map(|target| alias::check(&link, &target)) {
        Ok(Ok(())) => "allowed",
        Ok(Err(AliasError::Kind)) => "link",
        Ok(Err(AliasError::Itself)) => "itself",
        Ok(Err(AliasError::Form | AliasError::Instance | AliasError::OtherKind)) | Err(_) => {
            "target"
        }
    }
}

#[test]
fn more_of_the_same_rules() {
    let name = |text: &str| UnitName::parse(text).expect("a name");
    let unit = name("foobar@1.service");
    for (dependency, written, same_file, endless) in [
        ("foobar@a1.service", "foobar@a%i.service", true, true),
        ("foobar@a1.service", "foobar@a%i.service", false, false),
        ("quux@x.service", "quux@%n.service", true, false),
        ("foobar@x.mount", "foobar@%n.mount", true, false),
    ] {
        let got = alias::is_endless(&unit, &name(dependency), written, same_file);
        assert_eq!(got, endless, "{written}");
    }
    for (link, target, answer) in [
        ("a@.service", "b@.service", "allowed"),
        ("a@x.service", "b@x.service", "allowed"),
        ("a@x.service", "b@.service", "allowed"),
        ("a@.service", "b@x.service", "target"),
        ("a@.service", "b.service", "target"),
        ("a.service", "a.service", "itself"),
        ("a.mount", "b.mount", "link"),
    ] {
        assert_eq!(alias_answer(link, target), answer, "{link} -> {target}");
    }
    assert_eq!(
        slice::path(&name("a-b-c.slice")).expect("a slice"),
        ["-.slice", "a.slice", "a-b.slice", "a-b-c.slice"].map(name)
    );
    assert_eq!(slice::child(&name("a.slice"), "b"), Ok(name("a-b.slice")));
    assert_eq!(slice::child(&name("-.slice"), "b"), Ok(name("b.slice")));
    assert_eq!(
        name("a@b.service").with_kind(UnitKind::Socket),
        Ok(name("a@b.socket"))
    );
}
