//! `JoinsNamespaceOf=`: what services have in common of network, IPC and temporary files.
//!
//! Who is started first makes it, and who comes later takes it over while the first still runs. A
//! namespace lives as long as somebody holds it; the directories of `PrivateTmp=` go with the last
//! service that has them.
use gitproc_core::InvocationId;
use gitproc_core::spec::Fds;
use gitproc_sys::namespace::{self, Kind};
use gitproc_unit::Family::Exec;
use gitproc_unit::Unit;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What can be had in common.
const OWN: [&str; 3] = ["PrivateNetwork", "PrivateIPC", "PrivateTmp"];

/// The invocations that are alive and have something of their own.
#[derive(Debug, Default)]
pub struct Commons(Mutex<BTreeMap<InvocationId, Member>>);

#[derive(Debug)]
struct Member {
    unit: Arc<Unit>,
    /// Its helper, once there is one.
    helper: Option<OwnedFd>,
    /// Whose `PrivateTmp=` directories it has.
    tmp: InvocationId,
}

/// What an invocation takes over.
#[derive(Debug, Default)]
pub struct Joined {
    /// Of the network.
    pub network: Option<OwnedFd>,
    /// Of System V IPC and message queues.
    pub ipc: Option<OwnedFd>,
    /// Whose `PrivateTmp=` directories.
    pub tmp: Option<InvocationId>,
}

impl Commons {
    fn members(&self) -> MutexGuard<'_, BTreeMap<InvocationId, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new invocation has in common with a service that runs. Either of them may say so; of
    /// several, the first that has something. From now on the directories stay that it joins.
    pub fn join(&self, invocation: InvocationId, unit: &Arc<Unit>) -> Joined {
        let mut members = self.members();
        let joins = |a: &Unit, b: &Unit| a.unit.joins_namespace_of.contains(&b.name);
        let common = members
            .values()
            .filter(|member| joins(unit, &member.unit) || joins(&member.unit, unit));
        let mut joined = Joined::default();
        for member in common {
            let both =
                |key| unit.settings.is_true(Exec, key) && member.unit.settings.is_true(Exec, key);
            let take = |kind, number| {
                let helper = member.helper.as_ref()?;
                namespace::of(helper.as_fd(), number, kind)
            };
            if joined.network.is_none() && both("PrivateNetwork") {
                joined.network = take(Kind::Network, Fds::NETWORK);
            }
            if joined.ipc.is_none() && both("PrivateIPC") {
                joined.ipc = take(Kind::Ipc, Fds::IPC);
            }
            if joined.tmp.is_none() && both("PrivateTmp") {
                joined.tmp = Some(member.tmp);
            }
        }
        if OWN.iter().any(|key| unit.settings.is_true(Exec, key)) {
            let member = Member {
                unit: Arc::clone(unit),
                helper: None,
                tmp: joined.tmp.unwrap_or(invocation),
            };
            members.insert(invocation, member);
        }
        joined
    }

    /// From now on others may join its namespaces. Without a descriptor for it nobody does.
    pub fn lives(&self, invocation: InvocationId, helper: BorrowedFd<'_>) {
        if let Some(member) = self.members().get_mut(&invocation) {
            member.helper = helper.try_clone_to_owned().ok();
        }
    }

    /// An invocation that an earlier daemon has made.
    pub fn adopt(
        &self,
        invocation: InvocationId,
        unit: &Arc<Unit>,
        helper: BorrowedFd<'_>,
        tmp: InvocationId,
    ) {
        let member = Member {
            unit: Arc::clone(unit),
            helper: helper.try_clone_to_owned().ok(),
            tmp,
        };
        self.members().insert(invocation, member);
    }

    /// The invocation is over. `remove` is called when nobody has the directories of `tmp` any more;
    /// nobody can join them meanwhile.
    pub fn leave(&self, invocation: InvocationId, tmp: InvocationId, remove: impl FnOnce()) {
        let mut members = self.members();
        members.remove(&invocation);
        if !members.values().any(|member| member.tmp == tmp) {
            remove();
        }
    }
}
