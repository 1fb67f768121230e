//! One thread that waits on what tokio's reactor can't take safely: pidfds.
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

/// A registration on its way to the thread. The descriptor stays open, and so registered, until
/// it has fired.
struct Registration {
    token: u64,
    fd: Arc<OwnedFd>,
    fired: oneshot::Sender<()>,
}

/// Handle to the thread; it lives as long as the process.
#[derive(Debug, Clone)]
pub struct Poller {
    epoll: Arc<Epoll>,
    registrations: mpsc::Sender<Registration>,
    next: Arc<AtomicU64>,
}

impl Poller {
    /// Starts the thread.
    pub fn start() -> std::io::Result<Poller> {
        let epoll = Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        let (registrations, incoming) = mpsc::channel();
        let waiting = Arc::clone(&epoll);
        std::thread::Builder::new()
            .name("poller".to_owned())
            .spawn(move || wait(&waiting, &incoming))?;
        Ok(Poller {
            epoll,
            registrations,
            next: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Waits until `fd` is readable: until the process of a pidfd has ended. Dropping the future
    /// leaves the registration behind until then, which is harmless.
    pub async fn readable(&self, fd: &Arc<OwnedFd>) -> std::io::Result<()> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        // A descriptor can be in an epoll set once only; each wait gets a duplicate of its own.
        let own = Arc::new(fd.try_clone()?);
        let (fired, wait) = oneshot::channel();
        let registration = Registration {
            token,
            fd: Arc::clone(&own),
            fired,
        };
        // Sent before it is armed, so that the thread knows it when it fires.
        self.registrations
            .send(registration)
            .map_err(|_| std::io::Error::other("the poller thread has ended"))?;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        self.epoll.add(own.as_fd(), EpollEvent::new(flags, token))?;
        wait.await
            .map_err(|_| std::io::Error::other("the poller thread has ended"))
    }
}

fn wait(epoll: &Epoll, incoming: &mpsc::Receiver<Registration>) {
    let mut known: HashMap<u64, Registration> = HashMap::new();
    let mut events = [EpollEvent::empty(); BATCH];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => continue,
            // Only a bad descriptor or buffer can be meant, and both are ours.
            Err(cause) => panic!("epoll_wait on our own descriptor: {cause}"),
        };
        known.extend(incoming.try_iter().map(|new| (new.token, new)));
        for event in &events[..count] {
            if let Some(registration) = known.remove(&event.data()) {
                let _ = epoll.delete(registration.fd.as_fd());
                // The waiter may have gone; then nobody wants to know.
                let _ = registration.fired.send(());
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
    }
}
