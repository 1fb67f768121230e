//! sd_notify(3): who may say what, and what is passed on.
use super::Supervisor;
use crate::main_process;
use crate::{notify, process};
use gitproc_core::protocol::FromHelper;
use gitproc_sys::socket;
use gitproc_unit::NotifyAccess;
use std::os::fd::AsFd;

/// Datagrams that are read in one round.
const NOTIFY_ROUND: usize = 64;

impl Supervisor {
    pub(super) fn take_notifications(&mut self) {
        for _ in 0..NOTIFY_ROUND {
            let socket = self
                .service
                .as_ref()
                .and_then(|service| service.notify.as_ref());
            let Some(Ok(Some((bytes, sender)))) =
                socket.map(|socket| socket::receive_notify(socket.as_fd()))
            else {
                return;
            };
            if sender.is_some_and(|sender| self.may_notify(sender.pid)) {
                self.notified(&bytes);
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

    pub(super) fn notified(&mut self, bytes: &[u8]) {
        let (notify, main_pid) = notify::parse(bytes);
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
    }
}
