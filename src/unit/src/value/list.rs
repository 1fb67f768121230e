//! Lists of words of which some may be wrong: the good ones count, the wrong ones are named.
use super::ValueError;
use crate::words::{self, Words, is_space};

/// What is wrong with the words of one line: the first few are named, all are counted. A line may
/// have hundreds of thousands.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    named: Vec<ValueError>,
    more: usize,
}

impl Complaints {
    const NAMED_MAX: usize = 10;

    /// One more. To put it into words may cost something, and is not done for those that are only
    /// counted.
    pub(crate) fn note(&mut self, complaint: impl FnOnce() -> ValueError) {
        match self.named.len() < Self::NAMED_MAX {
            true => self.named.push(complaint()),
            false => self.more += 1,
        }
    }

    /// Each by itself, and how many are not named.
    pub(crate) fn into_list(mut self) -> Vec<ValueError> {
        if self.more > 0 {
            let text = format!("{} more words that are wrong", self.more);
            self.named.push(ValueError(text));
        }
        self.named
    }

    /// All in one.
    pub(crate) fn into_result(self) -> Result<(), ValueError> {
        let mut texts: Vec<String> = self.named.into_iter().map(|error| error.0).collect();
        if self.more > 0 {
            texts.push(format!("and {} more", self.more));
        }
        match texts.is_empty() {
            true => Ok(()),
            false => Err(ValueError(texts.join("; "))),
        }
    }
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
    let mut complaints = Complaints::default();
    let how = match split {
        Split::Plain => words::Split::NAMES,
        Split::Quoted => words::Split::RAW_LIST,
        Split::Unescaped => words::Split::LIST,
        Split::Escaped => words::Split::ARGUMENTS,
    };
    let mut rest = Words::new(text);
    loop {
        match rest.take(&how) {
            Ok(Some(word)) => {
                if let Err(complaint) = take(&word) {
                    complaints.note(|| complaint);
                }
            }
            Ok(None) => break,
            Err(err) => {
                let place = crate::text::excerpt(text);
                complaints.note(|| ValueError(format!("{err} in '{place}'")));
                break;
            }
        }
    }
    complaints.into_result()
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
        let (taken, complaint) = run(&"a x ".repeat(100_000), Split::Plain);
        assert_eq!(taken.len(), 2 * 100_000 - 1);
        let complaint = complaint.expect("wrong words");
        assert!(complaint.ends_with("; and 99990 more"), "{complaint}");
    }
}
