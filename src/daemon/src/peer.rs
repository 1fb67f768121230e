//! Who calls, and what they may do.
use gitproc_rpc::api::Right;
use gitproc_sys::socket::Peer;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::ffi::CString;

/// Group whose members may control services.
pub const CONTROL_GROUP: &str = "gitproc";

/// The people that matter on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People {
    /// The daemon's own user.
    pub own_uid: u32,
    /// Owner of the store.
    pub store_uid: Option<u32>,
    /// Group `gitproc`, where it exists.
    pub control_gid: Option<u32>,
}

/// A caller, judged once per connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the kernel vouches for it.
    pub uid: u32,
    /// Name in the user database, or the number.
    pub name: String,
    all: bool,
    hook: bool,
    control: bool,
}

impl People {
    /// Of this host.
    pub fn find(store_uid: Option<u32>) -> People {
        let group = Group::from_name(CONTROL_GROUP).ok().flatten();
        People {
            own_uid: Uid::effective().as_raw(),
            store_uid,
            control_gid: group.map(|group| group.gid.as_raw()),
        }
    }

    /// Judges a peer. Asks the user database, so it may block.
    pub fn judge(&self, peer: Peer) -> Caller {
        let user = User::from_uid(Uid::from_raw(peer.uid)).ok().flatten();
        let all = peer.uid == 0 || peer.uid == self.own_uid;
        let hook = self.store_uid == Some(peer.uid);
        let control = !all
            && !hook
            && self
                .control_gid
                .is_some_and(|gid| is_member(user.as_ref(), peer, gid));
        let name = user.map_or_else(|| peer.uid.to_string(), |user| user.name);
        Caller {
            uid: peer.uid,
            name,
            all,
            hook,
            control,
        }
    }
}

fn is_member(user: Option<&User>, peer: Peer, gid: u32) -> bool {
    let listed = |user: &User| {
        let name = CString::new(user.name.as_str()).ok()?;
        getgrouplist(&name, user.gid).ok()
    };
    peer.gid == gid
        || user
            .and_then(listed)
            .is_some_and(|groups| groups.contains(&Gid::from_raw(gid)))
}

impl Caller {
    /// Whether it may.
    pub fn may(&self, right: Right) -> bool {
        match right {
            Right::Read => true,
            Right::Control => self.all || self.control,
            Right::Hook => self.all || self.hook,
        }
    }

    /// For records: `uid 1000 (ada)`.
    pub fn actor(&self) -> String {
        format!("uid {} ({})", self.uid, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_follow_from_the_kernels_word() {
        let people = People {
            own_uid: 4_000_000,
            store_uid: Some(4_000_001),
            control_gid: Some(4_000_002),
        };
        let peer = |uid, gid| Peer { uid, gid, pid: 1 };
        for (peer, read, control, hook) in [
            (peer(0, 0), true, true, true),
            (peer(4_000_000, 0), true, true, true),
            (peer(4_000_001, 4_000_001), true, false, true),
            (peer(4_000_003, 4_000_002), true, true, false),
            (peer(4_000_004, 4_000_004), true, false, false),
        ] {
            let caller = people.judge(peer);
            let rights = [Right::Read, Right::Control, Right::Hook].map(|right| caller.may(right));
            assert_eq!(rights, [read, control, hook], "{peer:?}");
        }
    }
}
