//! Secrets of a service, as it finds them.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root};
use gitproc_core::protocol::{FromHelper, ToHelper};
use gitproc_core::spec::ExecStep;
use std::io::Write;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

#[test]
fn secrets_are_files_that_only_the_user_can_read() {
    needs_root!("secrets_are_files_that_only_the_user_can_read");
    let dir = std::env::temp_dir().join(format!("gitproc-secrets-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("many/deep")).expect("fresh");
    std::fs::write(dir.join("token"), "s3cret").expect("ours");
    std::fs::write(dir.join("many/a"), "A").expect("ours");
    std::fs::write(dir.join("many/deep/b"), "B").expect("ours");
    let at = dir.display();
    // Who answers a connection decides what the secret is.
    let socket = dir.join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("fresh");
    let answers = std::thread::spawn(move || {
        let (mut asks, _) = listener.accept().expect("the helper asks");
        asks.write_all(b"from afar").expect("it reads");
    });
    let lines = format!(
        "User=daemon\nLoadCredential=token:{at}/token\nLoadCredential=many:{at}/many\n\
         LoadCredential=far:{at}/socket\nSetCredential=plain:one\\x20two\n\
         SetCredential=token:not-this\nLoadCredential=optional:nowhere\nPrivateTmp=yes\n\
         Environment=D=%d\nTemporaryFileSystem=/run"
    );
    let script = "cd $CREDENTIALS_DIRECTORY; test $D = $PWD || echo elsewhere; \
                  for f in *; do echo $f: $(cat $f); done; stat -c '%a %U %n' . token; \
                  (: >new) 2>/dev/null || echo read-only";
    let seen = Service::view(&lines, script);
    answers.join().expect("asked");
    std::fs::remove_dir_all(&dir).expect("ours");
    assert_eq!(
        seen,
        "far: from afar\nmany_a: A\nmany_deep_b: B\nplain: one two\ntoken: s3cret\n\
         500 daemon .\n400 daemon token\nread-only\n"
    );
    // Nothing of them is left, nor was it ever seen from outside.
    assert!(!std::path::Path::new("/run/credentials/test.service").exists());
}

#[test]
fn a_secret_that_is_missing_fails_the_start() {
    needs_root!("a_secret_that_is_missing_fails_the_start");
    let large = format!("SetCredential=big:{}", "x".repeat(600_000));
    for (lines, words) in [
        (
            "LoadCredential=token:/nonexistent/token".to_owned(),
            "load credential token from /nonexistent/token",
        ),
        (
            "LoadCredential=token:/dev/zero".to_owned(),
            "load credential token from /dev/zero",
        ),
        (
            format!("{large}\n{}", large.replace("big", "too")),
            "keep credential too (all together may have 1 MiB)",
        ),
    ] {
        let mut service = Service::of_unit(&lines, "true");
        service.spec.unit = gitproc_unit::UnitName::parse("missing.service").expect("a name");
        service.spawn();
        service.hello();
        service.send(&ToHelper::Go);
        match service.next() {
            FromHelper::Failed(failure) => {
                assert_eq!(failure.step, ExecStep::Credentials);
                assert_eq!(failure.step.status(), 243);
                assert_eq!(failure.detail, words);
            }
            other => panic!("expected Failed, got {other:?}"),
        }
        service.helper_end();
    }
    // What the unit holds itself stands in.
    let seen = Service::view(
        "LoadCredential=token:/nonexistent/token\nSetCredential=token:instead",
        "cat $CREDENTIALS_DIRECTORY/token",
    );
    assert_eq!(seen, "instead\n");
}
