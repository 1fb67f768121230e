//! Names: templates and instances, links, aliases, masks; and what directories pull in.
mod tree;

use gitproc_unit::{Origin, PropertyValue, UnitFileState, properties};
use tree::{SERVICE, fine, list, loaded, name, said, unit};

/// The file that a unit is read from.
#[track_caller]
fn fragment(all: &gitproc_unit::Loaded, text: &str) -> String {
    match &unit(all, text).origin {
        Origin::Tree { fragment, .. } => fragment.clone(),
        Origin::BuiltIn { .. } => "the host".into(),
    }
}

#[test]
fn the_file_of_an_instance_goes_before_its_template() {
    let all = loaded(&[
        ("w@.service", "[Service]\nExecStart=/bin/w %i\n"),
        ("w@own.service", "[Service]\nExecStart=/bin/own\n"),
        ("v@.service", "-> w@.service"),
        (
            "app.target",
            "[Unit]\nWants=w@own.service w@ref.service v@own.service v@other.service\n\
             OnFailure=w@failed.service\nAfter=w@late.service\n",
        ),
    ]);
    for (unit, file) in [
        ("w@own.service", "w@own.service"),
        ("v@own.service", "w@own.service"),
        ("w@ref.service", "w@.service"),
        ("w@other.service", "w@.service"),
        ("w@failed.service", "w@.service"),
        ("w@late.service", "w@.service"),
    ] {
        assert_eq!(fragment(&all, unit), file, "{unit}");
    }
    assert_eq!(
        list(&unit(&all, "app.target").unit.wants),
        "w@other.service w@own.service w@ref.service"
    );
}

#[test]
fn links_lead_to_units() {
    let files = [
        ("a.service", SERVICE),
        ("b.service", "-> a.service"),
        ("c.service", "-> ./b.service"),
        ("t@.service", SERVICE),
        ("u@.service", "-> t@.service"),
        ("t@made.service", "-> t@.service"),
        ("u@one.service", "-> t@one.service"),
        ("v@one.service", "-> t@.service"),
        ("own@one.service", "-> u@.service"),
        ("t@over.service", "-> u@.service"),
        ("u@apart.service", SERVICE),
        ("default.target", "-> multi-user.target"),
        (
            "app.target",
            "[Unit]\nRequires=c.service u@x.service u@one.service v@one.service own@one.service \
             t@over.service u@apart.service default.target\n",
        ),
    ];
    let all = fine(&files);
    assert_eq!(
        list(&unit(&all, "app.target").unit.requires),
        "a.service multi-user.target t@one.service t@over.service t@x.service u@apart.service"
    );
    assert_eq!(
        list(&unit(&all, "a.service").install.names),
        "b.service c.service"
    );
    assert_eq!(
        list(&unit(&all, "t@one.service").install.names),
        "own@one.service u@one.service v@one.service"
    );
    assert_eq!(
        list(&unit(&all, "t@made.service").install.names),
        "u@made.service"
    );
    assert_eq!(
        unit(&all, "u@apart.service").name.as_str(),
        "u@apart.service"
    );
    assert_eq!(all.units.canonical(&name("c.service")), &name("a.service"));
    assert_eq!(unit(&all, "default.target").name, name("multi-user.target"));
    let facts = gitproc_unit::HostFacts::example();
    let shown = properties(unit(&all, "a.service"), &facts);
    let names = shown
        .iter()
        .find(|(key, _)| *key == "Names")
        .map(|(_, value)| value);
    let expected = ["a.service", "b.service", "c.service"];
    let expected = expected.map(|name| PropertyValue::Text(name.into()));
    assert_eq!(names, Some(&PropertyValue::List(expected.into())));
}

#[test]
fn links_that_cannot_be_are_refused() {
    let template = ("t@.service", SERVICE);
    let plain = ("a.service", SERVICE);
    let socket = ("s.socket", "[Socket]\nListenStream=/run/s\n");
    for (path, link, message) in [
        (
            "b.service",
            "s.socket",
            "links to s.socket, which can't be: the units are of different kinds",
        ),
        (
            "b.service",
            "t@.service",
            "links to t@.service, which can't be: a plain name, a template and an instance can't \
             stand for each other",
        ),
        (
            "t@x.service",
            "t@y.service",
            "links to t@y.service, which can't be: the instances differ",
        ),
        (
            "b.mount",
            "c.mount",
            "links to c.mount, which can't be: units of this kind have no other names",
        ),
        (
            "b.service",
            "gone.service",
            "links to gone.service, which is no unit of this directory",
        ),
        (
            "b@x.service",
            "c@x.service",
            "links to c@x.service, which is no unit of this directory",
        ),
        (
            "b.service",
            "sub/a.service",
            "links to sub/a.service, which is no unit of this directory",
        ),
        (
            "b.service",
            "../a.service",
            "links to ../a.service, which is no unit of this directory",
        ),
        (
            "b.service",
            "/lib/a.service",
            "links to /lib/a.service, which is no unit of this directory",
        ),
        (
            "b.service",
            "b.service",
            "links in a circle, or over too many links",
        ),
    ] {
        let link = format!("-> {link}");
        let all = said(&[template, plain, socket, (path, &link)]);
        assert!(
            all.contains(&format!("{path}: {message}")),
            "{path} {link}: {all:#?}"
        );
    }
}

#[test]
fn a_chain_of_links_has_an_end() {
    let files: Vec<(String, String)> = (1..=10)
        .map(|n| {
            (
                format!("l{n:02}.service"),
                format!("-> l{:02}.service", n - 1),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    files.push(("l00.service", SERVICE));
    let all = said(&files);
    let refused = ["l08.service", "l09.service", "l10.service"];
    assert_eq!(
        all,
        refused.map(|path| format!("{path}: links in a circle, or over too many links"))
    );
}

#[test]
fn masks_hide_units_instances_and_templates() {
    for mask in [
        "-> /dev/null",
        "-> ../../../../dev/null",
        "-> /usr/../dev/null",
        "",
    ] {
        let all = fine(&[
            ("a.service", mask),
            ("b.service", "-> a.service"),
            ("t@.service", SERVICE),
            ("t@x.service", mask),
            ("u@.service", mask),
            ("graphical.target", mask),
            (
                "app.target",
                "[Unit]\nWants=a.service b.service t@x.service t@y.service u@z.service\n",
            ),
        ]);
        for masked in [
            "a.service",
            "b.service",
            "t@x.service",
            "u@z.service",
            "graphical.target",
        ] {
            assert!(all.unit(&name(masked)).is_none(), "{masked}");
        }
        unit(&all, "t@y.service");
        for masked in [
            "a.service",
            "b.service",
            "t@x.service",
            "u@.service",
            "graphical.target",
        ] {
            assert_eq!(
                all.file_state(&name(masked)),
                Some(UnitFileState::Masked),
                "{masked}"
            );
        }
    }
}

#[test]
fn instances_do_not_grow_for_ever() {
    let report = "[Service]\nExecStart=/bin/report %i\n";
    let all = fine(&[
        ("report@.service", report),
        ("a.service", SERVICE),
        ("service.d/10.conf", "[Unit]\nAfter=report@%n.service\n"),
    ]);
    assert_eq!(
        all.units
            .units
            .keys()
            .filter(|name| name.prefix() == "report")
            .count(),
        2
    );
    unit(&all, "report@a.service.service");
    // A file of its own is another unit: nothing grows from it.
    let all = fine(&[
        (
            "w@.service",
            "[Unit]\nAfter=w@a%i.service\n[Service]\nExecStart=/bin/w\n",
        ),
        ("w@x.service", "-> w@.service"),
        ("w@ax.service", SERVICE),
    ]);
    assert!(
        unit(&all, "w@x.service")
            .unit
            .after
            .contains(&name("w@ax.service"))
    );
    // Two templates that feed each other are stopped by the length of names.
    let all = said(&[
        (
            "a@.service",
            "[Unit]\nWants=b@x%i.service\n[Service]\nExecStart=/bin/a\n",
        ),
        (
            "b@.service",
            "[Unit]\nWants=a@x%i.service\n[Service]\nExecStart=/bin/b\n",
        ),
        ("a@1.service", "-> a@.service"),
    ]);
    assert!(
        all.iter()
            .any(|line| line.contains("longer than 255 bytes")),
        "{all:?}"
    );
}

#[test]
fn directories_pull_in_by_the_names_of_their_links() {
    let all = fine(&[
        ("a.service", SERVICE),
        ("b.service", "-> a.service"),
        ("c.service", SERVICE),
        ("t@.service", SERVICE),
        ("app.target", "[Unit]\nDescription=app\n"),
        ("apps.target", "-> app.target"),
        ("x@.target", "[Unit]\nDescription=x\n"),
        ("app.target.wants/a.service", "-> ../a.service"),
        (
            "apps.target.wants/c.service",
            "-> /etc/systemd/system/c.service",
        ),
        ("app.target.requires/t@one.service", "-> ../t@.service"),
        ("multi-user.target.wants/app.target", "-> ../app.target"),
        ("multi-user.target.wants/x@y.target", "-> ../x@.target"),
        ("x@.target.wants/t@.service", "-> ../t@.service"),
        ("a.service.wants/c.service", "-> ../c.service"),
        ("target.requires/a.service", "-> ../a.service"),
        ("app.target.requires/a.service", "-> /dev/null"),
        ("app.target.wants/.hidden.service", "-> ../a.service"),
    ]);
    let app = &unit(&all, "app.target").unit;
    assert_eq!(list(&app.wants), "a.service c.service");
    assert_eq!(list(&app.requires), "t@one.service");
    let x = &unit(&all, "x@y.target").unit;
    assert_eq!(
        (list(&x.wants), list(&x.requires)),
        ("t@y.service".into(), "a.service".into())
    );
    assert_eq!(list(&unit(&all, "a.service").unit.wants), "c.service");
    for instance in ["t@one.service", "t@y.service"] {
        assert_eq!(fragment(&all, instance), "t@.service");
    }
}

#[test]
fn odd_members_of_directories_are_said() {
    let base = [("a.service", SERVICE), ("b.service", SERVICE)];
    for (path, text, expected) in [
        (
            "multi-user.target.wants/b.service",
            "-> ../a.service",
            "warning: links to ../a.service, but it is the name of the link that counts: b.service",
        ),
        (
            "multi-user.target.wants/a.service",
            "[Unit]\n",
            "is no link, and .wants/ holds links to units",
        ),
        (
            "multi-user.target.requires/a",
            "-> ../a.service",
            "'a' is no unit name: it has no suffix such as .service or .target",
        ),
        (
            "multi-user.target.wants/x.service",
            "-> /usr/lib/systemd/system/x.service",
            "links to /usr/lib/systemd/system/x.service, which is no unit of this directory",
        ),
        (
            "gone.target.wants/a.service",
            "-> ../a.service",
            "warning: nothing pulls in a.service by gone.target: it is not in the tree",
        ),
    ] {
        let all = said(&[base[0], base[1], (path, text)]);
        assert_eq!(all, [format!("{path}: {expected}")]);
    }
    let all = loaded(&[
        base[0],
        base[1],
        ("multi-user.target.wants/b.service", "-> ../a.service"),
    ]);
    assert_eq!(
        list(&unit(&all, "multi-user.target").unit.wants),
        "b.service"
    );
}
