//! Conditions and asserts are judged on threads of their own: a path may lie on a disk that does not
//! answer, and then this one unit waits, and nobody else.
//!
//! Of each unit one check lives at a time; who asks again meanwhile gets its answer. Past
//! [`CHECKS_MAX`] that hang, further ones are answered at once: nothing can be said.
use gitproc_core::InvocationId;
use gitproc_unit::{MeaningHash, Outcome, Unit, UnitName, Verdict};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most checks that live at once. Each is a thread, and hangs only where the host does.
const CHECKS_MAX: usize = 64;

/// What a check comes to: conditions and asserts.
pub type Verdicts = (Verdict, Verdict);

/// Checks under way: who waits for each.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    living: Arc<Mutex<BTreeMap<(UnitName, MeaningHash), InvocationId>>>,
}

impl Checks {
    /// Judges `unit` by `judge`, and tells `answer` once for the newest invocation that asked. An
    /// answer may come at once, on this thread.
    pub fn ask(
        &self,
        invocation: InvocationId,
        unit: Arc<Unit>,
        judge: impl FnOnce(&Unit) -> Verdicts + Send + 'static,
        answer: impl FnOnce(InvocationId, Verdicts) + Send + 'static,
    ) {
        let key = (unit.name.clone(), unit.meaning);
        {
            let mut living = self.living();
            let full = living.len() >= CHECKS_MAX;
            match living.get_mut(&key) {
                // It hangs since an earlier start: its answer is for this one now.
                Some(waits) => {
                    *waits = invocation;
                    return;
                }
                None if full => {
                    drop(living);
                    tracing::warn!(
                        unit = unit.name.as_str(),
                        "{}: {CHECKS_MAX} checks of conditions hang, taking its own as failed",
                        unit.name
                    );
                    return answer(invocation, unknown(&unit));
                }
                None => _ = living.insert(key.clone(), invocation),
            }
        }
        let checks = self.clone();
        let work = move || {
            let subject = std::panic::AssertUnwindSafe(|| judge(&unit));
            let verdicts = std::panic::catch_unwind(subject).unwrap_or_else(|_| unknown(&unit));
            if let Some(waits) = checks.living().remove(&key) {
                answer(waits, verdicts);
            }
        };
        // Without a thread nothing is asked; the start ends by its time-out, and is told so.
        if let Err(cause) = std::thread::Builder::new()
            .name("check".to_owned())
            .spawn(work)
        {
            tracing::error!("no thread for a check of conditions: {cause}, ignoring");
            self.living().retain(|_, waits| *waits != invocation);
        }
    }

    fn living(&self) -> std::sync::MutexGuard<'_, BTreeMap<(UnitName, MeaningHash), InvocationId>> {
        // The map is whole after each of its changes.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing could be judged, which counts as failed.
fn unknown(unit: &Unit) -> Verdicts {
    let error = |lines| Verdict::of(lines, |_| Outcome::Error);
    let (conditions, asserts) = (&unit.unit.conditions, &unit.unit.asserts);
    match conditions.is_empty() {
        true => (Verdict::untested(conditions), error(asserts)),
        false => (error(conditions), Verdict::untested(asserts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_unit::{HostFacts, TreeEntry};
    use std::sync::mpsc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn unit(name: &str) -> Arc<Unit> {
        let text = "[Unit]\nConditionPathExists=/x\n[Service]\nExecStart=/bin/x\n";
        let name = UnitName::parse(name).expect("a name");
        let file = TreeEntry::File(text.to_owned());
        let (unit, _) = gitproc_unit::load_alone(&name, file, &HostFacts::example());
        Arc::new(unit.expect("a unit"))
    }

    fn held(unit: &Unit) -> Verdicts {
        let yes = |lines| Verdict::of(lines, |_| Outcome::Held);
        (yes(&unit.unit.conditions), yes(&unit.unit.asserts))
    }

    #[test]
    fn one_check_of_a_unit_lives_and_its_answer_is_for_who_asked_last() {
        let (checks, (told, answers)) = (Checks::default(), mpsc::channel());
        let (go, wait) = mpsc::channel::<()>();
        let answer = |told: &mpsc::Sender<_>| {
            let told = told.clone();
            move |invocation: InvocationId, verdicts: Verdicts| {
                let _ = told.send((invocation, verdicts.0.holds()));
            }
        };
        let hangs = move |unit: &Unit| {
            wait.recv().expect("the test lets it go");
            held(unit)
        };
        checks.ask(InvocationId(1), unit("a.service"), hangs, answer(&told));
        let never = |_: &Unit| -> Verdicts { panic!("a second one is judged") };
        checks.ask(InvocationId(2), unit("a.service"), never, answer(&told));
        // Others do not wait for it.
        checks.ask(InvocationId(3), unit("b.service"), held, answer(&told));
        let first = answers.recv_timeout(PATIENCE).expect("b answers");
        assert_eq!(first, (InvocationId(3), true));
        go.send(()).expect("it waits");
        let second = answers.recv_timeout(PATIENCE).expect("a answers");
        assert_eq!(second, (InvocationId(2), true));
    }

    #[test]
    fn what_panics_or_has_no_room_counts_as_failed() {
        let (checks, (told, answers)) = (Checks::default(), mpsc::channel());
        let answer = |told: &mpsc::Sender<_>| {
            let told = told.clone();
            move |invocation: InvocationId, verdicts: Verdicts| {
                let _ = told.send((invocation, verdicts.0.holds()));
            }
        };
        let falls = |_: &Unit| -> Verdicts { panic!("as it is told to") };
        checks.ask(InvocationId(1), unit("a.service"), falls, answer(&told));
        let got = answers.recv_timeout(PATIENCE).expect("it answers");
        assert_eq!(got, (InvocationId(1), false));
        let (stop, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        for at in 0..CHECKS_MAX {
            let wait = Arc::clone(&wait);
            let hangs = move |unit: &Unit| {
                let _ = wait.lock().map(|wait| wait.recv());
                held(unit)
            };
            let unit = unit(&format!("h{at}.service"));
            checks.ask(InvocationId(2), unit, hangs, |_, _| {});
        }
        checks.ask(InvocationId(9), unit("z.service"), held, answer(&told));
        let got = answers.recv_timeout(PATIENCE).expect("at once");
        assert_eq!(got, (InvocationId(9), false));
        drop(stop);
    }
}
