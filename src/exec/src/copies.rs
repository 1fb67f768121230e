//! Where lines of the log go, too: the kernel's log and the console (`StandardOutput=kmsg`,
//! `journal+console`). For the convenience of people: what can't be written there at once is in the
//! log all the same.
use gitproc_core::spec::LogCopies;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

const KERNEL: &str = "/dev/kmsg";
const CONSOLE: &str = "/dev/console";
/// Most bytes of a line that are copied: the kernel refuses longer records (kernel/printk).
const TEXT_MAX: usize = 900;

/// The files that lines of one stream are copied to.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    name: String,
    /// Of syslog(3), not shifted.
    facility: u8,
    kernel: Option<File>,
    console: Option<File>,
}

impl Copies {
    /// Lines will be headed by `name`. Also tells what can't be had.
    pub(crate) fn open(wanted: LogCopies, name: &str, facility: u8) -> (Copies, Vec<String>) {
        let mut lacking = Vec::new();
        let mut open = |path: &str| {
            let file = File::options().write(true).custom_flags(flags()).open(path);
            file.map_err(|cause| lacking.push(format!("lines are not copied to {path}: {cause}")))
                .ok()
        };
        let kernel = wanted.kernel.then(|| open(KERNEL)).flatten();
        let console = wanted.console.then(|| open(CONSOLE)).flatten();
        let name = name.to_owned();
        let copies = Copies {
            name,
            facility,
            kernel,
            console,
        };
        (copies, lacking)
    }

    /// One line, in one piece for each file.
    pub(crate) fn line(&mut self, level: u8, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(TEXT_MAX)];
        let record =
            |head: &str| [head.as_bytes(), self.name.as_bytes(), b": ", bytes, b"\n"].concat();
        if let Some(kernel) = &mut self.kernel {
            let _ = kernel.write(&record(&format!(
                "<{}>",
                u32::from(self.facility) * 8 + u32::from(level)
            )));
        }
        if let Some(console) = &mut self.console {
            let _ = console.write(&record(""));
        }
    }
}

/// A console that is held up must not hold the service up, nor become the helper's own terminal.
fn flags() -> i32 {
    (nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY).bits()
}
