//! Who the process is, and what it may do: ids, capabilities, secure bits, keyring, personality.
//!
//! bounding set → keep capabilities → gid, uid → effective, permitted, inheritable → ambient →
//! secure bits → no_new_privs. Another order either fails or leaves something behind.
use super::Child;
use super::step::{Step, is_refusal, sys};
use gitproc_core::spec::{ExecStep, Ids, Keyring, NamespaceMode};
use gitproc_sys::{credentials, keyring, scheduling};

impl Child<'_> {
    pub(super) fn set_personality(&mut self) -> Step<()> {
        match self.spec.privileges.personality {
            Some(personality) => sys(
                ExecStep::Personality,
                scheduling::set_personality(personality),
            ),
            None => Ok(()),
        }
    }

    /// A session keyring of its own keeps the service from the daemon's keys.
    pub(super) fn join_keyring(&mut self) -> Step<()> {
        let mode = self.spec.privileges.keyring;
        if mode == Keyring::Inherit {
            return Ok(());
        }
        let ids = self.spec.identity.ids.as_ref();
        let owner = ids.filter(|_| self.changes_user());
        let owner = owner.map(|ids| (ids.uid, ids.gid));
        match keyring::join_session(owner, mode == Keyring::Shared) {
            Ok(()) => Ok(()),
            // Containers often forbid keys, and then there are none to be kept from.
            Err(error) if is_refusal(error.errno()) || is_missing(error.errno()) => Ok(()),
            result => sys(ExecStep::Keyring, result),
        }
    }

    pub(super) fn set_groups(&mut self) -> Step<()> {
        match self.ids() {
            Some(Ids { gid, groups, .. }) => {
                sys(ExecStep::Group, credentials::set_groups(*gid, groups))
            }
            // With `+` or `!` it stays root, in the groups of the user that it might have been: so does
            // systemd.
            None => match &self.spec.identity.ids {
                Some(Ids { groups, .. }) => {
                    sys(ExecStep::Group, credentials::set_groups(0, groups))
                }
                None => Ok(()),
            },
        }
    }

    /// The helper's own ambient capability in a user namespace is none of the service's.
    pub(super) fn clear_inherited_capabilities(&mut self) -> Step<()> {
        match self.spec.namespace {
            NamespaceMode::UserPid => sys(ExecStep::Capabilities, credentials::clear_ambient()),
            NamespaceMode::Pid | NamespaceMode::None => Ok(()),
        }
    }

    pub(super) fn limit_capabilities(&mut self) -> Step<()> {
        let keep = self.spec.privileges.capability_bounding_set;
        sys(
            ExecStep::Capabilities,
            credentials::limit_bounding_set(keep),
        )
    }

    pub(super) fn set_user(&mut self) -> Step<()> {
        let Some(Ids { uid, .. }) = self.ids() else {
            return Ok(());
        };
        // The secure bits are set after the change, and need CAP_SETPCAP then.
        let keep = *uid != 0 && (self.ambient() != 0 || self.spec.privileges.secure_bits != 0);
        sys(ExecStep::Capabilities, credentials::keep_capabilities(keep))?;
        sys(ExecStep::User, credentials::set_user(*uid))
    }

    pub(super) fn set_capabilities(&mut self) -> Step<()> {
        let ambient = self.ambient();
        let effective = match nix::unistd::geteuid().is_root() {
            true => self.spec.privileges.capability_bounding_set,
            false => ambient,
        };
        sys(
            ExecStep::Capabilities,
            credentials::set_capabilities(effective | self.needed(), ambient),
        )?;
        sys(ExecStep::Capabilities, credentials::set_ambient(ambient))
    }

    pub(super) fn set_secure_bits(&mut self) -> Step<()> {
        let bits = self.spec.privileges.secure_bits;
        if bits == 0 {
            return Ok(());
        }
        sys(ExecStep::Securebits, credentials::set_secure_bits(bits))
    }

    /// Also where system calls are filtered without CAP_SYS_ADMIN: the kernel wants it then
    /// (seccomp(2)).
    pub(super) fn forbid_new_privileges(&mut self) -> Step<()> {
        let filtered = !self.spec.system_calls.is_empty() && !credentials::can_administer();
        match self.spec.privileges.no_new_privileges || filtered {
            true => sys(ExecStep::NoNewPrivileges, credentials::no_new_privileges()),
            false => Ok(()),
        }
    }

    /// The ids that the process takes on.
    pub(super) fn ids(&self) -> Option<&Ids> {
        let ids = self.spec.identity.ids.as_ref();
        ids.filter(|_| self.changes_user())
    }

    fn ambient(&self) -> u64 {
        let privileges = &self.spec.privileges;
        privileges.ambient_capabilities & privileges.capability_bounding_set
    }

    /// What the steps after the change of user need; an exec drops it.
    fn needed(&self) -> u64 {
        match self.spec.privileges.secure_bits {
            0 => 0,
            _ => credentials::SET_CAPABILITIES,
        }
    }
}

fn is_missing(errno: i32) -> bool {
    errno == nix::errno::Errno::ENOSYS as i32
}
