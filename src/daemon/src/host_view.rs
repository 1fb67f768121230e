//! What checks ask about this host: files and users. Each is looked up once per view, since a name
//! service may be slow; a view is made anew for each look.
use gitproc_core::host_action::HostVerb;
use gitproc_core::lint::{FileFacts, Host, Known, Look};
use gitproc_core::spec::SEARCH_PATH;
use nix::unistd::{Group, User};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

/// This host, as the user who asks sees it.
#[derive(Debug, Default)]
pub struct HostView {
    looks: RefCell<HashMap<String, Look>>,
    users: RefCell<HashMap<String, Known>>,
    groups: RefCell<HashMap<String, Known>>,
    /// What units may ask of this host; `None`: its daemon is not asked.
    allowed: Option<BTreeSet<HostVerb>>,
}

impl HostView {
    /// As the daemon of `host` sees it.
    pub fn of(host: &crate::host::Host) -> HostView {
        HostView {
            allowed: Some(host.allowed_actions.clone()),
            ..HostView::default()
        }
    }
}

impl Host for HostView {
    fn look(&self, path: &str) -> Look {
        once(&self.looks, path, look)
    }

    fn find(&self, name: &str) -> Look {
        let mut unsure = false;
        for directory in SEARCH_PATH.split(':') {
            match self.look(&format!("{directory}/{name}")) {
                Look::Found(facts) if facts.is_program() => return Look::Found(facts),
                Look::Found(_) | Look::Missing => {}
                Look::Unsure => unsure = true,
            }
        }
        if unsure { Look::Unsure } else { Look::Missing }
    }

    fn user(&self, name: &str) -> Known {
        once(&self.users, name, |name| known(User::from_name(name)))
    }

    fn group(&self, name: &str) -> Known {
        once(&self.groups, name, |name| known(Group::from_name(name)))
    }

    fn may(&self, verb: HostVerb) -> Known {
        match &self.allowed {
            None => Known::Unsure,
            Some(allowed) if allowed.contains(&verb) => Known::Yes,
            Some(_) => Known::No,
        }
    }
}

fn once<T: Clone>(kept: &RefCell<HashMap<String, T>>, key: &str, ask: impl FnOnce(&str) -> T) -> T {
    if let Some(answer) = kept.borrow().get(key) {
        return answer.clone();
    }
    let answer = ask(key);
    kept.borrow_mut().insert(key.to_owned(), answer.clone());
    answer
}

fn known<T>(found: nix::Result<Option<T>>) -> Known {
    match found {
        Ok(Some(_)) => Known::Yes,
        Ok(None) => Known::No,
        Err(_) => Known::Unsure,
    }
}

fn look(path: &str) -> Look {
    let found = std::fs::canonicalize(path)
        .and_then(|real| std::fs::metadata(&real).map(|facts| (real, facts)));
    match found {
        Ok((real, facts)) => match real.into_os_string().into_string() {
            Ok(real) => Look::Found(FileFacts {
                real,
                directory: facts.is_dir(),
                mode: facts.mode() & 0o7777,
                gid: facts.gid(),
            }),
            Err(_) => Look::Unsure,
        },
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Look::Missing,
            _ => Look::Unsure,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_is_seen_as_it_is() {
        let host = HostView::default();
        for _ in 0..2 {
            assert!(matches!(host.look("/"), Look::Found(facts) if facts.directory));
            assert!(matches!(host.find("sh"), Look::Found(facts) if facts.is_program()));
            assert_eq!(host.look("/no/such"), Look::Missing);
            assert_eq!(host.look("/dev/null/x"), Look::Missing);
            assert_eq!(host.find("no-such-program"), Look::Missing);
            assert_eq!(host.user("root"), Known::Yes);
            assert_eq!(host.user("no-such-user"), Known::No);
            assert_eq!(host.group("no-such-group"), Known::No);
        }
    }
}
