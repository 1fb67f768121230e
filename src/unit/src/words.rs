//! Takes values apart: into words at white space, or into fields at other separators.
//!
//! Directives differ in what quotes and backslashes do, so each says it by a [`Split`]; the ones
//! that occur have names.
use crate::c_escape;

/// What separates words.
pub const WHITE_SPACE: &str = " \t\n\r";

/// What quotes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// They are characters like others.
    Plain,
    /// They hold together what is in them, and go.
    Remove,
    /// They hold together what is in them, and stay.
    Keep,
}

/// What a backslash does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// It is a character like others.
    Plain,
    /// It goes, and the next character stays, whatever it is.
    Drop,
    /// It begins a C escape.
    C,
    /// It makes a separator, or another backslash, a plain character.
    Separators,
    /// It begins a C escape, or makes a separator a plain character.
    CAndSeparators,
}

/// How a text is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split<'a> {
    /// ASCII characters between words.
    pub separators: &'a str,
    /// What quotes do.
    pub quotes: Quotes,
    /// What a backslash does.
    pub escapes: Escapes,
    /// Unknown escapes, and a backslash at the end, stand for themselves; else they are errors.
    pub lenient: bool,
    /// A quote may stay open; a backslash at the end is dropped.
    pub open_end: bool,
    /// Each separator ends a field, so that `a::b` has three; else several count as one.
    pub empty_fields: bool,
    /// The separator after a word is left in the rest.
    pub keep_separator: bool,
}

impl Split<'static> {
    const PLAIN: Split<'static> = Split {
        separators: WHITE_SPACE,
        quotes: Quotes::Plain,
        escapes: Escapes::Plain,
        lenient: false,
        open_end: false,
        empty_fields: false,
        keep_separator: false,
    };
    /// Names of units: `\x2d` is a part of a name, and so would be a quote.
    pub const NAMES: Split<'static> = Split::PLAIN;
    /// Lists whose quotes go and whose backslashes stay, for a later reader: `Documentation=`,
    /// `ReadWritePaths=`.
    pub const RAW_LIST: Split<'static> = Split {
        quotes: Quotes::Remove,
        ..Split::PLAIN
    };
    /// The usual list: quotes go, a backslash protects the next character.
    pub const LIST: Split<'static> = Split {
        escapes: Escapes::Drop,
        ..Split::RAW_LIST
    };
    /// Lists without quotes, where a backslash protects the next character.
    pub const UNQUOTED_LIST: Split<'static> = Split {
        quotes: Quotes::Plain,
        ..Split::LIST
    };
    /// Command lines and `Environment=`: quotes go, C escapes count. See also
    /// [`Words::take_lenient`].
    pub const ARGUMENTS: Split<'static> = Split {
        escapes: Escapes::C,
        ..Split::RAW_LIST
    };
    /// The value of a variable that stands as a word of its own: nothing in it is an error.
    pub const VARIABLE: Split<'static> = Split {
        open_end: true,
        ..Split::LIST
    };
    /// `a:b:c` inside a word whose quotes are gone; a backslash protects a colon.
    pub const FIELDS: Split<'static> = Split {
        separators: ":",
        empty_fields: true,
        ..Split::UNQUOTED_LIST
    };
    /// `source:destination:options source…` of `BindPaths=`: fields and words in one, with quotes.
    pub const PATH_FIELDS: Split<'static> = Split {
        separators: ": \t\n\r",
        empty_fields: true,
        ..Split::LIST
    };
}

impl<'a> Split<'a> {
    /// The same with other separators.
    pub const fn on<'b>(self, separators: &'b str) -> Split<'b> {
        Split {
            separators,
            quotes: self.quotes,
            escapes: self.escapes,
            lenient: self.lenient,
            open_end: self.open_end,
            empty_fields: self.empty_fields,
            keep_separator: self.keep_separator,
        }
    }

    /// The same, but an unknown escape stands for itself.
    pub const fn lenient(self) -> Split<'a> {
        Split {
            lenient: true,
            ..self
        }
    }

    fn separates(&self, byte: u8) -> bool {
        self.separators.as_bytes().contains(&byte)
    }
}

/// Why a text can't be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// `"abc`
    #[error("a quote is not closed")]
    Quote,
    /// `\q`
    #[error("unknown escape sequence")]
    Escape,
    /// `abc\`
    #[error("a backslash stands at the end")]
    Backslash,
    /// `"\xff"`
    #[error("escape sequences make invalid UTF-8")]
    Utf8,
}

/// A text that words are taken off, one after another.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    text: &'a str,
    /// Where the rest begins; `None` once the end is reached. An empty field can follow a
    /// separator at the very end, so that `Some(text.len())` is not the end yet.
    at: Option<usize>,
}

impl<'a> Words<'a> {
    /// All of `text` is still there.
    pub fn new(text: &'a str) -> Words<'a> {
        Words { text, at: Some(0) }
    }

    /// What is left; `None` at the end.
    pub fn rest(&self) -> Option<&'a str> {
        // After an error the place can be inside of a character.
        self.text.get(self.at?..)
    }

    /// Where the rest begins, in bytes. After an error it is the place of the error.
    pub fn offset(&self) -> usize {
        self.at.unwrap_or(self.text.len())
    }

    /// Skips `word` and what separates it from the next, when it comes next and stands alone.
    pub fn skip_lone(&mut self, word: &str) -> bool {
        let Some(tail) = self.rest().and_then(|rest| rest.strip_prefix(word)) else {
            return false;
        };
        let next = tail.trim_start_matches(is_space);
        if next.len() == tail.len() && !tail.is_empty() {
            return false;
        }
        self.at = Some(self.text.len() - next.len()).filter(|_| !next.is_empty());
        true
    }

    /// Takes a word; `None` when there is none left.
    pub fn take(&mut self, split: &Split<'_>) -> Result<Option<String>, WordError> {
        let (Some(mut at), bytes) = (self.at, self.text.as_bytes()) else {
            return Ok(None);
        };
        while let Some(&byte) = bytes.get(at).filter(|&&byte| split.separates(byte)) {
            debug_assert!(byte.is_ascii(), "separators are ASCII");
            if split.empty_fields {
                self.at = Some(at + usize::from(!split.keep_separator));
                return Ok(Some(String::new()));
            }
            at += 1;
        }
        if at == bytes.len() {
            self.at = None;
            return Ok(split.empty_fields.then(String::new));
        }
        let mut word = Vec::new();
        let ended = self.word(at, split, &mut word);
        let (at, result) = match ended {
            Ok(at) => (at, Ok(())),
            Err((at, error)) => (Some(at), Err(error)),
        };
        self.at = at;
        result?;
        let word = String::from_utf8(word).map_err(|_| WordError::Utf8)?;
        Ok(Some(word))
    }

    /// Takes a word as systemd does where it only warns of unknown escapes: they stand for
    /// themselves.
    pub fn take_lenient(&mut self, split: &Split<'_>) -> Result<Option<String>, WordError> {
        let before = self.at;
        self.take(split).or_else(|_| {
            self.at = before;
            self.take(&split.lenient())
        })
    }

    /// Reads the word that begins at `at`. Returns where the rest begins, or the place of an error.
    fn word(
        &self,
        mut at: usize,
        split: &Split<'_>,
        word: &mut Vec<u8>,
    ) -> Result<Option<usize>, (usize, WordError)> {
        let bytes = self.text.as_bytes();
        let mut quote = None;
        loop {
            let Some(&byte) = bytes.get(at) else {
                return match quote {
                    Some(_) if !split.open_end => Err((at, WordError::Quote)),
                    Some(_) | None => Ok(None),
                };
            };
            at += 1;
            match (byte, quote) {
                (b'\\', _) if split.escapes != Escapes::Plain => {
                    let tail = &bytes[at..];
                    let used = escape(tail, quote.is_some(), split, word);
                    at += used.map_err(|error| (at, error))?;
                }
                (_, Some(open)) if byte == open => {
                    quote = None;
                    word.extend((split.quotes == Quotes::Keep).then_some(byte));
                }
                (_, Some(_)) => word.push(byte),
                (b'"' | b'\'', None) if split.quotes != Quotes::Plain => {
                    quote = Some(byte);
                    word.extend((split.quotes == Quotes::Keep).then_some(byte));
                }
                (_, None) if split.separates(byte) => break,
                (_, None) => word.push(byte),
            }
        }
        if split.keep_separator {
            return Ok(Some(at - 1));
        }
        if split.empty_fields {
            return Ok(Some(at));
        }
        let more = bytes[at..].iter().position(|&byte| !split.separates(byte));
        Ok(more.map(|skipped| at + skipped))
    }
}

/// Reads what follows a backslash into `word`; returns how many bytes of `tail` that took.
fn escape(
    tail: &[u8],
    quoted: bool,
    split: &Split<'_>,
    word: &mut Vec<u8>,
) -> Result<usize, WordError> {
    let Some(&byte) = tail.first() else {
        if split.lenient && (!quoted || split.open_end) {
            word.push(b'\\');
        } else if !split.open_end {
            return Err(WordError::Backslash);
        }
        return Ok(0);
    };
    let (c, separators) = match split.escapes {
        Escapes::Plain | Escapes::Drop => {
            word.push(byte);
            return Ok(1);
        }
        Escapes::C => (true, false),
        Escapes::Separators => (false, true),
        Escapes::CAndSeparators => (true, true),
    };
    if let Some(used) = c.then(|| c_escape::one(tail, false, word)).flatten() {
        return Ok(used);
    }
    if separators && (byte == b'\\' || split.separates(byte)) {
        word.push(byte);
    } else if split.lenient {
        word.extend([b'\\', byte]);
    } else {
        return Err(WordError::Escape);
    }
    Ok(1)
}

/// All words of `text`.
pub fn words(text: &str, split: &Split<'_>) -> Result<Vec<String>, WordError> {
    let mut left = Words::new(text);
    std::iter::from_fn(|| left.take(split).transpose()).collect()
}

/// What separates words.
pub(crate) fn is_space(c: char) -> bool {
    WHITE_SPACE.contains(c)
}
