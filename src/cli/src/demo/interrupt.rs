//! Ctrl-C, SIGTERM and the end of the terminal, as something that can be asked and waited for.
use crate::failure::{FAILED, Failure};
use crate::wait;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a shell reports for a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Asked by many, caught once.
#[derive(Clone)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    wakes: Rc<UnixStream>,
}

impl Interrupt {
    /// From here on these signals mean: stop the show and clear the stage.
    pub fn catch() -> Result<Interrupt, Failure> {
        let failed = |error| Failure::caused("can't catch signals", &error);
        let asked = Arc::new(AtomicBool::new(false));
        let (wakes, writer) = UnixStream::pair().map_err(failed)?;
        wakes.set_nonblocking(true).map_err(failed)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, asked.clone()).map_err(failed)?;
        }
        // SIGCHLD too: the wait ends when the daemon does. Flags come first, so that a wake-up
        // always finds its reason.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] {
            let writer = writer.try_clone().map_err(failed)?;
            signal_hook::low_level::pipe::register(signal, writer).map_err(failed)?;
        }
        let wakes = Rc::new(wakes);
        Ok(Interrupt { asked, wakes })
    }

    /// Whether somebody wants the show to end.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// A failure if somebody does.
    pub fn check(&self) -> Result<(), Failure> {
        match self.asked() {
            true => Err(Failure::new(INTERRUPTED, "interrupted")),
            false => Ok(()),
        }
    }

    /// [`wait::until`], unless somebody wants the show to end before.
    pub fn until<T>(
        &self,
        deadline: Duration,
        mut question: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let answer = wait::until(deadline, || match self.check() {
            Ok(()) => question().map(Ok),
            Err(interrupted) => Some(Err(interrupted)),
        });
        answer.transpose()
    }

    /// Until somebody wants the show to end, or the daemon has ended.
    pub fn wait(&self, mut daemon_ended: impl FnMut() -> bool) -> Result<(), Failure> {
        loop {
            if self.asked() {
                return Ok(());
            }
            if daemon_ended() {
                return Err(Failure::new(FAILED, "the daemon has ended"));
            }
            wait::readable(self.wakes.as_fd())
                .map_err(|error| Failure::caused("can't wait for signals", &error))?;
            let mut seen = [0; 64];
            // Only drained; what happened is looked up above.
            let _ = (&*self.wakes).read(&mut seen);
        }
    }
}
