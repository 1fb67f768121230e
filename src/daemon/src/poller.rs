//! One thread that waits on what tokio's reactor can't take safely: pidfds, and the kernel's files
//! that tell of a change by POLLPRI.
//!
//! (`tokio::io::unix::AsyncFd` needs `unsafe` for any descriptor, and this crate has none.) The
//! thread sleeps in epoll_wait; each registration fires once.
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

/// Events taken from the kernel at a time.
const BATCH: usize = 64;

/// What the thread is told. It takes note at its next event, which is soon enough for both: a
/// waiter is told before its descriptor is armed, and one that has left no longer has one.
enum Notice {
    Wait(u64, oneshot::Sender<()>),
    Left(u64),
}

/// Handle to the thread; it lives as long as the process.
#[derive(Debug, Clone)]
pub struct Poller {
    epoll: Arc<Epoll>,
    notices: mpsc::Sender<Notice>,
    next: Arc<AtomicU64>,
}

/// One wait; it ends with its future.
struct Registration<'a> {
    poller: &'a Poller,
    token: u64,
    fd: OwnedFd,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let _ = self.poller.epoll.delete(self.fd.as_fd());
        let _ = self.poller.notices.send(Notice::Left(self.token));
    }
}

impl Poller {
    /// Starts the thread.
    pub fn start() -> std::io::Result<Poller> {
        let epoll = Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        let (notices, incoming) = mpsc::channel();
        let waiting = Arc::clone(&epoll);
        std::thread::Builder::new()
            .name("poller".to_owned())
            .spawn(move || wait(&waiting, &incoming))?;
        Ok(Poller {
            epoll,
            notices,
            next: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Waits until `fd` is readable: until the process of a pidfd has ended.
    pub async fn readable(&self, fd: impl AsFd) -> std::io::Result<()> {
        self.fires(fd, EpollFlags::EPOLLIN).await
    }

    /// Waits until a file of the kernel has changed since it was read through `fd`.
    pub async fn changed(&self, fd: impl AsFd) -> std::io::Result<()> {
        self.fires(fd, EpollFlags::EPOLLPRI).await
    }

    async fn fires(&self, fd: impl AsFd, what: EpollFlags) -> std::io::Result<()> {
        // A descriptor can be in an epoll set once only; each wait gets a duplicate of its own.
        let registration = Registration {
            poller: self,
            token: self.next.fetch_add(1, Ordering::Relaxed),
            fd: fd.as_fd().try_clone_to_owned()?,
        };
        let (fired, wait) = oneshot::channel();
        let token = registration.token;
        let ended = || std::io::Error::other("the poller thread has ended");
        self.notices
            .send(Notice::Wait(token, fired))
            .map_err(|_| ended())?;
        let flags = what | EpollFlags::EPOLLONESHOT;
        self.epoll
            .add(registration.fd.as_fd(), EpollEvent::new(flags, token))?;
        wait.await.map_err(|_| ended())
    }
}

fn wait(epoll: &Epoll, incoming: &mpsc::Receiver<Notice>) {
    let mut waiters: HashMap<u64, oneshot::Sender<()>> = HashMap::new();
    let mut events = [EpollEvent::empty(); BATCH];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => continue,
            // Only a bad descriptor or buffer can be meant, and both are ours.
            Err(cause) => panic!("epoll_wait on our own descriptor: {cause}"),
        };
        for notice in incoming.try_iter() {
            match notice {
                Notice::Wait(token, waiter) => _ = waiters.insert(token, waiter),
                Notice::Left(token) => _ = waiters.remove(&token),
            }
        }
        for event in &events[..count] {
            if let Some(waiter) = waiters.remove(&event.data()) {
                // The waiter may have gone; then nobody wants to know.
                let _ = waiter.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::Duration;

    #[tokio::test]
    async fn a_readable_descriptor_wakes_its_waiter_and_no_other() {
        let poller = Poller::start().expect("epoll works");
        let (reader, mut writer) = std::io::pipe().expect("pipe");
        let (silent, _kept) = std::io::pipe().expect("pipe");
        let (reader, silent) = (
            Arc::new(OwnedFd::from(reader)),
            Arc::new(OwnedFd::from(silent)),
        );
        writer.write_all(b"x").expect("open");
        tokio::time::timeout(Duration::from_secs(10), poller.readable(&reader))
            .await
            .expect("it is readable")
            .expect("the thread lives");
        let other = tokio::time::timeout(Duration::from_millis(1), poller.readable(&silent)).await;
        assert!(other.is_err(), "nothing was written there");
        let again = poller.readable(&reader).await;
        assert!(again.is_ok(), "a descriptor may be waited on again");
    }
}
