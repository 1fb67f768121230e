//! The `gitproc` program: reads the arguments and plays the role they ask for.
mod args;
mod demo;
mod failure;
mod output;
mod place;
mod render;
mod session;
mod verbs;
mod wait;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() {
                failure::USAGE
            } else {
                0
            };
            let _ = error.print(); // with stdout and stderr closed there is nobody to tell
            return ExitCode::from(exit);
        }
    };
    match verbs::run(arguments) {
        Ok(exit) => ExitCode::from(exit),
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.exit)
        }
    }
}
