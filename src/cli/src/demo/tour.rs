//! `demo --tour`: the story, step by step, each claim checked.
use super::examples::{UNITS, put};
use super::git::Clone;
use super::interrupt::Interrupt;
use super::leftovers::{Witness, survivors};
use super::say;
use super::stage::Stage;
use crate::failure::{FAILED, Failure};
use gitproc_core::snapshot::ActiveState;
use gitproc_rpc::api::{Cat, Empty, JobParams, Rollback, RollbackParams, Status, Stop, Units};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Until something that was promised must be so.
const DEADLINE: Duration = Duration::from_secs(60);

/// A service that does what a stop has to cope with: it leaves a process in a session of its own.
const STRAGGLER: &str = "\
# Leaves a grandchild in a session of its own, with no tie to its parent but the cgroup.
[Unit]
Description=Leaves a process behind

[Service]
ExecStart=/bin/sh -c 'setsid --fork sleep 86400; exec sleep 86400'

[Install]
WantedBy=site.target
";

/// Pids of main processes, by unit.
type Pids = BTreeMap<String, u32>;

/// Plays it. The first claim that does not hold ends it.
pub fn play(stage: &mut Stage, clone: &Clone, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut story = Story {
        stage,
        clone,
        interrupt,
        step: 0,
    };
    story.everything_is_up()?;
    let before = story.clone.head()?;
    story.one_change_restarts_one_service()?;
    story.a_killed_service_comes_back()?;
    story.rollback_brings_the_old_unit_back(&before)?;
    story.services_outlive_the_daemon()?;
    story.stop_leaves_nothing()?;
    story.a_bad_commit_changes_nothing()?;
    say("\nEvery claim held.")
}

struct Story<'a> {
    stage: &'a mut Stage,
    clone: &'a Clone,
    interrupt: &'a Interrupt,
    step: u32,
}

impl Story<'_> {
    fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.step += 1;
        self.interrupt.check()?;
        say(&format!("\n{}. {title}", self.step))
    }

    /// Until there is an answer; `None` when it has not come in time.
    fn until<T>(&self, question: impl FnMut() -> Option<T>) -> Result<Option<T>, Failure> {
        self.interrupt.until(DEADLINE, question)
    }

    fn everything_is_up(&mut self) -> Result<(), Failure> {
        self.step("The push has started the site, in order, and waited for the web's own proof")?;
        for unit in UNITS {
            // A directory that was kept has nothing new to push; then the daemon is still at it.
            let up = self.until(|| {
                let state = self.stage.unit(unit).ok()?.row.status.active;
                (state == ActiveState::Active).then_some(())
            })?;
            let state = self.stage.unit(unit)?.row.status.active;
            claim(up.is_some(), &format!("{unit} is {}", state.as_str()))?;
        }
        Ok(())
    }

    fn one_change_restarts_one_service(&mut self) -> Result<(), Failure> {
        self.step("A commit changes one service; only that one restarts")?;
        let before = self.pids()?;
        self.edit("web.service", "GREETING=Hi.", "GREETING=Bonjour.")?;
        self.deploy("Greet in French")?;
        let after = self.pids()?;
        let changed: Vec<&String> = after
            .keys()
            .filter(|unit| before.get(*unit) != after.get(*unit))
            .collect();
        let (old, new) = (before.get("web.service"), after.get("web.service"));
        say(&format!(
            "  web.service: pid {} before, {} after",
            shown(old),
            shown(new)
        ))?;
        claim(
            changed == ["web.service"],
            &format!("changed pids: {changed:?}"),
        )?;
        claim(
            before.len() == after.len(),
            &format!("{} services run as before", after.len()),
        )
    }

    fn a_killed_service_comes_back(&mut self) -> Result<(), Failure> {
        self.step("A service that is killed with -9 comes back")?;
        let before = self.pids()?;
        let old = before.get("web.service").copied().unwrap_or_default();
        say(&format!("  $ kill -9 {old}"))?;
        kill_9(old)?;
        let new = self.until(|| self.stage.pid("web.service").filter(|new| *new != old))?;
        claim(
            new.is_some(),
            &format!("web.service has pid {} now", shown(new.as_ref())),
        )?;
        let restarts = self.stage.unit("web.service")?.row.status.restarts;
        claim(restarts >= 1, &format!("restarts counted: {restarts}"))?;
        let others = |pids: Pids| {
            pids.into_iter()
                .filter(|(unit, _)| unit != "web.service")
                .collect::<Pids>()
        };
        claim(
            others(before) == others(self.pids()?),
            "the others did not notice",
        )
    }

    fn rollback_brings_the_old_unit_back(&mut self, to: &str) -> Result<(), Failure> {
        self.step("A rollback brings the old unit back, by a new commit with the old tree")?;
        let bad = self.clone.head()?;
        let short = to.get(..7).unwrap_or(to);
        say(&format!(
            "  $ {} rollback {short} --reason 'English again'",
            self.stage.place.command()
        ))?;
        self.stage.session()?.call::<Rollback>(&RollbackParams {
            to: to.to_owned(),
            reason: Some("English again".to_owned()),
        })?;
        let units = vec!["web.service".to_owned()];
        let files = self.stage.session()?.call::<Cat>(&Units { units })?;
        let old = files
            .iter()
            .flat_map(|unit| &unit.files)
            .any(|(_, text)| text.contains("GREETING=Hi."));
        claim(old, "web.service greets in English again")?;
        let pid = self.until(|| self.stage.pid("web.service"))?;
        claim(
            pid.is_some(),
            &format!("web.service is active, pid {}", shown(pid.as_ref())),
        )?;
        self.clone.pull()?;
        let head = self.clone.head()?;
        claim(
            head != bad && head != to,
            &format!("{} is a new commit on top", &head[..7]),
        )
    }

    fn services_outlive_the_daemon(&mut self) -> Result<(), Failure> {
        self.step("The daemon is killed with -9 and started again; every service keeps its pid")?;
        let before = self.pids()?;
        let old = self.stage.session()?.call::<Status>(&Empty {})?.pid;
        say(&format!("  $ kill -9 {old}        # the daemon"))?;
        self.stage.kill_daemon()?;
        let alive = before.values().filter_map(|pid| Witness::of(*pid)).count();
        claim(
            alive == before.len(),
            &format!("without a daemon, {alive} services run on"),
        )?;
        let new = self.stage.start_daemon()?;
        claim(new != old, &format!("the new daemon has pid {new}"))?;
        let same = self.until(|| self.pids().ok().filter(|pids| *pids == before))?;
        claim(same.is_some(), &format!("it has adopted them: {before:?}"))
    }

    fn stop_leaves_nothing(&mut self) -> Result<(), Failure> {
        self.step("A stop leaves nothing, not even a grandchild with a session of its own")?;
        put(&self.clone.directory, "straggler.service", STRAGGLER)?;
        self.deploy("Add a service that leaves a process behind")?;
        let seen = self.until(|| {
            let detail = self.stage.unit("straggler.service").ok()?;
            (detail.processes.len() >= 2).then_some(detail)
        })?;
        let Some(detail) = seen else {
            return claim(
                false,
                "straggler.service has a main process and a grandchild",
            );
        };
        for (pid, line) in &detail.processes {
            say(&format!("  process {pid}: {line}"))?;
        }
        let witnesses: Vec<Witness> = detail
            .processes
            .iter()
            .filter_map(|(pid, _)| Witness::of(*pid))
            .collect();
        claim(witnesses.len() >= 2, "both are alive")?;
        self.stage.session()?.call::<Stop>(&JobParams {
            units: vec!["straggler.service".to_owned()],
            no_block: false,
            job_mode: gitproc_core::JobMode::default(),
        })?;
        let left = survivors(&witnesses).count();
        claim(
            left == 0,
            &format!("after the stop, {left} of them are left"),
        )?;
        let after = self.stage.unit("straggler.service")?;
        claim(
            after.processes.is_empty() && after.control_group.is_none(),
            "no cgroup is left",
        )
    }

    fn a_bad_commit_changes_nothing(&mut self) -> Result<(), Failure> {
        self.step("A commit with a mistake is refused with file and line, and what runs goes on")?;
        let before = self.pids()?;
        self.edit("web.service", "ExecStart=", "ExecStrat=")?;
        self.clone.commit("Make a mistake")?;
        say("  $ git commit -am 'Make a mistake' && git push")?;
        let push = self.clone.push()?;
        for line in push
            .words
            .lines()
            .filter(|line| line.contains("web.service:"))
        {
            say(&format!("  {line}"))?;
        }
        claim(!push.accepted, "git push has failed")?;
        claim(
            names_a_line(&push.words, "web.service"),
            "it names web.service and the line",
        )?;
        claim(self.pids()? == before, "every service has the pid it had")?;
        self.clone.drop_unpushed()
    }

    /// Every example that has a main process, and its pid.
    fn pids(&self) -> Result<Pids, Failure> {
        let mut pids = Pids::new();
        for unit in UNITS {
            let status = self.stage.unit(unit)?.row.status;
            if let Some(pid) = status.main_pid {
                pids.insert(unit.to_owned(), pid);
            }
        }
        Ok(pids)
    }

    fn edit(&self, name: &str, old: &str, new: &str) -> Result<(), Failure> {
        let path = self.clone.directory.join(name);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::caused(format_args!("can't read {}", path.display()), &error)
        })?;
        if !text.contains(old) {
            return claim(false, &format!("{name} has {old}"));
        }
        say(&format!("  $ sed -i 's/{old}/{new}/' {name}"))?;
        put(&self.clone.directory, name, &text.replace(old, new))
    }

    fn deploy(&self, message: &str) -> Result<(), Failure> {
        // A directory that was kept from an earlier tour may have it already.
        let commit = self.clone.commit_if_changed(message)?;
        say(&format!("  $ git commit -m '{message}' && git push"))?;
        let push = self.clone.push()?;
        for line in push
            .words
            .lines()
            .filter(|line| line.starts_with("remote:"))
        {
            say(&format!("  {}", line.trim_end()))?;
        }
        claim(push.accepted, "git push has succeeded")?;
        let deployed = self.until(|| {
            let host = self.stage.session().ok()?.call::<Status>(&Empty {}).ok()?;
            let there = host
                .generation
                .is_some_and(|generation| generation.commit.0 == commit);
            (there && !host.applying).then_some(())
        })?;
        claim(deployed.is_some(), &format!("{} is deployed", &commit[..7]))
    }
}

/// Says what holds; what does not ends the tour.
fn claim(holds: bool, what: &str) -> Result<(), Failure> {
    match holds {
        true => say(&format!("  ok: {what}")),
        false => Err(Failure::new(
            FAILED,
            format!("the tour's claim does not hold: {what}"),
        )),
    }
}

fn shown(pid: Option<&u32>) -> String {
    pid.map_or_else(|| "none".to_owned(), u32::to_string)
}

fn kill_9(pid: u32) -> Result<(), Failure> {
    let number = i32::try_from(pid).ok().filter(|pid| *pid > 1);
    let number =
        number.ok_or_else(|| Failure::new(FAILED, format!("{pid} is no process to kill")))?;
    kill(Pid::from_raw(number), Signal::SIGKILL)
        .map_err(|error| Failure::caused(format_args!("can't kill {pid}"), &error))
}

/// Whether a line has `FILE:NUMBER:` in it.
fn names_a_line(text: &str, file: &str) -> bool {
    text.lines().any(|line| {
        let rest = line
            .split_once(file)
            .and_then(|(_, rest)| rest.strip_prefix(':'));
        let number = rest
            .and_then(|rest| rest.split_once(':'))
            .map(|(number, _)| number);
        number.is_some_and(|number| number.parse::<u32>().is_ok_and(|line| line > 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_line_are_told_from_a_mere_mention() {
        assert!(names_a_line(
            "remote: web.service:7: unknown key",
            "web.service"
        ));
        assert!(!names_a_line("remote: web.service: broken", "web.service"));
        assert!(!names_a_line(
            "remote: web.service:0: broken",
            "web.service"
        ));
    }
}
