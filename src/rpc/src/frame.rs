//! Bytes to lines, within a bound. Knows nothing of JSON, and does no I/O.

/// Longest line that the daemon takes, in bytes. The longest honest one comes from a hook: some
/// 8,000 moved refs.
pub const REQUEST_LINE_MAX: usize = 1024 * 1024;

/// Longest line that a client takes, in bytes: `list` of 10,000 units is about 8 MiB.
pub const RESPONSE_LINE_MAX: usize = 16 * 1024 * 1024;

/// Collects bytes and gives them back line by line.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Start of the first line that was not given back yet.
    start: usize,
    /// From `start` up to here there is no newline.
    searched: usize,
    limit: usize,
}

/// A line is longer than the limit. The stream can't be used any further, since the end of the
/// line is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line longer than {limit} bytes")]
pub struct Oversized {
    /// In bytes.
    pub limit: usize,
}

impl Lines {
    /// Lines of up to `limit` bytes, without the newline.
    pub fn new(limit: usize) -> Lines {
        Lines {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            limit,
        }
    }

    /// Adds what was read. To stay bounded, take out lines until [`Lines::next_line`] has none
    /// before adding more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its newline; `None` when more bytes are needed.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Oversized> {
        if !self.has_line()? {
            return Ok(None);
        }
        let (start, end) = (self.start, self.searched);
        self.start = end + 1;
        self.searched = end + 1;
        Ok(Some(&self.buffer[start..end]))
    }

    /// Whether [`Lines::next_line`] has one; for callers that borrow it only then.
    pub fn has_line(&mut self) -> Result<bool, Oversized> {
        let unsearched = &self.buffer[self.searched..];
        let found = unsearched.iter().position(|byte| *byte == b'\n');
        self.searched += found.unwrap_or(unsearched.len());
        match self.searched - self.start > self.limit {
            true => Err(Oversized { limit: self.limit }),
            false => Ok(found.is_some()),
        }
    }

    /// Bytes of a line whose end has not come.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of `bytes` when they arrive in pieces of `piece` bytes.
    fn lines_of(bytes: &[u8], piece: usize, limit: usize) -> Result<Vec<Vec<u8>>, Oversized> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        for chunk in bytes.chunks(piece) {
            lines.push(chunk);
            while let Some(line) = lines.next_line()? {
                found.push(line.to_vec());
            }
        }
        Ok(found)
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_arrive() {
        let bytes = b"one\n\ntwo two\n\xff\xfe\nrest";
        let expected: Vec<Vec<u8>> = [&b"one"[..], b"", b"two two", b"\xff\xfe"]
            .map(<[u8]>::to_vec)
            .into();
        for piece in 1..=bytes.len() {
            assert_eq!(
                lines_of(bytes, piece, 8).as_ref(),
                Ok(&expected),
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        for piece in 1..12 {
            assert!(lines_of(b"12345678\n", piece, 8).is_ok());
            assert_eq!(
                lines_of(b"123456789\n", piece, 8),
                Err(Oversized { limit: 8 })
            );
            assert_eq!(
                lines_of(b"123456789", piece, 8),
                Err(Oversized { limit: 8 })
            );
        }
    }

    #[test]
    fn what_lacks_its_newline_is_counted() {
        let mut lines = Lines::new(8);
        lines.push(b"a\nbcd");
        assert_eq!(lines.next_line(), Ok(Some(&b"a"[..])));
        assert_eq!(lines.next_line(), Ok(None));
        assert_eq!(lines.pending(), 3);
    }
}
