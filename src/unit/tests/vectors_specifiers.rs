//! Specifiers: systemd's answers, on the host that gave them.
mod table;

use gitproc_unit::specifier::{SPECIFIERS, Scope, escape, resolve, resolve_name};
use gitproc_unit::{HostFacts, UnitName};
use table::{check, same};

/// The host where systemd was asked.
fn host() -> HostFacts {
    HostFacts {
        host_name: "vm".into(),
        machine_id: "3d1219c7c4c5404aaa1f6d2a48adfda4".into(),
        shell: "/bin/bash".into(),
        units_dir: Some("/tmp".into()),
        cgroup_root: "/cgroup-root".into(),
        ..HostFacts::example()
    }
}

#[test]
fn values_are_resolved() {
    check(include_str!("vectors/specifier.tsv"), |row| {
        let unit = UnitName::parse(&row.text("unit")).map_err(|err| err.to_string())?;
        let got = resolve(&row.text("text"), &unit, &host());
        same(got.ok(), row.option("result"))
    });
}

#[test]
fn names_are_resolved() {
    check(include_str!("vectors/specifier-install.tsv"), |row| {
        if row.text("what") == "escape" {
            let escaped = |texts: Vec<String>| texts.iter().map(|text| escape(text)).collect();
            return same(escaped(row.list("text")), row.list("result"));
        }
        let unit = UnitName::parse(&row.text("unit")).map_err(|err| err.to_string())?;
        let facts = match row.text("scope").as_str() {
            "system" => host(),
            _ => HostFacts {
                user: "ada".into(),
                uid: 1000,
                group: "users".into(),
                gid: 100,
                ..host()
            },
        };
        same(
            resolve_name(&row.text("text"), &unit, &facts),
            Ok(row.text("result")),
        )
    });
}

#[test]
fn texts_hold_several() {
    for (unit, text, expected) in [
        (
            "blah@foo-foo.service",
            "%I %i %J %j %p %P %n %N",
            "foo/foo foo-foo blah blah blah blah blah@foo-foo.service blah@foo-foo",
        ),
        ("blah@a\\x2db.service", "%I %f", "a-b /a-b"),
        ("blah-foo.service", "%j %P %f", "foo blah/foo /blah/foo"),
        ("x.service", "%t/%p %% %- 50%", "/run/x % %- 50%"),
    ] {
        let name = UnitName::parse(unit).expect("a name");
        assert_eq!(resolve(text, &name, &host()).as_deref(), Ok(expected));
    }
}

#[test]
fn what_cant_be_told_is_an_error() {
    let unit = UnitName::parse("a@b.service").expect("a name");
    let known = host();
    let unknown = HostFacts {
        os_release: None,
        units_dir: None,
        ..host()
    };
    for (text, facts, message) in [
        ("%z", &known, "unknown specifier %z; write %% for a %"),
        ("%1", &known, "unknown specifier %1; write %% for a %"),
        ("%o", &unknown, "this host has no os-release file"),
        (
            "%y",
            &unknown,
            "%y and %Y are not honoured: unit files lie in git, and at no path",
        ),
    ] {
        let error = resolve(text, &unit, facts).expect_err(text);
        assert_eq!(error.to_string(), message);
    }
    for letter in [
        "%f", "%I", "%J", "%P", "%t", "%S", "%T", "%h", "%s", "%d", "%y",
    ] {
        assert!(resolve(letter, &unit, &known).is_ok(), "{letter}");
        assert!(resolve_name(letter, &unit, &known).is_err(), "{letter}");
    }
    // Escaped text that is none has no unescaped form, and `//` is no path.
    let odd = UnitName::parse(r"a@b\c.service").expect("a name");
    assert!(resolve("%I", &odd, &known).is_err());
    assert!(resolve("%i", &odd, &known).is_ok());
    let odd = UnitName::parse("a@-b.service").expect("a name");
    assert_eq!(resolve("%I", &odd, &known).as_deref(), Ok("/b"));
    assert!(resolve("%f", &odd, &known).is_err());
    let long = "%n".repeat(200_000);
    assert!(resolve(&long, &unit, &known).is_err(), "a MiB is enough");
}

#[test]
fn a_fragment_that_is_told_is_where_the_unit_lies() {
    let (unit, facts) = (UnitName::parse("a@b.service").expect("a name"), host());
    let told = |fragment| Scope {
        name: &unit,
        fragment,
        facts: &facts,
    };
    assert_eq!(told(None).resolve("%y").as_deref(), Ok("/tmp/a@.service"));
    let own = told(Some("a@b.service")).resolve("%y of %Y");
    assert_eq!(own.as_deref(), Ok("/tmp/a@b.service of /tmp"));
}

#[test]
fn the_table_is_in_order() {
    let letters: Vec<char> = SPECIFIERS.iter().map(|one| one.letter).collect();
    let mut sorted = letters.clone();
    sorted.sort_by_key(|c| (c.to_ascii_lowercase(), c.is_ascii_uppercase()));
    sorted.dedup();
    assert_eq!(letters, sorted);
}
