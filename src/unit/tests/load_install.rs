//! [Install]: what it makes of units, and what is said of it.
mod tree;

use gitproc_unit::{HostFacts, UnitFileState, properties, property_text};
use tree::{SERVICE, fine, list, loaded, name, said, unit};

fn installing(lines: &str) -> String {
    format!("{SERVICE}[Install]\n{lines}\n")
}

#[test]
fn owners_of_all_kinds_pull_units_in() {
    let all = fine(&[
        (
            "a.service",
            &installing(
                "WantedBy=app.target b.service x@.target\nRequiredBy=\"multi-user.target\" x@y.target",
            ),
        ),
        ("t@.service", &installing("WantedBy=x@.target app.target")),
        ("b.service", SERVICE),
        ("app.target", "[Unit]\nDescription=app\n"),
        ("x@.target", "[Unit]\nDescription=x\n"),
        ("x@z.target", "-> x@.target"),
    ]);
    let wants = |text| list(&unit(&all, text).unit.wants);
    let requires = |text| list(&unit(&all, text).unit.requires);
    assert_eq!(wants("app.target"), "a.service");
    assert_eq!(wants("b.service"), "a.service");
    assert_eq!(wants("x@z.target"), "a.service t@z.service");
    assert_eq!(requires("multi-user.target"), "a.service");
    // It is pulled in by its own RequiredBy=, as any other instance would be.
    assert_eq!(wants("x@y.target"), "a.service t@y.service");
    assert_eq!(requires("x@y.target"), "a.service");
    unit(&all, "t@z.service");
}

/// The work for a word is to be the same however many there are: this took minutes once.
#[test]
fn long_lists_are_read() {
    let words: Vec<String> = (0..20_000).map(|n| format!("u{n}.target")).collect();
    let all = loaded(&[(
        "a.service",
        &installing(&format!("WantedBy={}", words.join(" "))),
    )]);
    assert_eq!(unit(&all, "a.service").install.wanted_by.len(), words.len());
}

#[test]
fn lists_are_reset_and_also_is_not() {
    let all = fine(&[
        (
            "a.service",
            &installing(
                "WantedBy=app.target\nWantedBy=\nAlso=b.service\nAlso=\nAlias=c.service\nAlias=",
            ),
        ),
        ("b.service", SERVICE),
    ]);
    let install = &unit(&all, "a.service").install;
    assert_eq!(list(&install.wanted_by), "");
    assert_eq!(list(&install.also), "b.service");
    assert!(install.names.is_empty());
    assert_eq!(install.state, Some(UnitFileState::Indirect));
}

#[test]
fn a_template_is_enabled_as_its_default_instance() {
    let template = installing(
        "WantedBy=%i.target multi-user.target\nAlias=%p-%i@.service v@%i.service\nDefaultInstance=main",
    );
    let all = fine(&[
        ("w@.service", &template),
        ("w@.service.d/9.conf", "[Install]\nDefaultInstance=other\n"),
        ("other.target", "[Unit]\nDescription=other\n"),
    ]);
    assert_eq!(
        list(&unit(&all, "other.target").unit.wants),
        "w@other.service"
    );
    assert_eq!(
        list(&unit(&all, "multi-user.target").unit.wants),
        "w@other.service"
    );
    assert_eq!(
        list(&unit(&all, "w@other.service").install.names),
        "v@other.service w-other@other.service"
    );
    assert!(all.unit(&name("w@main.service")).is_none());
    // It pulls itself in by nothing, so there is no such instance.
    let all = fine(&[("w@.service", &installing("DefaultInstance=main"))]);
    assert!(all.unit(&name("w@main.service")).is_none());
    // Its own mask takes it away.
    let all = fine(&[
        (
            "w@.service",
            &*installing("WantedBy=multi-user.target\nDefaultInstance=main"),
        ),
        ("w@main.service", ""),
    ]);
    assert!(all.unit(&name("w@main.service")).is_none());
}

#[test]
fn instances_ask_for_themselves() {
    let all = fine(&[
        (
            "w@.service",
            &installing("WantedBy=multi-user.target\nAlias=v@.service\nDefaultInstance=none"),
        ),
        ("w@linked.service", "-> w@.service"),
        (
            "w@own.service",
            &installing("RequiredBy=multi-user.target\nAlias=%p-own@%i.service"),
        ),
        (
            "a.service",
            &format!(
                "[Unit]\nWants=w@ref.service\n{}",
                installing("Also=w@also.service")
            ),
        ),
    ]);
    let target = &unit(&all, "multi-user.target").unit;
    assert_eq!(
        list(&target.wants),
        "w@also.service w@linked.service w@none.service"
    );
    assert_eq!(list(&target.requires), "w@own.service");
    assert_eq!(
        list(&unit(&all, "w@own.service").install.names),
        "v@own.service w-own@own.service"
    );
    assert_eq!(
        list(&unit(&all, "w@ref.service").install.names),
        "v@ref.service"
    );
}

#[test]
fn aliases_are_names() {
    let all = fine(&[
        (
            "a.service",
            &installing(
                "Alias=b.service multi-user.target.wants/a.service \\x61b.service a.service",
            ),
        ),
        (
            "c.service",
            "[Unit]\nRequires=b.service\n[Service]\nExecStart=/bin/c\n",
        ),
        ("b.service.d/1.conf", "[Service]\nNice=1\n"),
        ("my.target", "[Install]\nAlias=default.target\n"),
    ]);
    assert_eq!(
        list(&unit(&all, "a.service").install.names),
        "\\x61b.service b.service"
    );
    assert!(
        unit(&all, "c.service")
            .unit
            .requires
            .contains(&name("a.service"))
    );
    assert!(
        unit(&all, "multi-user.target")
            .unit
            .wants
            .contains(&name("a.service"))
    );
    assert_eq!(unit(&all, "default.target").name, name("my.target"));
}

#[test]
fn what_cannot_be_is_said_with_its_place() {
    for (path, lines, expected) in [
        (
            "a.service",
            "Alias=b.socket",
            "a.service:4:7: Alias=: 'b.socket' can't be: the units are of different kinds",
        ),
        (
            "a.service",
            "Alias=b",
            "a.service:4:7: Alias=: 'b' can't be: 'b' is no unit name: it has no suffix such as .service or .target",
        ),
        (
            "a.service",
            "Alias=x.target.conf/a.service",
            "a.service:4:7: Alias=: 'x.target.conf/a.service' can't be: 'x.target.conf' is no directory of links: UNIT.wants/ or UNIT.requires/",
        ),
        (
            "a.service",
            "Alias=taken.service",
            "a.service:4:7: Alias=: taken.service is a unit of its own",
        ),
        (
            "a.service",
            "Alias=link.service",
            "a.service:4:7: Alias=: link.service is another name of taken.service",
        ),
        (
            "a.service",
            "Alias=masked.service",
            "a.service:4:7: Alias=: masked.service is masked",
        ),
        (
            "a.service",
            "DefaultInstance=x",
            "a.service:4:17: DefaultInstance=: only templates have instances",
        ),
        (
            "a@.service",
            "DefaultInstance=a/b",
            "a@.service:4:17: DefaultInstance=: 'a/b' is no instance name",
        ),
        (
            "a.service",
            "WantedBy=%I.target",
            "a.service:4:10: WantedBy=: specifier %I has no place in a unit name",
        ),
        (
            "a.service",
            "WantedBy=app",
            "a.service:4:10: WantedBy=: 'app' is no unit name: it has no suffix such as .service or .target",
        ),
        (
            "a.service",
            "RequiredBy=x/y.target",
            "a.service:4:12: RequiredBy=: 'x/y.target' is no unit name: only letters, digits and :-_.\\@ may stand in it",
        ),
        (
            "a.service",
            "Also=gone.service gone@x.service taken.service masked.service",
            "a.service:4:6: warning: Also=: gone.service is not in the tree, ignoring; a.service:4:6: warning: Also=: gone@x.service is not in the tree, ignoring",
        ),
        (
            "a.service",
            "WantedBy=gone.service",
            "a.service:4:10: warning: nothing pulls in a.service by gone.service: it is not in the tree",
        ),
    ] {
        let said = said(&[
            (path, &installing(lines)),
            ("taken.service", SERVICE),
            ("link.service", "-> taken.service"),
            ("masked.service", ""),
        ]);
        assert_eq!(said.join("; "), expected);
    }
    let mount = "[Mount]\nWhat=/dev/x\nWhere=/a\n[Install]\nAlias=b.mount\n";
    let said = said(&[("a.mount", mount)]);
    assert!(
        said.contains(&"a.mount:5:7: Alias=: units of this kind have no other names".to_owned()),
        "{said:?}"
    );
}

#[test]
fn install_counts_in_drop_ins_of_the_very_unit() {
    let all = loaded(&[
        ("a-b.service", SERVICE),
        ("www.service", "-> a-b.service"),
        (
            "a-b.service.d/1.conf",
            "[Install]\nWantedBy=multi-user.target\n",
        ),
        (
            "a-.service.d/2.conf",
            "[Install]\nWantedBy=graphical.target\n",
        ),
        (
            "www.service.d/3.conf",
            "[Unit]\nDescription=b\n[Install]\nAlias=c.service\n",
        ),
        (
            "multi-user.target.d/4.conf",
            "[Install]\nWantedBy=x.target\n",
        ),
    ]);
    let said: Vec<String> = all.diagnostics.iter().map(ToString::to_string).collect();
    let ignored = |place: &str, unit: &str| {
        format!("{place}: warning: [Install] counts in drop-ins of {unit} itself only, ignoring")
    };
    assert_eq!(
        said,
        [
            ignored("a-.service.d/2.conf:2:10", "a-b.service"),
            "multi-user.target.d/4.conf:2:10: warning: nothing enables a unit of the host by [Install], ignoring".to_owned(),
            ignored("www.service.d/3.conf:4:7", "a-b.service"),
        ]
    );
    let install = &unit(&all, "a-b.service").install;
    assert_eq!(list(&install.wanted_by), "multi-user.target");
    assert_eq!(list(&install.names), "www.service");
}

#[test]
fn show_tells_what_is_enabled() {
    let all = loaded(&[
        ("enabled.service", &installing("WantedBy=multi-user.target")),
        ("alias.service", &installing("Alias=other.service")),
        ("static.service", SERVICE),
        ("linked.service", SERVICE),
        (
            "multi-user.target.wants/linked.service",
            "-> ../linked.service",
        ),
        ("indirect.service", &installing("Also=enabled.service")),
        ("t@.service", &installing("WantedBy=multi-user.target")),
        ("t@made.service", "-> t@.service"),
        ("u@.service", &installing("WantedBy=multi-user.target")),
        (
            "d@.service",
            &installing("WantedBy=multi-user.target\nDefaultInstance=x"),
        ),
        ("s@.service", SERVICE),
        ("s@made.service", "-> s@.service"),
        (
            "refers.service",
            "[Unit]\nWants=u@ref.service\n[Service]\nExecStart=/bin/x\n",
        ),
    ]);
    for (text, state) in [
        ("enabled.service", "enabled"),
        ("alias.service", "enabled"),
        ("static.service", "static"),
        ("linked.service", "enabled"),
        ("indirect.service", "indirect"),
        ("t@.service", "indirect"),
        ("t@made.service", "enabled"),
        ("u@.service", "disabled"),
        ("u@ref.service", "disabled"),
        ("d@.service", "enabled"),
        ("d@x.service", "enabled"),
        ("s@.service", "static"),
        ("s@made.service", "static"),
        ("multi-user.target", ""),
    ] {
        let shown = properties(unit(&all, text), &HostFacts::example());
        let found = shown.iter().find(|(key, _)| *key == "UnitFileState");
        let found = found.map(|(_, value)| property_text(value));
        assert_eq!(found.as_deref(), Some(state), "{text}");
    }
    let state = |text| all.file_state(&name(text));
    assert_eq!(state("other.service"), Some(UnitFileState::Alias));
    assert_eq!(state("static.service"), Some(UnitFileState::Static));
    assert_eq!(state("multi-user.target"), None);
    assert_eq!(state("nowhere.service"), None);
}
