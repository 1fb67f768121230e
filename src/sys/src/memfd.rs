//! Sealed memory files: bytes that their receiver can trust not to change.
use crate::error::{Context, Error, Result};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};

fn seals() -> SealFlag {
    SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE
}

/// A memory file that holds `bytes` and can't be changed any more. `name` shows in /proc only.
pub fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd> {
    let fd = memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)
        .context("make memory file", name)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes).context("write memory file", name)?;
    file.rewind().context("rewind memory file", name)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals())).context("seal memory file", name)?;
    Ok(file.into())
}

/// Reads such a file from its beginning, `max` bytes at most; refuses one that is not sealed.
pub fn read_sealed(fd: OwnedFd, max: u64) -> Result<Vec<u8>> {
    let found = fcntl(fd.as_fd(), FcntlArg::F_GET_SEALS).context("read seals of", "memory file")?;
    if !SealFlag::from_bits_retain(found).contains(seals()) {
        let cause = std::io::Error::other("it is not sealed, so it may change while it is read");
        return Err(Error::new("read", "memory file", cause));
    }
    let mut file = std::fs::File::from(fd);
    file.rewind().context("rewind", "memory file")?;
    let length = file.metadata().context("look at", "memory file")?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(max)).unwrap_or(0) + 1);
    file.take(max)
        .read_to_end(&mut bytes)
        .context("read", "memory file")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_reads_back_and_refuses_writes() {
        let fd = sealed("test", b"hello").expect("memfd works");
        let mut writer = std::fs::File::from(fd.try_clone().expect("dup works"));
        assert!(
            writer.write_all(b"x").is_err(),
            "a write to a sealed file succeeds"
        );
        assert_eq!(read_sealed(fd, 100).expect("it is sealed"), b"hello");
    }

    #[test]
    fn an_unsealed_file_is_refused() {
        let fd = memfd_create("test", MFdFlags::MFD_CLOEXEC).expect("memfd works");
        assert!(read_sealed(fd, 100).is_err());
    }
}
