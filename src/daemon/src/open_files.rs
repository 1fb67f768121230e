//! Room for open files: the daemon holds a few for each service, so the usual 1,024 would end at
//! some 250 services. Services themselves get what the daemon was started with.
use gitproc_unit::Rlimit;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, and returns both as they were.
pub fn raise() -> nix::Result<Rlimit> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(Rlimit { soft, hard })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_and_the_old_one_told() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("readable");
        assert_eq!(raise(), Ok(Rlimit { soft, hard }));
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE), Ok((hard, hard)));
    }
}
