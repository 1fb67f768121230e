//! The keeper of one unit's descriptor store: a process that holds descriptors between invocations.
//!
//! Apart from the helper, which ends with its invocation and takes its namespace along. One thread,
//! one poll loop; it ends when it is told to close. What it hears is in
//! [`gitproc_core::descriptor_store`].
use gitproc_core::descriptor_store::{FromStore, PACKET_MAX, ToStore};
use gitproc_sys::{Result, fd, socket};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How long a client may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before a connection is tried again that could not be had, in ms.
const RETRY_MS: u16 = 100;

/// Descriptors that the keeper needs for itself: standard streams, the listener, connections.
const RESERVED: usize = 32;

/// One descriptor.
struct Kept {
    name: String,
    fd: OwnedFd,
    /// It is forgotten when the other end hangs up.
    polled: bool,
}

struct Keeper {
    listener: OwnedFd,
    /// How many descriptors this process may hold for others.
    room: usize,
    clients: Vec<OwnedFd>,
    kept: Vec<Kept>,
}

/// What became of a request.
enum Outcome {
    Answered,
    /// The client is gone, or says what nobody understands.
    HangUp,
    Close,
}

/// Until it is told to close.
pub(crate) fn run(listener: OwnedFd) -> Result<()> {
    // The daemon has raised it as far as it goes.
    let (most, _) = getrlimit(Resource::RLIMIT_NOFILE)
        .map_err(|cause| gitproc_sys::Error::new("read", "limit of open files", cause))?;
    let mut keeper = Keeper {
        listener,
        room: usize::try_from(most)
            .unwrap_or(usize::MAX)
            .saturating_sub(RESERVED),
        clients: Vec::new(),
        kept: Vec::new(),
    };
    while keeper.round()? {}
    Ok(())
}

impl Keeper {
    /// Waits, and does what is to be done. False: it is over.
    fn round(&mut self) -> Result<bool> {
        let watch = |fd, flags| PollFd::new(fd, flags);
        let mut fds = vec![watch(self.listener.as_fd(), PollFlags::POLLIN)];
        fds.extend(
            self.clients
                .iter()
                .map(|client| watch(client.as_fd(), PollFlags::POLLIN)),
        );
        let polled = self.kept.iter().filter(|kept| kept.polled);
        // Hang-ups and errors are told unasked.
        fds.extend(polled.map(|kept| watch(kept.fd.as_fd(), PollFlags::empty())));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(cause) => {
                return Err(gitproc_sys::Error::new("poll", "stored descriptors", cause));
            }
        }
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        drop(fds);
        let (calls, hung_up) = ready[1..].split_at(self.clients.len());
        let mut hung_up = hung_up.iter().copied();
        self.kept
            .retain(|kept| !(kept.polled && hung_up.next().unwrap_or(false)));
        let mut calls = calls.iter().copied();
        for client in std::mem::take(&mut self.clients) {
            let outcome = match calls.next() {
                Some(true) => self.serve(client.as_fd()),
                Some(false) | None => Outcome::Answered,
            };
            match outcome {
                Outcome::Answered => self.clients.push(client),
                Outcome::HangUp => {}
                Outcome::Close => return Ok(false),
            }
        }
        if ready[0] {
            match socket::accept_packets(self.listener.as_fd(), PATIENCE) {
                Ok(newcomer) => self.clients.extend(newcomer),
                // The host lacks something. What is kept stays; who wants to connect waits.
                Err(_) => _ = poll(&mut [], RETRY_MS),
            }
        }
        Ok(true)
    }

    fn serve(&mut self, client: BorrowedFd<'_>) -> Outcome {
        let mut bytes = [0; PACKET_MAX];
        let request = match socket::receive_with_fds(client, &mut bytes) {
            Ok((0, _)) | Err(_) => return Outcome::HangUp,
            Ok((length, fds)) => serde_json::from_slice(&bytes[..length]).map(|said| (said, fds)),
        };
        let Ok((request, fds)) = request else {
            return Outcome::HangUp;
        };
        let answer = match request {
            ToStore::Store {
                name,
                poll,
                count,
                max,
            } => {
                let arrived = u32::try_from(fds.len()).unwrap_or(u32::MAX);
                FromStore::Stored {
                    refused: count.saturating_sub(arrived) + self.store(&name, poll, max, fds),
                }
            }
            ToStore::Remove { name } => {
                self.kept.retain(|kept| kept.name != name);
                self.total()
            }
            ToStore::Fetch => {
                for kept in &self.kept {
                    let name = kept.name.clone();
                    if !say(client, &FromStore::Descriptor { name }, Some(&kept.fd)) {
                        return Outcome::HangUp;
                    }
                }
                self.total()
            }
            ToStore::Count => self.total(),
            ToStore::Close => return Outcome::Close,
        };
        match say(client, &answer, None) {
            true => Outcome::Answered,
            false => Outcome::HangUp,
        }
    }

    /// Returns how many had no place. One that is there already has one.
    fn store(&mut self, name: &str, polled: bool, max: u32, fds: Vec<OwnedFd>) -> u32 {
        let mut refused = 0;
        for fd in fds {
            let same = |kept: &Kept| fd::is_same_file(kept.fd.as_fd(), fd.as_fd());
            if self.kept.iter().any(same) {
                continue;
            }
            if self.kept.len() >= self.room.min(max as usize) {
                refused += 1;
                continue;
            }
            self.kept.push(Kept {
                name: name.to_owned(),
                fd,
                polled,
            });
        }
        refused
    }

    fn total(&self) -> FromStore {
        let count = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        FromStore::Total { count }
    }
}

/// False when it could not be said.
fn say(client: BorrowedFd<'_>, answer: &FromStore, fd: Option<&OwnedFd>) -> bool {
    let fds: Vec<_> = fd.iter().map(AsFd::as_fd).collect();
    serde_json::to_vec(answer)
        .is_ok_and(|bytes| socket::send_with_fds(client, &bytes, &fds).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> OwnedFd {
        gitproc_sys::memfd::sealed("kept", b"x").expect("memory files work")
    }

    #[test]
    fn it_takes_what_the_unit_may_store_and_it_has_room_for_and_nothing_twice() {
        let mut keeper = Keeper {
            listener: file(),
            room: 3,
            clients: Vec::new(),
            kept: Vec::new(),
        };
        let one = file();
        let again = one.try_clone().expect("room for one more");
        assert_eq!(
            keeper.store("a", true, 2, vec![one, again, file(), file()]),
            1
        );
        assert_eq!(keeper.store("b", true, 9, vec![file(), file()]), 1);
        let names: Vec<&str> = keeper.kept.iter().map(|kept| kept.name.as_str()).collect();
        assert_eq!(names, ["a", "a", "b"]);
    }
}
