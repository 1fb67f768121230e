//! Effects to acts: each invocation has one task that owns it ([`crate::holder`]); this hands out
//! the effects. It never waits.
use crate::checks::Checks;
use crate::cleanup;
use crate::condition::{Surroundings, judge};
use crate::holder::{Adopted, Command, Holder, HolderContext};
use crate::host::Host;
use crate::poller::Poller;
use crate::records;
use crate::shell::{Message, Shell};
use crate::spawn::SpawnRequest;
use gitproc_core::protocol::ToHelper;
use gitproc_core::{Effect, InvocationId};
use gitproc_unit::{Unit, UnitName};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Commands that may wait for a holder. The engine sends a handful per invocation; a holder that
/// lets more pile up has a helper that does not read.
const COMMANDS: usize = 64;

/// Limits that could not be applied, by unit; shown in `status`.
pub type Unapplied = BTreeMap<UnitName, Vec<String>>;

/// Acts on the world.
#[derive(Debug)]
pub struct Driver {
    context: Arc<HolderContext>,
    holders: HashMap<InvocationId, mpsc::Sender<Command>>,
    surroundings: Arc<Surroundings>,
    checks: Checks,
}

impl Driver {
    /// A driver without invocations. `unapplied` is told of limits that can't be had.
    pub fn new(
        host: Arc<Host>,
        shell: Shell,
        poller: Poller,
        unapplied: watch::Sender<Unapplied>,
    ) -> Driver {
        let context = HolderContext {
            host,
            shell,
            poller,
            unapplied,
        };
        Driver {
            context: Arc::new(context),
            holders: HashMap::new(),
            surroundings: Arc::new(Surroundings::own()),
            checks: Checks::default(),
        }
    }

    /// Takes over a helper that outlived the last daemon.
    pub fn adopt(&mut self, invocation: InvocationId, adopted: Adopted) {
        let commands = self.register(invocation);
        let holder = Holder::new(Arc::clone(&self.context), invocation, commands);
        tokio::spawn(holder.adopt(adopted));
    }

    /// The invocation is over, and the engine knows it.
    pub fn forget(&mut self, invocation: InvocationId) {
        self.holders.remove(&invocation);
        let dir = self
            .context
            .host
            .layout
            .invocations()
            .join(invocation.to_string());
        if let Some(problem) = cleanup::remove(&dir) {
            tracing::error!(%invocation, "{problem}, ignoring");
        }
    }

    /// Closes the descriptor stores of units that need theirs no more. Few units have one.
    pub fn close_descriptor_stores(&self, keeps: impl Fn(&UnitName) -> bool) {
        let stores = &self.context.host.descriptor_stores;
        for unit in stores.units() {
            if keeps(&unit) {
                continue;
            }
            if let Err(error) = stores.close(&unit) {
                let why = error.in_full();
                let name = unit.as_str();
                tracing::error!(
                    unit = name,
                    "{unit}: descriptors stay open: {why}, ignoring"
                );
            }
        }
    }

    /// Does what an effect says; those for the loop itself are not for here.
    pub fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Check { invocation, unit } => self.check(invocation, unit),
            Effect::Spawn {
                invocation,
                unit,
                commit,
                restarts,
            } => {
                let commands = self.register(invocation);
                let holder = Holder::new(Arc::clone(&self.context), invocation, commands);
                tokio::spawn(holder.spawn(SpawnRequest {
                    invocation,
                    unit,
                    commit,
                    restarts,
                }));
            }
            Effect::Run {
                invocation,
                role,
                index,
                environment,
            } => {
                self.command(
                    invocation,
                    Command::Tell(ToHelper::Run {
                        role,
                        index,
                        environment,
                    }),
                );
            }
            Effect::Signal {
                invocation,
                whom,
                signal,
            } => {
                self.command(invocation, Command::Tell(ToHelper::Signal { whom, signal }));
            }
            Effect::KillCgroup { invocation } => self.command(invocation, Command::KillCgroup),
            Effect::Release {
                invocation,
                keep_runtime_directory,
            } => {
                self.command(
                    invocation,
                    Command::Release {
                        keep_runtime_directory,
                    },
                );
            }
            Effect::Record { unit, record } => {
                let written =
                    records::write_unit(&self.context.host.layout, &unit, record.as_deref());
                if let Err(error) = written {
                    let unit = unit.as_str();
                    tracing::error!(unit, "{unit}: state is not recorded: {error}, ignoring");
                }
            }
            Effect::JobDone(_)
            | Effect::Settled { .. }
            | Effect::Changed { .. }
            | Effect::HostAction { .. } => {}
        }
    }

    /// Looks at the host on a thread of its own ([`crate::checks`]).
    fn check(&self, invocation: InvocationId, unit: Arc<Unit>) {
        let (shell, surroundings) = (self.context.shell.clone(), Arc::clone(&self.surroundings));
        let name = unit.name.clone();
        let judge = move |unit: &Unit| {
            let unit_name = unit.name.as_str();
            judge(unit, &surroundings, |complaint| {
                tracing::warn!(unit = unit_name, "{unit_name}: {complaint}");
            })
        };
        let runtime = tokio::runtime::Handle::current();
        self.checks.ask(
            invocation,
            unit,
            judge,
            move |invocation, (conditions, asserts)| {
                let message = Message::Checked {
                    unit: name,
                    invocation,
                    conditions,
                    asserts,
                };
                // Nobody listens any more when the loop has ended.
                runtime.spawn(async move { _ = shell.send(message).await });
            },
        );
    }

    fn register(&mut self, invocation: InvocationId) -> mpsc::Receiver<Command> {
        let (sender, commands) = mpsc::channel(COMMANDS);
        self.holders.insert(invocation, sender);
        commands
    }

    /// A holder that is gone has told so, or is about to: its `Gone` is on the way.
    fn command(&mut self, invocation: InvocationId, command: Command) {
        let Some(holder) = self.holders.get(&invocation) else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = holder.try_send(command) {
            tracing::error!(%invocation, "the helper does not read its commands: giving it up");
            // The holder sees its channel closed while the loop lives, and kills the helper.
            self.holders.remove(&invocation);
        }
    }
}
