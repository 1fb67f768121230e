//! Bounded lines from a stream: the framing of helper links, of JSON-RPC and of the git socket.
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Bytes that are read at once. Most lines are shorter, and there is a buffer for each service.
const BUFFER: usize = 1024;

/// Why no line came.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The peer sends more than a line may have.
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
    /// The stream failed.
    #[error("read")]
    Read(#[from] std::io::Error),
}

/// Reads lines of at most `max` bytes, newline not counted.
#[derive(Debug)]
pub struct Lines<R> {
    reader: BufReader<R>,
    partial: Vec<u8>,
    max: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Over `reader`.
    pub fn new(reader: R, max: usize) -> Lines<R> {
        Lines {
            reader: BufReader::with_capacity(BUFFER, reader),
            partial: Vec::new(),
            max,
        }
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &R {
        self.reader.get_ref()
    }

    /// The next line, without its newline; `None` at the end of the stream (an unfinished last
    /// line is dropped: its writer died in the middle). Cancel safe: what was read stays here.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let newline = chunk.iter().position(|byte| *byte == b'\n');
            let taken = newline.unwrap_or(chunk.len());
            if self.partial.len() + taken > self.max {
                return Err(LineError::TooLong(self.max));
            }
            self.partial.extend_from_slice(&chunk[..taken]);
            self.reader.consume(taken + usize::from(newline.is_some()));
            if newline.is_some() {
                return Ok(Some(std::mem::take(&mut self.partial)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_and_a_torn_one_is_dropped() {
        let mut lines = Lines::new(&b"one\n\ntwo\ntorn"[..], 5);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.expect("short lines") {
            read.push(line);
        }
        assert_eq!(read, [b"one".to_vec(), Vec::new(), b"two".to_vec()]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_an_error_before_it_ends() {
        let mut lines = Lines::new(&b"123456"[..], 5);
        assert!(matches!(lines.next().await, Err(LineError::TooLong(5))));
    }
}
