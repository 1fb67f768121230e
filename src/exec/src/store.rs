//! The helper's way to the keeper of its unit's descriptor store ([`crate::keeper`]).
//!
//! A keeper that does not answer in time is given up, and what it holds is out of reach.
use gitproc_core::descriptor_store::{FromStore, PACKET_MAX, ToStore};
use gitproc_sys::socket;
use std::os::fd::{AsFd, OwnedFd};

/// A store: with `max` 0 there is none, and without a keeper it was lost.
pub(crate) struct Store {
    keeper: Option<OwnedFd>,
    max: u32,
}

/// A descriptor with its name.
pub(crate) type Stored = (String, OwnedFd);

impl Store {
    pub(crate) fn new(keeper: OwnedFd, max: u32) -> Store {
        Store {
            keeper: (max > 0).then_some(keeper),
            max,
        }
    }

    /// Hands descriptors over. The error is for the unit's log.
    pub(crate) fn put(&mut self, name: &str, poll: bool, fds: Vec<OwnedFd>) -> Result<(), String> {
        let max = self.max;
        let count = u32::try_from(fds.len()).unwrap_or(u32::MAX);
        let request = ToStore::Store {
            name: name.to_owned(),
            poll,
            count,
            max,
        };
        let refused = match self.ask(&request, &fds)? {
            Some((FromStore::Stored { refused }, _)) => refused,
            Some((FromStore::Descriptor { .. } | FromStore::Total { .. }, _)) => 0,
            None if max > 0 => {
                return Err(format!(
                    "FDSTORE=1: the descriptor store is lost, closing {count}"
                ));
            }
            None => count,
        };
        match refused {
            0 => Ok(()),
            _ => Err(format!(
                "FDSTORE=1: FileDescriptorStoreMax={max} is reached, closing {refused} of {count}"
            )),
        }
    }

    /// Lets those of a name go.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), String> {
        let name = name.to_owned();
        self.ask(&ToStore::Remove { name }, &[]).map(drop)
    }

    /// A copy of each.
    pub(crate) fn fetch(&mut self) -> Result<Vec<Stored>, String> {
        let mut found = Vec::new();
        let mut answer = self.ask(&ToStore::Fetch, &[])?;
        while let Some((FromStore::Descriptor { name }, fds)) = answer {
            found.extend(fds.into_iter().map(|fd| (name.clone(), fd)));
            answer = self.hear()?;
        }
        Ok(found)
    }

    /// `None` without a keeper.
    fn ask(
        &mut self,
        request: &ToStore,
        fds: &[OwnedFd],
    ) -> Result<Option<(FromStore, Vec<OwnedFd>)>, String> {
        let Some(keeper) = &self.keeper else {
            return Ok(None);
        };
        let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        let bytes = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        match socket::send_with_fds(keeper.as_fd(), &bytes, &borrowed) {
            Ok(_) => self.hear(),
            Err(error) => Err(self.give_up(&error.in_full())),
        }
    }

    fn hear(&mut self) -> Result<Option<(FromStore, Vec<OwnedFd>)>, String> {
        let Some(keeper) = &self.keeper else {
            return Ok(None);
        };
        let mut bytes = [0; PACKET_MAX];
        match socket::receive_with_fds(keeper.as_fd(), &mut bytes) {
            Ok((0, _)) => Err(self.give_up("its keeper has ended")),
            Ok((length, fds)) => match serde_json::from_slice(&bytes[..length]) {
                Ok(answer) => Ok(Some((answer, fds))),
                Err(error) => Err(self.give_up(&error.to_string())),
            },
            Err(error) => Err(self.give_up(&error.in_full())),
        }
    }

    fn give_up(&mut self, why: &str) -> String {
        self.keeper = None;
        format!("the descriptor store is lost: {why}")
    }
}
