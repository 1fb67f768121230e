//! The store against real repositories, some of them made by hand to be hostile.
use super::answer;
use crate::protocol::{FailureKind, HeadState, Person, Request, Response, Snapshot};
use git2::{ObjectType, Oid, Repository, Signature};
use gitproc_unit::TreeEntry;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "100644";
const LINK: &str = "120000";
const TREE: &str = "40000";

struct Store {
    directory: tempfile::TempDir,
    repository: Repository,
}

impl Store {
    fn new() -> Store {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.git");
        answer(
            &path,
            Request::Init {
                branch: "main".into(),
            },
        )
        .expect("a store");
        let repository = Repository::open_bare(path).expect("it opens");
        Store {
            directory,
            repository,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.git")
    }

    fn ask(&self, request: Request) -> Result<Response, crate::protocol::Failure> {
        answer(&self.path(), request)
    }

    fn blob(&self, content: &[u8]) -> Oid {
        self.repository.blob(content).expect("a blob")
    }

    /// A tree object byte by byte: git2's own builder would refuse the odd names.
    fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.repository
            .odb()
            .expect("odb")
            .write(ObjectType::Tree, &bytes)
            .expect("a tree")
    }

    /// On top of `main`.
    fn commit(&self, tree: Oid) -> String {
        let who = Signature::now("tester", "tester@localhost").expect("a signature");
        let tree = self.repository.find_tree(tree).expect("the tree");
        let head = self.repository.find_reference("refs/heads/main").ok();
        let parent = head.map(|head| head.peel_to_commit().expect("a commit"));
        let parents: Vec<_> = parent.iter().collect();
        let id =
            self.repository
                .commit(Some("refs/heads/main"), &who, &who, "test", &tree, &parents);
        id.expect("a commit").to_string()
    }

    fn snapshot(&self, commit: &str) -> Result<Snapshot, crate::protocol::Failure> {
        let request = Request::Snapshot {
            commit: commit.into(),
            alternates: vec![],
            subdir: None,
        };
        match self.ask(request)? {
            Response::Snapshot(snapshot) => Ok(snapshot),
            other => panic!("{other:?}"),
        }
    }

    fn resolve(&self, rev: &str) -> Result<String, FailureKind> {
        match self.ask(Request::Resolve {
            rev: rev.into(),
            branch: "main".into(),
        }) {
            Ok(Response::Commit(commit)) => Ok(commit.id),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.kind),
        }
    }

    fn with_file(&self, content: &[u8]) -> String {
        self.commit(self.tree(&[(FILE, b"a.service", self.blob(content))]))
    }
}

fn person() -> Person {
    Person {
        name: "root".into(),
        mail: "root@localhost".into(),
    }
}

#[test]
fn a_snapshot_has_what_concerns_units_and_says_what_is_wrong_with_it() {
    let store = Store::new();
    let good = store.blob(b"[Service]\n");
    let inner = store.tree(&[(FILE, b"10-x.conf", good)]);
    let wants = store.tree(&[(LINK, b"a.service", store.blob(b"../a.service"))]);
    let commit = store.commit(store.tree(&[
        (FILE, b"README.md", store.blob(b"\xff")),
        (FILE, b"a.service", good),
        (TREE, b"a.service.d", inner),
        (FILE, b"big.service", store.blob(&vec![b'x'; (1 << 20) + 1])),
        (FILE, b"binary.service", store.blob(b"a\0b")),
        (TREE, b"dir.service", inner),
        (LINK, b"l.service", store.blob(b"/etc/passwd")),
        (FILE, b"latin.service", store.blob(b"abc\xe9")),
        (
            FILE,
            b"lfs.service",
            store.blob(b"version https://git-lfs.github.com/spec/v1\noid x\n"),
        ),
        (TREE, b"m.target.wants", wants),
        (
            "160000",
            b"module",
            Oid::from_str(&"1".repeat(40)).expect("an id"),
        ),
        (TREE, b"other", inner),
    ]));
    let files = store.snapshot(&commit).expect("a snapshot").files.entries;
    let problem = |text: &str| TreeEntry::Problem(text.into());
    let expected = BTreeMap::from(
        [
            ("a.service", TreeEntry::File("[Service]\n".into())),
            (
                "a.service.d/10-x.conf",
                TreeEntry::File("[Service]\n".into()),
            ),
            (
                "big.service",
                problem("1048577 bytes, more than the 1048576 allowed"),
            ),
            ("binary.service", problem("NUL at byte 1")),
            ("dir.service", problem("is a directory, not a unit file")),
            ("l.service", TreeEntry::Symlink("/etc/passwd".into())),
            ("latin.service", problem("invalid UTF-8 at byte 3")),
            (
                "lfs.service",
                problem("a Git LFS pointer; commit the file itself"),
            ),
            (
                "m.target.wants/a.service",
                TreeEntry::Symlink("../a.service".into()),
            ),
        ]
        .map(|(path, entry)| (path.to_owned(), entry)),
    );
    assert_eq!(files, expected);
}

#[test]
fn hostile_names_are_refused_by_name() {
    let store = Store::new();
    let blob = store.blob(b"x");
    let inner = store.tree(&[(FILE, b"a.conf", blob)]);
    for (mode, name, id, shown) in [
        (TREE, &b".."[..], inner, "'..'"),
        (TREE, b".git", inner, "'.git'"),
        (FILE, b"x/../../a.service", blob, "'x/../../a.service'"),
        (FILE, b"a\x1b[31m.service", blob, r"'a\x1b[31m.service'"),
        (FILE, b"caf\xe9.service", blob, r"'caf\xe9.service'"),
    ] {
        let tree = store.tree(&[(mode, name, id)]);
        // git2 checks the trees of commits that it makes, so this one is written by hand too.
        let text = format!("tree {tree}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n");
        let odb = store.repository.odb().expect("odb");
        let commit = odb
            .write(ObjectType::Commit, text.as_bytes())
            .expect("a commit")
            .to_string();
        let failure = store.snapshot(&commit).expect_err("refused");
        assert_eq!(failure.kind, FailureKind::Refused, "{shown}: {failure}");
        assert!(failure.message.contains(shown), "{shown}: {failure}");
    }
}

#[test]
fn a_snapshot_can_begin_in_a_directory_and_reads_a_quarantine() {
    let store = Store::new();
    let other = Store::new();
    let units = other.tree(&[(FILE, b"q.service", other.blob(b"q"))]);
    let commit = other.commit(other.tree(&[(TREE, b"units", units)]));
    let request = |subdir: &str, alternates: &[PathBuf]| Request::Snapshot {
        commit: commit.clone(),
        alternates: alternates.to_vec(),
        subdir: Some(subdir.into()),
    };
    let missing = store
        .ask(request("units", &[]))
        .expect_err("not in this store");
    assert_eq!(missing.kind, FailureKind::NotFound);
    let quarantine = [other.path().join("objects")];
    let Ok(Response::Snapshot(found)) = store.ask(request("units", &quarantine)) else {
        panic!("the quarantine was not read")
    };
    assert_eq!(
        found.files.entries.keys().collect::<Vec<_>>(),
        ["q.service"]
    );
    for subdir in ["nowhere", "../units", "units/q.service"] {
        let failure = store.ask(request(subdir, &quarantine)).expect_err(subdir);
        assert_eq!(failure.kind, FailureKind::NotFound, "{subdir}");
    }
}

#[test]
fn revisions_are_found_by_every_name() {
    let store = Store::new();
    let first = store.with_file(b"1");
    let second = store.with_file(b"2");
    let object = store
        .repository
        .revparse_single(&first)
        .expect("the first commit");
    let who = Signature::now("t", "t@localhost").expect("a signature");
    store
        .repository
        .tag("v1", &object, &who, "annotated", false)
        .expect("a tag");
    for (rev, expected) in [
        ("HEAD", Ok(&second)),
        ("main", Ok(&second)),
        ("HEAD~1", Ok(&first)),
        ("main^", Ok(&first)),
        ("v1", Ok(&first)),
        (&second, Ok(&second)),
        (&first[..8], Ok(&first)),
        ("HEAD~2", Err(FailureKind::NotFound)),
        ("nothing", Err(FailureKind::NotFound)),
        ("@{upstream}", Err(FailureKind::NotFound)),
        (":/test", Err(FailureKind::NotFound)),
        ("HEAD^{tree}", Err(FailureKind::Refused)),
        ("../../etc/passwd", Err(FailureKind::NotFound)),
    ] {
        assert_eq!(store.resolve(rev), expected.cloned(), "{rev}");
    }
}

#[test]
fn a_missing_branch_and_an_empty_store_are_told_apart() {
    let store = Store::new();
    let head = |branch: &str| match store.ask(Request::Head {
        branch: branch.into(),
    }) {
        Ok(Response::Head(state)) => state,
        other => panic!("{other:?}"),
    };
    let place = Path::new("/x/store.git");
    assert_eq!(head("main"), HeadState::NoCommits);
    assert_eq!(
        head("main").explain(place, "main").as_deref(),
        Some("no commits yet in /x/store.git (git push to make the first)")
    );
    let commit = store.with_file(b"1");
    assert_eq!(head("main"), HeadState::At { commit });
    assert_eq!(
        head("prod").explain(place, "prod").as_deref(),
        Some(
            "branch 'prod' does not exist in /x/store.git (it has: main; push to prod, or set Branch=main in gitproc.conf)"
        )
    );
    let odd = store
        .ask(Request::Head {
            branch: "a..b".into(),
        })
        .expect_err("no such name");
    assert_eq!(odd.kind, FailureKind::Refused);
}

#[test]
fn a_rollback_is_a_new_commit_and_never_overwrites_a_push() {
    let store = Store::new();
    let first = store.with_file(b"1");
    let second = store.with_file(b"2");
    let rollback = |expected: &str| Request::RollbackCommit {
        branch: "main".into(),
        tree_of: first.clone(),
        message: "Return\n".into(),
        author: person(),
        expected: expected.into(),
    };
    assert_eq!(
        store.ask(rollback(&first)).expect_err("stale").kind,
        FailureKind::Moved
    );
    let Ok(Response::Commit(made)) = store.ask(rollback(&second)) else {
        panic!("no commit")
    };
    assert_eq!(made.parents, [second]);
    assert_eq!(
        (made.author.as_str(), made.subject.as_str()),
        ("root", "Return")
    );
    let entries = store.snapshot(&made.id).expect("a snapshot").files.entries;
    assert_eq!(entries["a.service"], TreeEntry::File("1".into()));
    assert_eq!(store.ask(rollback(&made.id)), Ok(Response::NothingToDo));
    let Ok(Response::Log(log)) = store.ask(Request::Log {
        commit: made.id.clone(),
        limit: 2,
    }) else {
        panic!("no log")
    };
    assert_eq!(log.len(), 2);
    let keep = Request::KeepGeneration {
        number: 7,
        commit: made.id.clone(),
    };
    assert_eq!(store.ask(keep.clone()), Ok(Response::Done));
    assert_eq!(store.ask(keep), Ok(Response::Done));
    assert!(
        store
            .repository
            .find_reference("refs/gitproc/gen/7")
            .is_ok()
    );
}

#[test]
fn stores_that_can_not_be_read_say_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let head = |path: &Path| {
        answer(
            path,
            Request::Head {
                branch: "main".into(),
            },
        )
    };
    let missing = head(&directory.path().join("none")).expect_err("no store");
    assert!(missing.message.contains("gitproc init"), "{missing}");
    for (extension, advice) in [
        ("refStorage = reftable", "refs migrate"),
        ("objectFormat = sha256", "SHA-1 store"),
    ] {
        let store = Store::new();
        let config = store.path().join("config");
        let old = std::fs::read_to_string(&config).expect("its configuration");
        let text = old.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
        std::fs::write(&config, format!("{text}[extensions]\n\t{extension}\n")).expect("written");
        let failure = head(&store.path()).expect_err("not supported");
        assert_eq!(
            failure.kind,
            FailureKind::Unsupported,
            "{extension}: {failure}"
        );
        assert!(failure.message.contains(advice), "{extension}: {failure}");
    }
}
