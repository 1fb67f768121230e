//! The small static form of the helper; the code is the library's.

fn main() {
    std::process::exit(gitproc_exec::run());
}
