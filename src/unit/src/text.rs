//! Small texts for people: excerpts, and the nearest known name.

/// Longest quotation of input in a message, in characters: a message stays on one line.
const EXCERPT_MAX: usize = 60;

/// `text`, shortened for a message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The nearest of `known` when it is near enough to be a slip of the keyboard.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // One slip in a short word, two in a longer one; more is another word.
    let allowed: u32 = if word.len() < 6 { 1 } else { 2 };
    // An edit takes one letter out of the set and puts one in. Comparing the sets spares nearly all
    // distances, which counts when thousands of instances share a key that nobody knows.
    let letters = letters(word);
    known
        .filter(|name| (self::letters(name) ^ letters).count_ones() <= 2 * allowed)
        .map(|name| (distance(word, name), name))
        .filter(|&(distance, _)| distance <= allowed as usize)
        .min()
        .map(|(_, name)| name)
}

/// The set of letters in a word, without regard to case, as bits.
fn letters(word: &str) -> u64 {
    let bit = |byte: u8| 1 << (byte.to_ascii_lowercase() % 64);
    word.bytes().fold(0, |set, byte| set | bit(byte))
}

/// Edits between two words without regard to case; swapped neighbours count as one edit.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<u8> = a.bytes().map(|c| c.to_ascii_lowercase()).collect();
    let b: Vec<u8> = b.bytes().map(|c| c.to_ascii_lowercase()).collect();
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_only() {
        let known = ["ExecStart", "ExecStop", "Nice", "User"];
        assert_eq!(nearest("ExecStrat", known.into_iter()), Some("ExecStart"));
        assert_eq!(nearest("execstart", known.into_iter()), Some("ExecStart"));
        assert_eq!(nearest("Usr", known.into_iter()), Some("User"));
        assert_eq!(nearest("Colour", known.into_iter()), None);
    }
}
