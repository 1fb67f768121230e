//! What counts as text: UTF-8 without NUL and without Unicode's noncharacters, as in systemd.

/// Whether systemd takes `c` for a character. Rust's `char` already excludes surrogates.
pub fn is_character(c: char) -> bool {
    let code = u32::from(c);
    !(0xfdd0..=0xfdef).contains(&code) && code & 0xfffe != 0xfffe
}

/// Where `text` first holds something that is none: a NUL or a noncharacter, with its place in
/// bytes.
pub fn first_invalid(text: &str) -> Option<(usize, char)> {
    text.char_indices()
        .find(|&(_, c)| c == '\0' || !is_character(c))
}
