//! Waiting for something that can only be asked about: a pause between questions, and a deadline.
use nix::poll::{PollFlags, PollTimeout};
use std::time::{Duration, Instant};

/// Between two questions. Short against what people notice, long against what a question costs.
const PAUSE_MS: u16 = 20;

/// Asks until there is an answer; `None` when the deadline passes first.
pub fn until<T>(deadline: Duration, mut question: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = question() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        // A signal ends the pause early, which is fine.
        let _ = nix::poll::poll(&mut [], PollTimeout::from(PAUSE_MS));
    }
}

/// Waits until `fd` can be read.
pub fn readable(fd: std::os::fd::BorrowedFd<'_>) -> nix::Result<()> {
    let mut fds = [nix::poll::PollFd::new(fd, PollFlags::POLLIN)];
    loop {
        match nix::poll::poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return other.map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_again_until_the_answer_or_the_deadline() {
        let mut asked = 0;
        let answer = until(Duration::from_secs(10), || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(answer, Some(3));
        assert_eq!(until(Duration::ZERO, || None::<()>), None);
    }
}
