//! Backslash sequences of the C language, with systemd's additions `\s`, `\u` and `\U`.
use crate::utf8::is_character;
use crate::words::WordError;

/// Undoes the escapes of a whole text. The result is bytes: `\xff` makes one that is no UTF-8.
///
/// With `lenient` an unknown sequence stands for itself; else it is an error. NUL can be written
/// only where `nul` says so (values that are no C strings, such as credentials).
pub fn unescape(text: &str, lenient: bool, nul: bool) -> Result<Vec<u8>, WordError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match one(tail, nul, &mut out) {
            Some(used) => rest = &tail[used..],
            None if lenient => out.push(b'\\'),
            None if tail.is_empty() => return Err(WordError::Backslash),
            None => return Err(WordError::Escape),
        }
    }
    Ok(out)
}

/// Reads one sequence, given without its backslash, into `out`; returns the bytes it took. `None`
/// when it is none.
pub(crate) fn one(tail: &[u8], nul: bool, out: &mut Vec<u8>) -> Option<usize> {
    let number = |from: usize, count: usize, radix: u32| {
        let digits = tail.get(from..from + count)?;
        let mut digits = digits
            .iter()
            .map(|&digit| char::from(digit).to_digit(radix));
        let number = digits.try_fold(0u32, |sum, digit| Some(sum * radix + digit?))?;
        (number != 0 || nul).then_some(number)
    };
    let byte = match *tail.first()? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b's' => b' ',
        same @ (b'\\' | b'"' | b'\'') => same,
        b'x' => {
            out.push(u8::try_from(number(1, 2, 16)?).ok()?);
            return Some(3);
        }
        b'0'..=b'7' => {
            out.push(u8::try_from(number(0, 3, 8)?).ok()?);
            return Some(3);
        }
        b'u' => {
            push_code(number(1, 4, 16)?, out);
            return Some(5);
        }
        b'U' => {
            let code = number(1, 8, 16)?;
            char::from_u32(code).filter(|&c| is_character(c))?;
            push_code(code, out);
            return Some(9);
        }
        _ => return None,
    };
    out.push(byte);
    Some(1)
}

/// `\u` can write half of a surrogate pair. Its three bytes are no UTF-8, so that whoever wants
/// text refuses them.
fn push_code(code: u32, out: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend([
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6) as u8 & 0x3f,
            0x80 | code as u8 & 0x3f,
        ]),
    }
}
