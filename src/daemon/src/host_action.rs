//! What a unit asks of the whole host (FailureAction= and its kin): done where the configuration
//! allows it (`AllowHostActions=`), refused aloud where not.
//!
//! `exit` ends gitproc. The rest is the host's own init's to do, which knows what else runs: it is
//! asked by systemctl(1), or by the program of that name where there is no systemd. As the init of a
//! container all of them end gitproc, and with it the container.
use crate::run::Leave;
use crate::shell::Shell;
use gitproc_core::host_action::{Haste, HostAction, HostVerb};
use gitproc_unit::UnitName;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::Command;
use tokio::sync::mpsc;

/// One thing that was asked.
#[derive(Debug)]
pub struct Asked {
    /// By whom.
    pub unit: UnitName,
    /// The directive.
    pub key: &'static str,
    /// What.
    pub action: HostAction,
    /// What to exit with, where it is `exit`.
    pub exit_status: u8,
    /// `RebootArgument=`; empty: none.
    pub argument: String,
}

/// Who does it.
#[derive(Debug)]
pub struct HostActions {
    /// What units may ask for.
    pub allowed: BTreeSet<HostVerb>,
    /// gitproc is the init of a container.
    pub init: bool,
    /// The loop.
    pub shell: Shell,
    /// Tells the main task to end.
    pub exit: mpsc::Sender<Leave>,
}

impl HostActions {
    /// Until nobody can ask any more.
    pub async fn serve(self, mut asked: mpsc::UnboundedReceiver<Asked>) {
        while let Some(one) = asked.recv().await {
            self.take(one).await;
        }
    }

    async fn take(&self, asked: Asked) {
        let Asked {
            unit, key, action, ..
        } = &asked;
        let word = action.word();
        if !self.allowed.contains(&action.verb) {
            let verb = action.verb.as_str();
            tracing::error!(
                unit = unit.as_str(),
                "{unit}: {key}={word} is refused: AllowHostActions= in [Manager] of gitproc.conf \
                 does not name {verb}"
            );
            return;
        }
        tracing::error!(unit = unit.as_str(), "{unit}: {key}={word} is carried out");
        match action.verb {
            HostVerb::Exit => self.leave(action.haste, asked.exit_status).await,
            HostVerb::Reboot | HostVerb::Poweroff if self.init => {
                self.leave(action.haste, 0).await;
            }
            HostVerb::Reboot | HostVerb::Poweroff => {
                let (action, argument) = (*action, asked.argument.clone());
                let done = tokio::task::spawn_blocking(move || ask_init(action, &argument)).await;
                if let Ok(Err(cause)) = done {
                    tracing::error!(unit = unit.as_str(), "{unit}: {key}={word} failed: {cause}");
                }
            }
        }
    }

    async fn leave(&self, haste: Haste, status: u8) {
        let stopped = haste == Haste::Orderly && self.shell.stop_services().await.is_ok();
        // Who listens no more has left already.
        let _ = self.exit.send(Leave { stopped, status }).await;
    }
}

/// Has the host's init do it; the error says what was tried.
fn ask_init(action: HostAction, argument: &str) -> Result<(), String> {
    let verb = action.verb.as_str();
    let forces = match action.haste {
        Haste::Orderly => 0,
        Haste::Forced => 1,
        Haste::Immediate => 2,
    };
    let mut systemctl = Command::new("systemctl");
    systemctl.args(std::iter::repeat_n("--force", forces));
    if !argument.is_empty() && action.verb == HostVerb::Reboot {
        systemctl.arg(format!("--reboot-argument={argument}"));
    }
    systemctl.arg(verb);
    let done = match systemctl.output() {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let mut plain = Command::new(verb);
            plain.args(std::iter::repeat_n("-f", forces.min(1)));
            (plain.output(), verb)
        }
        done => (done, "systemctl"),
    };
    match done {
        (Ok(output), _) if output.status.success() => Ok(()),
        (Ok(output), program) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{program}: {}: {}", output.status, said.trim()))
        }
        (Err(cause), program) => Err(format!("{program}: {cause}")),
    }
}
