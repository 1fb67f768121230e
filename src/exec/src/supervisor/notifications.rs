//! sd_notify(3): who may say what, and what is passed on.
use super::Supervisor;
use crate::main_process;
use crate::notify::{Said, StoreWish};
use crate::{notify, process};
use gitproc_core::descriptor_store::{DEFAULT_NAME, is_name};
use gitproc_core::logline::Tag;
use gitproc_core::protocol::FromHelper;
use gitproc_sys::socket::{self, Peer};
use gitproc_unit::NotifyAccess;
use std::os::fd::{AsFd, OwnedFd};

/// Datagrams that are read in one round.
const NOTIFY_ROUND: usize = 64;

impl Supervisor {
    pub(super) fn take_notifications(&mut self) {
        for _ in 0..NOTIFY_ROUND {
            let socket = self
                .service
                .as_ref()
                .and_then(|service| service.notify.as_ref());
            let Some(Ok(Some(datagram))) =
                socket.map(|socket| socket::receive_notify(socket.as_fd()))
            else {
                return;
            };
            // Descriptors of a barrier (sd_notify_barrier(3)) are closed when all before is done.
            let allowed = |sender: Peer| self.may_notify(sender.pid);
            if datagram.sender.is_some_and(allowed) {
                self.notified(&datagram.bytes, datagram.fds);
            }
        }
    }

    pub(super) fn may_notify(&self, pid: u32) -> bool {
        match self.spec.notify_access {
            // Type=notify without access means main (systemd.service(5)).
            NotifyAccess::None | NotifyAccess::Main => self.is_main(pid),
            NotifyAccess::Exec => {
                self.is_main(pid) || self.commands.iter().any(|command| command.pid == pid)
            }
            // Outsiders have no number in the namespace: they show as 0.
            NotifyAccess::All if self.has_namespace() => pid > 0,
            NotifyAccess::All => process::is_ours(pid),
        }
    }

    fn notified(&mut self, bytes: &[u8], fds: Vec<OwnedFd>) {
        let Said {
            notify,
            main_pid,
            store,
        } = notify::parse(bytes);
        if let Some(found) = main_pid
            .filter(|pid| !self.is_main(*pid))
            .and_then(main_process::by_pid)
        {
            self.main_found(found);
        }
        let state = &mut self.report.state;
        state.notified_ready |= notify.ready;
        state.notified_stopping |= notify.stopping;
        if let Some(text) = &notify.status {
            state.status_text = Some(text.clone());
        }
        state.status_errno = notify.errno.or(state.status_errno);
        if notify != Default::default() {
            self.report.tell(&FromHelper::Notify(notify));
        }
        for trouble in self.store(&store, fds) {
            self.log.note(Tag::Remark, &trouble);
        }
    }

    /// FDSTORE=1 and FDSTOREREMOVE=1, as systemd takes them. Returns what is to be remarked.
    fn store(&mut self, wish: &StoreWish, fds: Vec<OwnedFd>) -> Vec<String> {
        let mut remarks = Vec::new();
        let name = wish.name.as_deref();
        let valid = name.filter(|name| is_name(name));
        if wish.remove {
            match valid {
                Some(name) => remarks.extend(self.store.remove(name).err()),
                None => remarks.push("FDSTOREREMOVE=1 without a valid FDNAME=, ignoring".into()),
            }
        }
        if wish.store && !fds.is_empty() {
            if valid != name {
                remarks.push(format!("FDNAME= is no valid name, taking {DEFAULT_NAME}"));
            }
            let name = valid.unwrap_or(DEFAULT_NAME);
            remarks.extend(self.store.put(name, wish.poll, fds).err());
        }
        remarks
    }
}
