//! What a helper that died by itself did not say: worked out from what it had told, and from the
//! state that it left on disk. Pure.
use gitproc_core::HelperEvent;
use gitproc_core::protocol::{Exit, Failure, HelperState, ProcessEnd};
use gitproc_core::spec::ExecStep;
use gitproc_unit::ExecRole;
use std::collections::{BTreeMap, BTreeSet};

/// What has been reported of one invocation.
#[derive(Debug, Clone, Default)]
pub struct Told {
    set_up: bool,
    /// Commands that run as far as we know.
    running: BTreeSet<(ExecRole, u32)>,
    exits: BTreeMap<ExecRole, Exit>,
    /// A main process that the helper did not fork itself.
    foreign_main: bool,
}

impl Told {
    /// What the engine knows of a helper that it adopted in this state.
    pub fn adopted(state: &HelperState) -> Told {
        let mut told = Told {
            set_up: state.ready || state.failed.is_some(),
            running: BTreeSet::new(),
            exits: state.exits.clone(),
            foreign_main: false,
        };
        told.running
            .extend(state.control.map(|(role, index, _)| (role, index)));
        if state.main_pid.is_some() {
            let start = (ExecRole::Start, 0);
            let forked_away = told.exits.contains_key(&start.0) || told.running.contains(&start);
            match forked_away {
                true => told.foreign_main = true,
                false => _ = told.running.insert(start),
            }
        }
        told
    }

    /// Takes note of what is being reported.
    pub fn note(&mut self, event: &HelperEvent) {
        match event {
            HelperEvent::Ready | HelperEvent::Failed(_) => self.set_up = true,
            HelperEvent::Forked { role, index, .. } => {
                self.running.insert((*role, *index));
            }
            HelperEvent::Exited(exit) => {
                self.running.remove(&(exit.role, exit.index));
                self.exits.insert(exit.role, exit.clone());
            }
            HelperEvent::MainPid { .. } => self.foreign_main = true,
            HelperEvent::MainExited(_) => self.foreign_main = false,
            HelperEvent::SpawnFailed(_)
            | HelperEvent::Execed { .. }
            | HelperEvent::Notify(_)
            | HelperEvent::Empty
            | HelperEvent::OomKill
            | HelperEvent::Gone => {}
        }
    }
}

/// Events that complete the story, in order. `left` is the helper's last state; processes whose end
/// nobody saw died with their namespace, by `signal`.
pub fn missing(told: &Told, left: Option<&HelperState>, signal: i32) -> Vec<HelperEvent> {
    let mut events = Vec::new();
    let mut running = told.running.clone();
    let mut foreign_main = told.foreign_main;
    if let Some(state) = left {
        for (role, exit) in &state.exits {
            if told.exits.get(role) != Some(exit) {
                running.remove(&(*role, exit.index));
                events.push(HelperEvent::Exited(exit.clone()));
            }
        }
        if let Some((role, index, _)) = state.control {
            running.insert((role, index));
        }
        let main_is_ours = running.contains(&(ExecRole::Start, 0)) || state.control.is_some();
        foreign_main |= state.main_pid.is_some() && !main_is_ours;
        if let (true, Some(end)) = (foreign_main, state.main_end) {
            foreign_main = false;
            events.push(HelperEvent::MainExited(end));
        }
    }
    let end = ProcessEnd::Killed(signal);
    events.extend(running.into_iter().map(|(role, index)| {
        HelperEvent::Exited(Exit {
            role,
            index,
            end,
            failure: None,
        })
    }));
    if foreign_main {
        events.push(HelperEvent::MainExited(end));
    }
    let set_up = told.set_up || left.is_some_and(|state| state.ready || state.failed.is_some());
    if !set_up {
        let recorded = left.and_then(|state| state.failed.clone());
        events.push(HelperEvent::Failed(recorded.unwrap_or_else(|| Failure {
            step: ExecStep::Exec,
            errno: 0,
            detail: "the helper ended during its set-up".to_owned(),
        })));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::InvocationId;
    use gitproc_unit::UnitName;

    fn exit(role: ExecRole, end: ProcessEnd) -> Exit {
        Exit {
            role,
            index: 0,
            end,
            failure: None,
        }
    }

    fn ready() -> HelperState {
        let unit = UnitName::parse("a.service").expect("a name");
        let mut state = HelperState::new(InvocationId(1), unit);
        state.ready = true;
        state
    }

    fn started() -> Told {
        let mut told = Told::default();
        told.note(&HelperEvent::Ready);
        told.note(&HelperEvent::Forked {
            role: ExecRole::Start,
            index: 0,
            pid: 1,
        });
        told
    }

    #[test]
    fn an_end_that_was_recorded_but_not_reported_is_told_as_recorded() {
        let mut state = ready();
        let recorded = exit(ExecRole::Start, ProcessEnd::Exited(3));
        state.exits.insert(ExecRole::Start, recorded.clone());
        state.main_end = Some(ProcessEnd::Exited(3));
        let events = missing(&started(), Some(&state), 9);
        assert_eq!(events, [HelperEvent::Exited(recorded)]);
    }

    #[test]
    fn a_main_process_that_nobody_saw_end_was_killed() {
        let mut state = ready();
        state.main_pid = Some(77);
        let killed = HelperEvent::Exited(exit(ExecRole::Start, ProcessEnd::Killed(9)));
        assert_eq!(
            missing(&started(), Some(&state), 9),
            std::slice::from_ref(&killed)
        );
        assert_eq!(missing(&started(), None, 9), [killed]);
    }

    #[test]
    fn a_forked_away_main_process_has_an_event_of_its_own() {
        let mut told = started();
        told.note(&HelperEvent::Exited(exit(
            ExecRole::Start,
            ProcessEnd::Exited(0),
        )));
        told.note(&HelperEvent::MainPid { pid: 78 });
        let killed = HelperEvent::MainExited(ProcessEnd::Killed(9));
        assert_eq!(missing(&told, None, 9), [killed]);
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let mut told = started();
        let end = exit(ExecRole::Start, ProcessEnd::Exited(0));
        told.note(&HelperEvent::Exited(end.clone()));
        let mut state = ready();
        state.exits.insert(ExecRole::Start, end);
        state.main_end = Some(ProcessEnd::Exited(0));
        assert_eq!(missing(&told, Some(&state), 9), []);
    }

    #[test]
    fn a_helper_that_died_during_its_set_up_has_failed() {
        let events = missing(&Told::default(), None, 9);
        assert!(
            matches!(&events[..], [HelperEvent::Failed(_)]),
            "{events:?}"
        );
    }
}
