//! Terminals of services: opened, reset, taken as the controlling one.
use crate::error::{Context, Error, Result};
use nix::fcntl::{OFlag, open as open_file};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::stat::Mode;
use nix::sys::termios::{self, SetArg};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Opens the terminal at `path`, without its becoming the controlling one.
pub fn open(path: &str) -> Result<OwnedFd> {
    // O_NONBLOCK: a serial line without a carrier would hold up the open.
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let opened = open_file(path, flags, Mode::empty()).context("open terminal", path)?;
    crate::fd::set_blocking(opened.as_fd())?;
    match nix::unistd::isatty(&opened) {
        Ok(true) => Ok(opened),
        _ => Err(Error::new("open terminal", path, nix::errno::Errno::ENOTTY)),
    }
}

/// Disconnects whoever has it (vhangup); it has to be opened anew.
pub fn hang_up(terminal: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no argument is passed.
    match unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCVHANGUP) } {
        0 => Ok(()),
        _ => Err(Error::last("hang up", "terminal")),
    }
}

/// The usual line discipline: echo, lines, signals by keys, a newline made of a return.
pub fn reset(terminal: BorrowedFd<'_>) -> Result<()> {
    use termios::{ControlFlags, InputFlags, LocalFlags, OutputFlags};
    let mut modes = termios::tcgetattr(terminal).context("read modes of", "terminal")?;
    modes.input_flags.remove(
        InputFlags::IGNBRK
            | InputFlags::BRKINT
            | InputFlags::ISTRIP
            | InputFlags::INLCR
            | InputFlags::IGNCR,
    );
    modes
        .input_flags
        .insert(InputFlags::ICRNL | InputFlags::IMAXBEL | InputFlags::IUTF8);
    modes
        .output_flags
        .insert(OutputFlags::ONLCR | OutputFlags::OPOST);
    modes.control_flags.insert(ControlFlags::CREAD);
    modes.local_flags = LocalFlags::ICANON
        | LocalFlags::ISIG
        | LocalFlags::IEXTEN
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ECHOCTL
        | LocalFlags::ECHOKE;
    termios::tcsetattr(terminal, SetArg::TCSANOW, &modes).context("reset", "terminal")
}

/// Makes it the controlling terminal of the caller, who leads a session. `Ok(false)`: another
/// session has it, and is not robbed of it (`force`, which takes root).
pub fn control(terminal: BorrowedFd<'_>, force: bool) -> Result<bool> {
    // SAFETY: the argument is an integer.
    match unsafe {
        libc::ioctl(
            terminal.as_raw_fd(),
            libc::TIOCSCTTY,
            libc::c_int::from(force),
        )
    } {
        0 => Ok(true),
        _ => match std::io::Error::last_os_error() {
            cause if cause.raw_os_error() == Some(libc::EPERM) && !force => Ok(false),
            cause => Err(Error::new("take as controlling terminal", "it", cause)),
        },
    }
}

/// Tells when somebody closes a terminal, and it may be free.
#[derive(Debug)]
pub struct Closing(Inotify);

impl Closing {
    /// From now on.
    pub fn of(path: &str) -> Result<Closing> {
        let watch = Inotify::init(InitFlags::IN_CLOEXEC).context("watch terminal", path)?;
        watch
            .add_watch(path, AddWatchFlags::IN_CLOSE)
            .context("watch terminal", path)?;
        Ok(Closing(watch))
    }

    /// Blocks until it happens.
    pub fn wait(&self) -> Result<()> {
        self.0
            .read_events()
            .context("wait for", "terminal")
            .map(drop)
    }
}

/// Sets the size, of which `None` stays as it is.
pub fn resize(terminal: BorrowedFd<'_>, rows: Option<u16>, columns: Option<u16>) -> Result<()> {
    if rows.is_none() && columns.is_none() {
        return Ok(());
    }
    // SAFETY: an all-zero winsize is a valid one.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours and outlives the call.
    if unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &mut size) } != 0 {
        return Err(Error::last("read size of", "terminal"));
    }
    size.ws_row = rows.unwrap_or(size.ws_row);
    size.ws_col = columns.unwrap_or(size.ws_col);
    // SAFETY: as above.
    match unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &size) } {
        0 => Ok(()),
        _ => Err(Error::last("set size of", "terminal")),
    }
}
