//! Drop-ins: which directories speak for a unit, in which order, and what takes one away.
mod tree;

use gitproc_unit::{HostFacts, Origin, TreeEntry, load};
use tree::{SERVICE, drop_ins, fine, list, loaded, name, said, tree as tree_of, unit};

#[test]
fn file_names_give_the_order_and_the_nearest_directory_wins() {
    let all = fine(&[
        ("a-b-c.service", SERVICE),
        ("service.d/10.conf", "# kind"),
        ("service.d/50.conf", "# kind"),
        ("a-.service.d/10.conf", "# a-"),
        ("a-.service.d/30.conf", "# a-"),
        ("a-b-.service.d/30.conf", "# a-b-"),
        ("a-b-.service.d/20.conf", "# a-b-"),
        ("a-b-c.service.d/40.conf", "# own"),
        ("a-b-c.service.d/20.conf", "# own"),
        ("a-b-c-.service.d/10.conf", "# of longer names"),
        ("a.service", SERVICE),
    ]);
    assert_eq!(
        drop_ins(&all, "a-b-c.service"),
        "a-.service.d/10.conf a-b-c.service.d/20.conf a-b-.service.d/30.conf \
         a-b-c.service.d/40.conf service.d/50.conf"
    );
    assert_eq!(
        drop_ins(&all, "a.service"),
        "service.d/10.conf service.d/50.conf"
    );
}

#[test]
fn instances_read_their_own_their_templates_and_those_of_prefixes() {
    let all = fine(&[
        ("a-b@.service", SERVICE),
        ("a-b@x.service", "-> a-b@.service"),
        ("a-b@y.service", "[Service]\nExecStart=/bin/y\n"),
        ("a-b@x.service.d/1.conf", "# x"),
        ("a-b@.service.d/1.conf", "# template"),
        ("a-b@.service.d/2.conf", "# template"),
        ("a-.service.d/2.conf", "# prefix"),
        ("a-.service.d/3.conf", "# prefix"),
        ("a-@x.service.d/3.conf", "# prefix with the instance"),
        ("a-@x.service.d/4.conf", "# prefix with the instance"),
        ("a-@.service.d/4.conf", "# prefix as a template"),
        ("a-@.service.d/5.conf", "# prefix as a template"),
    ]);
    let of = |unit| drop_ins(&all, unit);
    assert_eq!(
        of("a-b@x.service"),
        "a-b@x.service.d/1.conf a-b@.service.d/2.conf a-.service.d/3.conf a-@x.service.d/4.conf \
         a-@.service.d/5.conf"
    );
    assert_eq!(
        of("a-b@y.service"),
        "a-b@.service.d/1.conf a-b@.service.d/2.conf a-.service.d/3.conf a-@.service.d/4.conf \
         a-@.service.d/5.conf"
    );
    assert_eq!(
        of("a-b@.service"),
        "a-b@.service.d/1.conf a-b@.service.d/2.conf a-.service.d/3.conf"
    );
}

#[test]
fn an_empty_file_or_a_link_to_nothing_takes_a_drop_in_away() {
    let all = fine(&[
        ("a-b.service", SERVICE),
        ("service.d/1.conf", "[Service]\nNice=1\n"),
        ("service.d/2.conf", "[Service]\nNice=2\n"),
        ("service.d/3.conf", "[Service]\nNice=3\n"),
        ("a-.service.d/2.conf", ""),
        ("a-b.service.d/3.conf", "-> ../../dev/null"),
        ("a-b.service.d/4.conf", "-> /dev/null"),
    ]);
    assert_eq!(drop_ins(&all, "a-b.service"), "service.d/1.conf");
}

#[test]
fn hidden_and_backup_files_are_no_drop_ins() {
    let mut tree = tree_of(&[
        ("a.service", SERVICE),
        ("a.service.d/.1.conf", "[Service]\nNice=x\n"),
        ("a.service.d/2.conf~", "[Service]\nNice=x\n"),
        ("a.service.d/3.conf.bak", "[Service]\nNice=x\n"),
        ("a.service.d/README", "[Service]\nNice=x\n"),
        ("a.service.d/5.conf", "[Service]\nNice=5\n"),
        ("conf.d/1.conf", "[Service]\nNice=x\n"),
    ]);
    for path in ["a.service.d/.4.conf", "conf.d/2.conf"] {
        let problem = TreeEntry::Problem("larger than 1048576 bytes".into());
        tree.entries.insert(path.into(), problem);
    }
    let all = load(&tree, &HostFacts::example());
    assert_eq!(all.diagnostics, []);
    assert_eq!(drop_ins(&all, "a.service"), "a.service.d/5.conf");
    let problem = TreeEntry::Problem("invalid UTF-8 at byte 3".into());
    tree.entries.insert("a.service.d/6.conf".into(), problem);
    assert_eq!(
        load(&tree, &HostFacts::example()).diagnostics[0].to_string(),
        "a.service.d/6.conf: can't be read: invalid UTF-8 at byte 3"
    );
}

#[test]
fn a_linked_drop_in_is_read_where_it_leads() {
    let files = [
        ("a.service", SERVICE),
        ("b.service", SERVICE),
        ("a.service.d/hard.conf", "[Service]\nNice=5\n"),
        ("b.service.d/9.conf", "-> ../a.service.d/hard.conf"),
    ];
    let all = fine(&files);
    assert_eq!(drop_ins(&all, "b.service"), "a.service.d/hard.conf");
    let nice = |text| unit(&all, text).service.as_ref().expect("a service").nice;
    assert_eq!(nice("b.service"), Some(5));
    for (link, message) in [
        (
            "-> ../c.service.d/x.conf",
            "links to ../c.service.d/x.conf, which is no file of a unit of this directory",
        ),
        (
            "-> /etc/x.conf",
            "links to /etc/x.conf, which is no file of a unit of this directory",
        ),
        ("-> 9.conf", "links in a circle, or over too many links"),
    ] {
        let path = ("b.service.d/9.conf", link);
        assert_eq!(
            said(&[files[0], files[1], path]),
            [format!("b.service.d/9.conf: {message}")]
        );
    }
}

#[test]
fn all_names_of_a_unit_have_drop_ins() {
    let all = fine(&[
        (
            "web.service",
            "[Service]\nExecStart=/bin/web\n[Install]\nAlias=www.service\n",
        ),
        ("http.service", "-> web.service"),
        ("web.service.d/2.conf", "# own name first"),
        ("http.service.d/2.conf", "# a link"),
        ("http.service.d/1.conf", "# a link"),
        ("www.service.d/3.conf", "[Service]\nNice=3\n"),
        ("service.d/3.conf", "# the kind comes last"),
        ("t@.service", SERVICE),
        ("s@.service", "-> t@.service"),
        ("t@x.service", "-> t@.service"),
        ("s@x.service.d/1.conf", "# a link to the template"),
        ("s@.service.d/2.conf", "# a link to the template"),
    ]);
    assert_eq!(
        drop_ins(&all, "www.service"),
        "http.service.d/1.conf web.service.d/2.conf www.service.d/3.conf"
    );
    assert_eq!(
        drop_ins(&all, "t@x.service"),
        "s@x.service.d/1.conf s@.service.d/2.conf service.d/3.conf"
    );
}

#[test]
fn units_of_the_host_are_extended() {
    let all = fine(&[
        ("a.service", SERVICE),
        (
            "multi-user.target.d/a.conf",
            "[Unit]\nWants=a.service\nDescription=ours\n",
        ),
        ("target.d/b.conf", "[Unit]\nDocumentation=https://a.b/\n"),
    ]);
    let target = unit(&all, "multi-user.target");
    assert_eq!(target.origin, Origin::BuiltIn { reached: true });
    assert_eq!(target.unit.description, "ours");
    assert_eq!(target.unit.documentation, ["https://a.b/"]);
    assert_eq!(list(&target.unit.wants), "a.service");
    let other = unit(&all, "default.target");
    assert_eq!(
        list(&other.unit.wants),
        "graphical.target multi-user.target"
    );
    assert_eq!(
        said(&[("multi-user.target.d/a.conf", "[Unit]\nWants=%z\n")]),
        ["multi-user.target.d/a.conf:2:7: Wants=: unknown specifier %z; write %% for a %"]
    );
}

#[test]
fn other_kinds_have_drop_ins() {
    let all = loaded(&[
        ("a.timer", "[Timer]\nOnBootSec=1\n"),
        ("a.timer.d/1.conf", "[Timer]\nOnBootSec=\nOnBootSec=2\n"),
        ("timer.d/2.conf", "[Unit]\nDescription=tick\n"),
        ("a.service", SERVICE),
        ("app.target", "[Unit]\nDescription=app\n"),
        ("app.target.d/1.conf", "[Unit]\nWants=a.service\n"),
    ]);
    assert_eq!(drop_ins(&all, "a.timer"), "a.timer.d/1.conf timer.d/2.conf");
    assert_eq!(unit(&all, "a.timer").unit.description, "tick");
    assert_eq!(list(&unit(&all, "app.target").unit.wants), "a.service");
    let said: Vec<String> = all.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["a.timer: warning: timer units are not run yet, ignoring"]
    );
}

#[test]
fn drop_ins_alone_make_no_unit() {
    let files = [
        ("a.service.d/1.conf", SERVICE),
        ("a@.service.d/1.conf", SERVICE),
        ("a@x.service.d/1.conf", SERVICE),
        ("b.slice.d/1.conf", "[Slice]\nMemoryMax=1G\n"),
        ("c.service", "-> /dev/null"),
        ("c.service.d/1.conf", SERVICE),
        ("d-.service.d/1.conf", SERVICE),
        ("service.d/1.conf", SERVICE),
    ];
    let orphan = |owner: &str| {
        format!(
            "{owner}.d/1.conf: warning: drop-in for {owner}, which is not run from this tree, ignoring"
        )
    };
    let owners = ["a.service", "a@.service", "a@x.service", "b.slice"];
    assert_eq!(said(&files), owners.map(orphan));
    assert!(loaded(&files).unit(&name("a.service")).is_none());
    // The template's are read by an instance with a file of its own.
    let own = fine(&[
        ("a@x.service", SERVICE),
        ("a@x.service.d/1.conf", "# x"),
        ("a@.service.d/2.conf", "# template"),
    ]);
    assert_eq!(
        drop_ins(&own, "a@x.service"),
        "a@x.service.d/1.conf a@.service.d/2.conf"
    );
}
