//! Which instance of gitproc is meant: its paths, and how to name it in a command to paste.
use crate::args::Global;
use crate::failure::{FAILED, Failure, USAGE};
use gitproc_core::layout::Layout;
use std::env;
use std::path::{Path, PathBuf};

/// One instance, as the arguments name it.
#[derive(Debug, Clone)]
pub struct Place {
    pub layout: Layout,
    /// `--root`, absolute.
    pub root: Option<PathBuf>,
    /// The socket to talk to.
    pub socket: PathBuf,
}

impl Place {
    /// From the command line and the environment.
    pub fn of(global: &Global) -> Result<Place, Failure> {
        if global.root.is_some() && global.socket.is_some() {
            return Err(Failure::new(USAGE, "give --root or --socket, not both"));
        }
        let root = global.root.as_deref().map(absolute).transpose()?;
        let is_root = nix::unistd::geteuid().is_root();
        let layout = match (&root, is_root) {
            (Some(root), is_root) => under(root, is_root),
            (None, true) => Layout::system(),
            (None, false) => match (user_layout(), &global.socket) {
                // A hook has no HOME, and needs none: it is told its socket.
                (Err(_), Some(_)) => Layout::system(),
                (layout, _) => layout?,
            },
        };
        let socket = match &global.socket {
            Some(socket) => socket.clone(),
            None => found_socket(&layout, root.is_none() && !is_root),
        };
        Ok(Place {
            layout,
            root,
            socket,
        })
    }

    /// The instance under an absolute root.
    pub fn under(root: &Path) -> Place {
        let layout = under(root, nix::unistd::geteuid().is_root());
        Place {
            socket: layout.socket(),
            root: Some(root.to_owned()),
            layout,
        }
    }

    /// `gitproc`, or `gitproc --root DIR`: how a command for this instance begins.
    pub fn command(&self) -> String {
        match &self.root {
            Some(root) => format!("gitproc --root {}", shell_word(&root.to_string_lossy())),
            None if self.socket != self.layout.socket() => {
                format!(
                    "gitproc --socket {}",
                    shell_word(&self.socket.to_string_lossy())
                )
            }
            None => "gitproc".to_owned(),
        }
    }
}

/// An ordinary user can't make directories in the host's /run.
fn under(root: &Path, is_root: bool) -> Layout {
    let mut layout = Layout::under(root);
    if !is_root {
        layout.runtime_base = root.join("run");
    }
    layout
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    // The instance's name hangs on the path, so `/x`, `/x/` and a link to it have to be the same.
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .map(|path| path.components().collect())
        .map_err(|error| Failure::caused(format_args!("--root {}", path.display()), &error))
}

/// An ordinary user who has no daemon of their own means the host's.
fn found_socket(layout: &Layout, fall_back: bool) -> PathBuf {
    let host = Layout::system().socket();
    match fall_back && !layout.socket().exists() && host.exists() {
        true => host,
        false => layout.socket(),
    }
}

fn user_layout() -> Result<Layout, Failure> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let directory = |variable: &str, below_home: &str| {
        let given = env::var_os(variable).map(PathBuf::from);
        given
            .filter(|path| path.is_absolute())
            .or_else(|| Some(home.as_ref()?.join(below_home)))
            .ok_or_else(|| {
                Failure::new(FAILED, format!("neither {variable} nor HOME is set"))
                    .with_hint("set one of them, or give --root DIR")
            })
    };
    let config = directory("XDG_CONFIG_HOME", ".config")?;
    let state = directory("XDG_STATE_HOME", ".local/state")?;
    let runtime = match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        // Without a login session there is no /run/user/UID; runtime state then lies by the rest.
        _ => state.join("gitproc/run"),
    };
    Ok(Layout::user(&config, &state, &runtime))
}

/// As a POSIX shell reads it back.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_paste_survive_odd_directories() {
        assert_eq!(shell_word("/tmp/a-b_1"), "/tmp/a-b_1");
        assert_eq!(shell_word("/tmp/it's here"), r"'/tmp/it'\''s here'");
        let place = Place::under(Path::new("/tmp/a b"));
        assert_eq!(place.command(), "gitproc --root '/tmp/a b'");
    }

    #[test]
    fn a_root_is_one_instance_however_it_is_written() {
        let absolute = |path: &str| absolute(Path::new(path)).expect("a path");
        assert_eq!(absolute("/nowhere/x/"), absolute("/nowhere/x"));
        assert!(absolute("x").is_absolute());
    }
}
