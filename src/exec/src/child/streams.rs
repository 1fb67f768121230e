//! stdin, stdout and stderr.
use super::Child;
use super::step::{Step, errno, io, sys};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecStep, FileMode, Input, Output, Taking};
use gitproc_sys::terminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The terminal of services that name none.
const CONSOLE: &str = "/dev/console";

impl Child<'_> {
    pub(super) fn open_streams(&mut self) -> Step<()> {
        self.open_input()?;
        let streams = &self.spec.streams;
        self.open_output(&streams.output, ExecStep::Stdout)?;
        self.open_output(&streams.error, ExecStep::Stderr)
    }

    fn open_input(&mut self) -> Step<()> {
        let step = ExecStep::Stdin;
        let opened: OwnedFd = match &self.spec.streams.input {
            // The helper's own stdin is just that.
            Input::Null => return Ok(()),
            Input::Data(bytes) => sys(step, gitproc_sys::memfd::sealed("gitproc-stdin", &bytes.0))?,
            Input::File(path) => {
                let tried = format!("open {path}");
                io(step, &tried, open_input_file(path))?.into()
            }
            Input::Terminal(taking) => self.take_terminal(step, *taking)?,
        };
        errno(step, "set stdin", nix::unistd::dup2_stdin(opened))
    }

    fn open_output(&self, output: &Output, step: ExecStep) -> Step<()> {
        let out = step == ExecStep::Stdout;
        let to = |fd: BorrowedFd<'_>| match out {
            true => errno(step, "set stdout", nix::unistd::dup2_stdout(fd)),
            false => errno(step, "set stderr", nix::unistd::dup2_stderr(fd)),
        };
        match output {
            Output::Log => to(self.log[usize::from(!out)]),
            // Of stdin without anything in it, nothing can be inherited.
            Output::Inherit if out && self.spec.streams.input == Input::Null => to(self.log[0]),
            Output::Inherit if out => to(std::io::stdin().as_fd()),
            // Its own pipe, so that its lines are known as those of stderr.
            Output::Inherit if self.stdout_is_log() => to(self.log[1]),
            Output::Inherit => to(std::io::stdout().as_fd()),
            // The helper's own are just that, but for what stood before in this process.
            Output::Null => {
                let null = std::fs::File::options().write(true).open("/dev/null");
                to(io(step, "open /dev/null", null)?.as_fd())
            }
            Output::File(path, mode) => {
                // Both streams into one file share an offset: no line overwrites another.
                let same = *output == self.spec.streams.output;
                if !out && same {
                    return to(std::io::stdout().as_fd());
                }
                let opened = open_output_file(path, *mode);
                to(io(step, &format!("open {path}"), opened)?.as_fd())
            }
            Output::Terminal => to(self.open_terminal(step)?.as_fd()),
        }
    }

    fn stdout_is_log(&self) -> bool {
        match self.spec.streams.output {
            Output::Log => true,
            Output::Inherit => self.spec.streams.input == Input::Null,
            Output::Null | Output::File(..) | Output::Terminal => false,
        }
    }

    fn open_terminal(&self, step: ExecStep) -> Step<OwnedFd> {
        sys(step, terminal::open(self.terminal_path()))
    }

    fn terminal_path(&self) -> &str {
        let path = self.spec.streams.terminal.path.as_deref();
        path.unwrap_or(CONSOLE)
    }

    /// The terminal as the controlling one of this session.
    fn take_terminal(&self, step: ExecStep, taking: Taking) -> Step<OwnedFd> {
        let wanted = &self.spec.streams.terminal;
        // Watched before it is tried: it may become free in between.
        let closing = sys(step, terminal::Closing::of(self.terminal_path()))?;
        let mut opened = self.open_terminal(step)?;
        if wanted.hang_up {
            sys(step, terminal::hang_up(opened.as_fd()))?;
            opened = self.open_terminal(step)?;
        }
        while !sys(
            step,
            terminal::control(opened.as_fd(), taking == Taking::Force),
        )? {
            if taking == Taking::Fail {
                return Err(Failure {
                    step,
                    errno: nix::errno::Errno::EPERM as i32,
                    detail: format!("{} belongs to another session", self.terminal_path()),
                });
            }
            drop(opened);
            sys(step, closing.wait())?;
            opened = self.open_terminal(step)?;
        }
        if wanted.reset {
            sys(step, terminal::reset(opened.as_fd()))?;
        }
        let (rows, columns) = (wanted.rows, wanted.columns);
        sys(step, terminal::resize(opened.as_fd(), rows, columns))?;
        // So that the service can change its modes (systemd.exec(5), TTYPath=).
        if let Some(ids) = self.ids() {
            let changed = nix::unistd::fchown(&opened, Some(ids.uid.into()), None);
            errno(step, &format!("own {}", self.terminal_path()), changed)?;
        }
        Ok(opened)
    }
}

fn open_input_file(path: &str) -> std::io::Result<std::fs::File> {
    std::fs::File::open(path)
}

/// As a service's own log files are made: 0644, less the umask.
fn open_output_file(path: &str, mode: FileMode) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.write(true).create(true);
    match mode {
        FileMode::Over => options.truncate(false),
        FileMode::Append => options.append(true),
        FileMode::Truncate => options.truncate(true),
    };
    options.open(path)
}
