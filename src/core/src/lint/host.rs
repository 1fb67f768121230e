//! What checks ask about the host. The shells answer; tests make one up.
use crate::host_action::HostVerb;

/// The host that units are to run on.
pub trait Host {
    /// What stands at an absolute path, links followed.
    fn look(&self, path: &str) -> Look;
    /// The program that a bare name means, by the search path of services.
    fn find(&self, name: &str) -> Look;
    /// Whether there is a user of that name.
    fn user(&self, name: &str) -> Known;
    /// Whether there is a group of that name.
    fn group(&self, name: &str) -> Known;
    /// Whether units may ask for this of the whole host.
    fn may(&self, verb: HostVerb) -> Known;
}

/// Answer to a question about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// There is one.
    Yes,
    /// There is none.
    No,
    /// Who asks can't find out; nothing is said then.
    Unsure,
}

/// Answer to a question about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing is there.
    Missing,
    /// Who asks can't see it; nothing is said then.
    Unsure,
    /// Something is there.
    Found(FileFacts),
}

/// What is known of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path without links.
    pub real: String,
    /// A directory.
    pub directory: bool,
    /// The permission bits, sticky and set-id ones included.
    pub mode: u32,
    /// Owning group.
    pub gid: u32,
}

impl FileFacts {
    /// Some may execute it.
    pub fn is_program(&self) -> bool {
        !self.directory && self.mode & 0o111 != 0
    }
}
