//! Comparisons in parameters: `>= 4.2`, `$=deb*`, and the words that they are made of.
use super::Unjudged;
use gitproc_sys::pattern;
use gitproc_unit::value::compare_versions;
use std::cmp::Ordering;

/// What two values are to be to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Lower,
    LowerOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
    /// The same text.
    Same,
    /// Another text.
    NotSame,
    /// The right one is a pattern that fits the left one.
    Fits,
    /// It does not fit.
    NotFits,
}
use Operator::{
    Equal, Fits, Greater, GreaterOrEqual, Lower, LowerOrEqual, NotFits, NotSame, Same, Unequal,
};

/// Spelling, and what it is between numbers and between texts. Longer ones stand before those that
/// they begin with.
const OPERATORS: [(&str, Option<Operator>, Operator); 10] = [
    ("$=", None, Fits),
    ("!$=", None, NotFits),
    ("<>", Some(Unequal), Unequal),
    ("<=", Some(LowerOrEqual), LowerOrEqual),
    (">=", Some(GreaterOrEqual), GreaterOrEqual),
    ("<", Some(Lower), Lower),
    (">", Some(Greater), Greater),
    ("==", Some(Equal), Equal),
    ("=", Some(Equal), Same),
    ("!=", Some(Unequal), NotSame),
];

/// Characters of which operators are made.
pub const OPERATOR_CHARACTERS: &[char] = &['!', '<', '=', '>', '$'];

impl Operator {
    /// Takes the operator between numbers off the front.
    pub fn of_numbers(text: &str) -> Option<(Operator, &str)> {
        OPERATORS
            .iter()
            .find_map(|(spelling, operator, _)| Some(((*operator)?, text.strip_prefix(spelling)?)))
    }

    /// Takes the operator between texts and versions off the front.
    pub fn of_texts(text: &str) -> Option<(Operator, &str)> {
        OPERATORS
            .iter()
            .find_map(|(spelling, _, operator)| Some((*operator, text.strip_prefix(spelling)?)))
    }

    /// Whether values in this order are what is wanted.
    pub fn wants(self, order: Ordering) -> bool {
        match self {
            Lower => order.is_lt(),
            LowerOrEqual => order.is_le(),
            Equal | Same | Fits => order.is_eq(),
            Unequal | NotSame | NotFits => order.is_ne(),
            GreaterOrEqual => order.is_ge(),
            Greater => order.is_gt(),
        }
    }

    /// Whether the texts, or the versions, are to each other what is wanted.
    pub fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Same => left == right,
            NotSame => left != right,
            Fits => pattern::fits(right, left, false),
            NotFits => !pattern::fits(right, left, false),
            Lower | LowerOrEqual | Equal | Unequal | GreaterOrEqual | Greater => {
                self.wants(compare_versions(left, right))
            }
        }
    }
}

/// What quotes are to the splitter of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// They hold together, and have to be closed.
    Strict,
    /// They hold together, and the end closes what is open.
    Relaxed,
    /// Characters as others.
    Plain,
}

/// Takes the first word off `rest`; a backslash makes the next character an ordinary one.
pub fn next_word(rest: &mut &str, quotes: Quotes) -> Result<Option<String>, Unjudged> {
    let text = rest.trim_start_matches(is_space);
    *rest = "";
    if text.is_empty() {
        return Ok(None);
    }
    let (mut word, mut open) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, open) {
            ('\\', _) => match chars.next() {
                Some((_, next)) => word.push(next),
                None if quotes == Quotes::Relaxed => {}
                None => return Err(Unjudged::new("a backslash stands at the end")),
            },
            (c, Some(quote)) if c == quote => open = None,
            ('"' | '\'', None) if quotes != Quotes::Plain => open = Some(c),
            (c, None) if is_space(c) => {
                *rest = &text[at..];
                return Ok(Some(word));
            }
            (c, _) => word.push(c),
        }
    }
    match open {
        Some(_) if quotes == Quotes::Strict => Err(Unjudged::new("a quote is not closed")),
        _ => Ok(Some(word)),
    }
}

/// What separates words.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}
