//! Which of two versions is newer (the rules of systemd's `compare-versions`): `~` is older than
//! the end, which is older than `-`, `^`, `.`, letters and digits, in this order.
use std::cmp::Ordering;

/// Compares two versions: `123~rc1` < `123` < `123-a` < `123^post1` < `123.a` < `123a` < `124`.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        a = skip_foreign(a);
        b = skip_foreign(b);
        // A pre-release is older even than nothing.
        if let Some(order) = separator(b'~', &mut a, &mut b) {
            return order;
        }
        if a.is_empty() || b.is_empty() {
            return a.is_empty().cmp(&b.is_empty()).reverse();
        }
        for mark in [b'-', b'^', b'.'] {
            if let Some(order) = separator(mark, &mut a, &mut b) {
                return order;
            }
        }
        let digits = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        let order = match digits(a) || digits(b) {
            true => numbers(&mut a, &mut b),
            false => letters(&mut a, &mut b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Any other character only separates.
fn skip_foreign(text: &[u8]) -> &[u8] {
    let known = |c: &u8| c.is_ascii_alphanumeric() || b"~-^.".contains(c);
    &text[text.iter().position(known).unwrap_or(text.len())..]
}

/// Of two versions, one of which goes on with `mark`, that one is older; else both go on.
fn separator(mark: u8, a: &mut &[u8], b: &mut &[u8]) -> Option<Ordering> {
    match (a.strip_prefix(&[mark]), b.strip_prefix(&[mark])) {
        (Some(rest_a), Some(rest_b)) => {
            (*a, *b) = (rest_a, rest_b);
            None
        }
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (None, None) => None,
    }
}

/// Takes as much off `text` as belongs to the part.
fn part<'a>(text: &mut &'a [u8], belongs: fn(&u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|c| !belongs(c)).unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    *text = rest;
    part
}

fn numbers(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let (a, b) = (part(a, u8::is_ascii_digit), part(b, u8::is_ascii_digit));
    let value = |digits: &[u8]| -> Vec<u8> {
        let zeros = digits.iter().take_while(|c| **c == b'0').count();
        digits[zeros..].to_vec()
    };
    // A number is newer than none; of two numbers without leading zeros, the longer one is larger.
    let order = b.is_empty().cmp(&a.is_empty());
    let (a, b) = (value(a), value(b));
    order.then(a.len().cmp(&b.len())).then(a.cmp(&b))
}

fn letters(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    part(a, u8::is_ascii_alphabetic).cmp(part(b, u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oldest first.
    const IN_ORDER: &[&str] = &[
        "~1",
        "",
        "ab",
        "abb",
        "abc",
        "0001",
        "002",
        "12",
        "122.1",
        "123~rc1-1",
        "123",
        "123-a",
        "123-a.1",
        "123-1",
        "123-1.1",
        "123^post1",
        "123.a-1",
        "123.1-1",
        "123a-1",
        "124-1",
    ];

    #[test]
    fn versions_are_ordered() {
        for (i, a) in IN_ORDER.iter().enumerate() {
            for (j, b) in IN_ORDER.iter().enumerate() {
                assert_eq!(compare_versions(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn some_spellings_are_the_same_version() {
        for (a, b) in [("123.4", "123.04"), ("123_a", "123a"), ("a..1", "a..1")] {
            assert_eq!(compare_versions(a, b), Ordering::Equal, "{a} {b}");
        }
    }
}
