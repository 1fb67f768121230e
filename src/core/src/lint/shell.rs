//! Variables that are pasted into a shell's command text before the shell reads it.
use super::paths::exec_key;
use super::{Found, Service};
use gitproc_unit::{Code, ExecCommand};

/// Programs whose `-c` takes a command text.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"];

/// `sh -c '… ${NAME} …'`: the value becomes part of the program, quotes and semicolons included.
pub(super) fn check(service: &Service<'_, '_>, found: &mut Found) {
    for (role, commands) in &service.section.exec {
        let key = exec_key(*role);
        for name in commands.iter().filter_map(pasted) {
            let word = format!("${{{name}}}");
            found.push(service.warn(
                (key, &word),
                Code::ShellVariable,
                format!("{key}=: {word} is put into the shell's text as it is, not quoted"),
                &format!("write \"$${name}\": then the shell takes the value, whatever is in it"),
            ));
        }
    }
}

/// The first variable that is pasted into the text of a shell command.
fn pasted(command: &ExecCommand) -> Option<&str> {
    let program = command.path.rsplit('/').next().unwrap_or_default();
    if command.no_expand || !SHELLS.contains(&program) {
        return None;
    }
    let takes_text = |word: &&String| {
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        letters.is_some_and(|letters| letters.ends_with('c'))
    };
    let at = command
        .argv
        .iter()
        .skip(1)
        .position(|word| takes_text(&word))?;
    braced(command.argv.get(at + 2)?)
}

/// NAME of the first `${NAME}` that is no `$${NAME}`.
fn braced(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let name = after.split_once('}').map(|(name, _)| name);
            let legal = |name: &&str| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            if let Some(name) = name.filter(legal) {
                return Some(name);
            }
        }
    }
    None
}
