//! The store's hooks: what git says goes to the daemon, what the daemon says goes to the pusher.
//!
//! git shows the pusher what a hook prints on stderr, each line after `remote: `.
use super::Context;
use super::act::{exit_of, progress_of};
use crate::args::Hook;
use crate::failure::{FAILED, Failure};
use crate::render;
use gitproc_rpc::api::{HookParams, PostReceive, PreReceive, RefUpdate};
use gitproc_unit::Severity;
use std::env;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

/// Most bytes that git may tell a hook: what the daemon takes in one request, less its envelope.
const INPUT_MAX: u64 = 512 * 1024;
/// Most push options; git itself sets no bound.
const OPTIONS_MAX: usize = 64;

/// Asks the daemon. The exit code tells git whether the refs may move.
pub fn run(context: &Context, hook: Hook) -> Result<u8, Failure> {
    let params = HookParams {
        updates: updates(io::stdin().lock())?,
        quarantine: env::var("GIT_QUARANTINE_PATH").ok(),
        options: options(|name| env::var(name).ok())?,
        pusher: env::var("GITPROC_PUSHER").ok(),
    };
    match hook {
        Hook::PreReceive => {
            let verdict = context.session()?.call::<PreReceive>(&params)?;
            for line in &verdict.lines {
                eprintln!("{line}");
            }
            Ok(if verdict.accepted { 0 } else { FAILED })
        }
        Hook::PostReceive => {
            let show = |method: &str, raw: &serde_json::value::RawValue| {
                if let Some(progress) = progress_of(method, raw) {
                    eprintln!("{}", progress.line);
                }
                ControlFlow::Continue(())
            };
            let report = context
                .session()?
                .call_streaming::<PostReceive>(&params, show)?;
            let Some(mut report) = report else {
                return Ok(FAILED);
            };
            // The same push has read the warnings from pre-receive.
            report
                .diagnostics
                .retain(|finding| finding.severity == Severity::Error);
            eprint!(
                "{}",
                render::report(&report, render::Palette { color: false })
            );
            Ok(exit_of(&report))
        }
    }
}

/// `old new ref` lines.
fn updates(input: impl BufRead) -> Result<Vec<RefUpdate>, Failure> {
    let mut text = String::new();
    input
        .take(INPUT_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::caused("can't read what git says to its hook", &error))?;
    if text.len() as u64 == INPUT_MAX {
        return Err(Failure::new(FAILED, "too many refs in one push")
            .with_hint("push the branch that is followed, alone"));
    }
    let update = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut word = || {
            words
                .next()
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
        };
        match (word(), word(), word()) {
            (Some(old), Some(new), Some(reference)) => Ok(RefUpdate {
                old,
                new,
                reference,
            }),
            _ => Err(
                Failure::new(FAILED, format!("'{line}' is no line of a receive hook"))
                    .with_hint("hooks are run by git, not by hand"),
            ),
        }
    };
    text.lines().map(update).collect()
}

/// `-o` options of the push (githooks(5), GIT_PUSH_OPTION_COUNT).
fn options(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, Failure> {
    let count = variable("GIT_PUSH_OPTION_COUNT").map_or(Ok(0), |count| count.parse::<usize>());
    match count {
        Ok(count) if count <= OPTIONS_MAX => Ok((0..count)
            .filter_map(|index| variable(&format!("GIT_PUSH_OPTION_{index}")))
            .collect()),
        _ => Err(Failure::new(
            FAILED,
            format!("more than {OPTIONS_MAX} push options"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_git_become_updates() {
        let read = updates(&b"0000 1111 refs/heads/main\n1111 0000 refs/heads/a b\n"[..]);
        let read = read.expect("well-formed");
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].reference, "refs/heads/a b");
        for bad in ["x\n", "a b\n", "a  c\n", "\n"] {
            assert!(updates(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(updates(&b""[..]).expect("nothing moved").is_empty());
    }

    #[test]
    fn push_options_come_from_the_environment() {
        let environment = |count: &'static str| {
            move |name: &str| match name {
                "GIT_PUSH_OPTION_COUNT" => Some(count.to_owned()),
                "GIT_PUSH_OPTION_0" => Some("reason=x y".to_owned()),
                _ => None,
            }
        };
        assert_eq!(options(environment("1")).expect("one"), ["reason=x y"]);
        assert!(options(|_| None).expect("none").is_empty());
        assert!(options(environment("1000")).is_err());
        assert!(options(environment("x")).is_err());
    }
}
