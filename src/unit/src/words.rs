//! Splits a value into words: white space separates, quotes hold together, backslashes escape.

/// What a backslash does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// Stands for itself (unit names).
    Keep,
    /// C escapes; an unknown one is an error.
    Strict,
    /// C escapes; an unknown one stands for itself.
    Relaxed,
    /// No C escapes: the next character, whatever it is (values of variables); quotes may stay
    /// open.
    Plain,
}

/// Why a text can't be split.
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

/// Takes the first word off `rest`. `None` when only white space is left.
pub(crate) fn next_word(rest: &mut &str, escapes: Escapes) -> Result<Option<String>, WordError> {
    let text = rest.trim_start_matches(is_space);
    *rest = text;
    if text.is_empty() {
        return Ok(None);
    }
    let mut word = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        match (c, quote) {
            ('\\', _) if escapes != Escapes::Keep => {
                at = next + escape(&text[next..], escapes, &mut word)?;
                continue;
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, None) if is_space(c) => break,
            (c, _) => push(&mut word, c),
        }
        at = next;
    }
    if quote.is_some() && escapes != Escapes::Plain {
        return Err(WordError::Quote);
    }
    *rest = &text[at..];
    String::from_utf8(word)
        .map(Some)
        .map_err(|_| WordError::Utf8)
}

/// All words of `text`.
pub(crate) fn words(mut text: &str, escapes: Escapes) -> Result<Vec<String>, WordError> {
    let mut all = Vec::new();
    while let Some(word) = next_word(&mut text, escapes)? {
        all.push(word);
    }
    Ok(all)
}

/// `text` with its C escapes taken out; it is not split.
pub(crate) fn unescape(text: &str) -> Result<String, WordError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        at = match c {
            '\\' => next + escape(&text[next..], Escapes::Strict, &mut bytes)?,
            c => {
                push(&mut bytes, c);
                next
            }
        };
    }
    String::from_utf8(bytes).map_err(|_| WordError::Utf8)
}

/// What separates words.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn push(word: &mut Vec<u8>, c: char) {
    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash into `word`; returns how many bytes of `tail` that took.
fn escape(tail: &str, escapes: Escapes, word: &mut Vec<u8>) -> Result<usize, WordError> {
    let Some(c) = tail.chars().next() else {
        return match escapes {
            Escapes::Strict => Err(WordError::Backslash),
            Escapes::Relaxed | Escapes::Plain | Escapes::Keep => {
                word.push(b'\\');
                Ok(0)
            }
        };
    };
    if escapes == Escapes::Plain {
        push(word, c);
        return Ok(c.len_utf8());
    }
    match c_escape(tail, word) {
        Some(used) => Ok(used),
        None if escapes == Escapes::Strict => Err(WordError::Escape),
        None => {
            word.push(b'\\');
            push(word, c);
            Ok(c.len_utf8())
        }
    }
}

/// One C escape without its backslash; `None` when it is none. NUL can't be made.
fn c_escape(tail: &str, word: &mut Vec<u8>) -> Option<usize> {
    let plain = |word: &mut Vec<u8>, byte| {
        word.push(byte);
        Some(1)
    };
    let digits = |from: usize, count: usize, radix: u32| {
        let digits = tail.get(from..from + count)?;
        let all = digits.chars().all(|c| c.is_digit(radix));
        let number = u32::from_str_radix(digits, radix).ok()?;
        (all && number != 0).then_some(number)
    };
    match tail.as_bytes().first()? {
        b'a' => plain(word, 7),
        b'b' => plain(word, 8),
        b'f' => plain(word, 12),
        b'n' => plain(word, b'\n'),
        b'r' => plain(word, b'\r'),
        b't' => plain(word, b'\t'),
        b'v' => plain(word, 11),
        b's' => plain(word, b' '),
        &c @ (b'\\' | b'"' | b'\'') => plain(word, c),
        b'x' => {
            word.push(u8::try_from(digits(1, 2, 16)?).ok()?);
            Some(3)
        }
        b'0'..=b'7' => {
            word.push(u8::try_from(digits(0, 3, 8)?).ok()?);
            Some(3)
        }
        b'u' => {
            push(word, char::from_u32(digits(1, 4, 16)?)?);
            Some(5)
        }
        b'U' => {
            push(word, char::from_u32(digits(1, 8, 16)?)?);
            Some(9)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_systemd_does() {
        let table: &[(&str, Result<&[&str], WordError>)] = &[
            ("a  b\tc", Ok(&["a", "b", "c"])),
            (r#"a"b c"d 'e f'"#, Ok(&["ab cd", "e f"])),
            (r#""" x"#, Ok(&["", "x"])),
            (r"a\sb \x41\101\u00e9", Ok(&["a b", "AAé"])),
            (r"\q \x00", Ok(&[r"\q", r"\x00"])),
            (r#"a "b"#, Err(WordError::Quote)),
            (r"\xff", Err(WordError::Utf8)),
        ];
        for (text, expected) in table {
            let expected = expected.map(|list| list.iter().map(|s| s.to_string()).collect());
            assert_eq!(words(text, Escapes::Relaxed), expected, "{text}");
        }
        assert_eq!(words(r"\q", Escapes::Strict), Err(WordError::Escape));
        assert_eq!(words(r"a\x2db", Escapes::Keep), Ok(vec![r"a\x2db".into()]));
    }
}
