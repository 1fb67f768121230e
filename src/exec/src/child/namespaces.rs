//! Network, IPC, host name and users of its own.
use super::Child;
use super::step::{Step, io, sys};
use crate::setup::Kept;
use gitproc_core::spec::{ExecStep, Sharing};
use gitproc_sys::namespace::{self, Kind};
use std::os::fd::{AsFd, OwnedFd};

impl Child<'_> {
    pub(super) fn enter_namespaces(&mut self) -> Step<()> {
        let spec = &self.spec.namespaces;
        let Kept { network, ipc } = self.kept;
        let entered = enter(Kind::Network, &spec.network, network.as_ref());
        self.restrict("PrivateNetwork=", entered)?;
        let entered = enter(Kind::Ipc, &self.spec.namespaces.ipc, ipc.as_ref());
        self.restrict("PrivateIPC=", entered)?;
        if self.spec.namespaces.host_name {
            let made = sys(ExecStep::Namespace, namespace::own_host_name());
            self.restrict("ProtectHostname=", made)?;
        }
        Ok(())
    }

    /// The capabilities of the process count inside of it only, from here on.
    pub(super) fn enter_user_namespace(&mut self) -> Step<()> {
        if !self.spec.namespaces.users {
            return Ok(());
        }
        let own = || {
            (
                nix::unistd::geteuid().as_raw(),
                nix::unistd::getegid().as_raw(),
            )
        };
        let (uid, gid) = self.ids().map_or_else(own, |ids| (ids.uid, ids.gid));
        let made = sys(ExecStep::User, namespace::own_users(uid, gid));
        self.restrict("PrivateUsers=", made)
    }
}

fn enter(kind: Kind, sharing: &Sharing, kept: Option<&OwnedFd>) -> Step<()> {
    let step = match kind {
        Kind::Network => ExecStep::Network,
        Kind::Ipc => ExecStep::Namespace,
    };
    match (sharing, kept) {
        (Sharing::Host, _) => Ok(()),
        (Sharing::Own | Sharing::Joined, Some(made)) => {
            sys(step, namespace::enter(kind, made.as_fd()))
        }
        // It could not be made, and that may be: the log has it.
        (Sharing::Own | Sharing::Joined, None) => Ok(()),
        (Sharing::At(path), _) => {
            let opened = io(step, &format!("open {path}"), std::fs::File::open(path))?;
            sys(step, namespace::enter(kind, opened.as_fd())).map_err(|mut failed| {
                failed.detail = format!("{} at {path}", failed.detail);
                failed
            })
        }
    }
}
