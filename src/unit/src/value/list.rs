//! Lists of words of which some may be wrong: the good ones count, the wrong ones are named.
use super::ValueError;
use crate::words::{Escapes, is_space, next_word};

/// How a list is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// At white space; quotes are characters like others.
    Plain,
    /// At white space outside quotes; backslashes are characters like others.
    Quoted,
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
    match split {
        Split::Plain => text
            .split(is_space)
            .filter(|word| !word.is_empty())
            .for_each(|word| note(take(word))),
        Split::Quoted | Split::Escaped => {
            let escapes = match split {
                Split::Escaped => Escapes::Strict,
                Split::Plain | Split::Quoted => Escapes::Keep,
            };
            let mut rest = text;
            loop {
                match next_word(&mut rest, escapes) {
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
        }
    }
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(ValueError(complaints.join("; "))),
    }
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
