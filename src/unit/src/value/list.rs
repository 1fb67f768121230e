//! Lists of words of which some may be wrong: the good ones count, the wrong ones are named.
use super::ValueError;
use crate::words::{self, Words};

/// What separates words.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// How a list is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// At white space; quotes are characters like others.
    Plain,
    /// At white space outside quotes; backslashes are characters like others.
    Quoted,
    /// At white space outside quotes; a backslash protects the next character, and goes.
    Unescaped,
    /// At white space outside quotes; backslashes begin C escapes.
    Escaped,
}

/// Gives each word to `take`. When it refuses some, or the list can't be split to its end, the
/// error names all of these; what was taken before stays taken.
pub(crate) fn each_word(
    text: &str,
    split: Split,
    mut take: impl FnMut(&str) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    let mut complaints: Vec<String> = Vec::new();
    let mut note = |outcome: Result<(), ValueError>| complaints.extend(outcome.err().map(|e| e.0));
    let how = match split {
        Split::Plain => words::Split::NAMES,
        Split::Quoted => words::Split::RAW_LIST,
        Split::Unescaped => words::Split::LIST,
        Split::Escaped => words::Split::ARGUMENTS,
    };
    let mut rest = Words::new(text);
    loop {
        match rest.take(&how) {
            Ok(Some(word)) => note(take(&word)),
            Ok(None) => break,
            Err(err) => {
                note(Err(ValueError(format!(
                    "{err} in '{}'",
                    crate::text::excerpt(text)
                ))));
                break;
            }
        }
    }
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(ValueError(complaints.join("; "))),
    }
}

/// Longest list whose entries are compared with each other, because each of them stays once, or
/// moved, because the newest goes first: a file of 1 MiB could hold hundreds of thousands.
pub(crate) const UNIQUE_MAX: usize = 4_096;

/// Whether one more entry has a place in such a list. Asked before the entries are compared: a full
/// list is not even looked through.
pub(crate) fn room(length: usize) -> Result<(), ValueError> {
    match length < UNIQUE_MAX {
        true => Ok(()),
        false => Err(ValueError(format!("more than {UNIQUE_MAX} entries"))),
    }
}

/// The first word, and what follows it and its white space: `/dev/null rw`.
pub(crate) fn first_word(text: &str) -> Result<(String, &str), ValueError> {
    let mut words = Words::new(text);
    match words.take(&words::Split::LIST) {
        Ok(Some(word)) => {
            let rest = words.rest().unwrap_or("");
            Ok((word, rest.trim_start_matches(is_space)))
        }
        Ok(None) => Err(ValueError("a value is missing".into())),
        Err(err) => Err(ValueError(format!(
            "{err} in '{}'",
            crate::text::excerpt(text)
        ))),
    }
}

/// Applies one line of a list of words to the words so far; an empty line resets.
pub fn apply_words(list: &mut Vec<String>, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        list.clear();
    }
    each_word(text, Split::Quoted, |word| {
        list.push(word.to_owned());
        Ok(())
    })
}

/// Applies one line of `PassEnvironment=` to the names so far, each of which stays once; an empty
/// line resets. What can't be the name of a variable is left out, and named by the error.
pub fn apply_environment_names(list: &mut Vec<String>, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        list.clear();
    }
    each_word(text, Split::Quoted, |word| {
        if !crate::environment::is_name(word) {
            return Err(ValueError::not(word, "name of a variable (such as PATH)"));
        }
        if !list.iter().any(|known| known == word) {
            list.push(word.to_owned());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_good() {
        let run = |text, split| {
            let mut taken = Vec::new();
            let outcome = each_word(text, split, |word| match word.starts_with('x') {
                true => Err(ValueError::not(word, "word")),
                false => {
                    taken.push(word.to_owned());
                    Ok(())
                }
            });
            (taken.join("|"), outcome.err().map(|err| err.0))
        };
        assert_eq!(run("a  'b c' d", Split::Quoted), ("a|b c|d".into(), None));
        assert_eq!(run("a 'b c'", Split::Plain), ("a|'b|c'".into(), None));
        assert_eq!(run(r"a\sb", Split::Escaped), ("a b".into(), None));
        let (taken, complaint) = run("a x1 b x2 'c", Split::Quoted);
        assert_eq!(taken, "a|b");
        assert_eq!(
            complaint.as_deref(),
            Some("'x1' is no word; 'x2' is no word; a quote is not closed in 'a x1 b x2 'c'")
        );
    }
}
