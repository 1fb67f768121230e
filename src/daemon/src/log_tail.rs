//! Where the last lines of a file of a log begin, read from its end.
use crate::log_reader::is_seen;
use gitproc_core::logline::decode_head;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// How much is read at a time when the beginning of the last lines is looked for.
const CHUNK: u64 = 64 * 1024;

/// Bytes that decide what a record is: a time of up to 20 digits and the tag.
const HEAD_MAX: usize = 32;

/// Where the last `lines` lines begin, read from the end; and how many there are.
pub fn tail_offset(file: &mut File, lines: u64) -> std::io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    if lines == 0 {
        return Ok((length, 0));
    }
    let mut counter = TailCounter {
        wanted: lines,
        found: 0,
        begin: length,
        line: Vec::new(),
    };
    let mut end = length;
    let mut chunk = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(begin))?;
        chunk.resize((end - begin) as usize, 0);
        file.read_exact(&mut chunk)?;
        for (index, byte) in chunk.iter().enumerate().rev() {
            if counter.step(begin + index as u64, *byte) {
                return Ok((counter.begin, counter.found));
            }
        }
        end = begin;
    }
    counter.finish();
    Ok((counter.begin, counter.found))
}

/// Walks a file backwards and counts its lines that people see.
struct TailCounter {
    wanted: u64,
    found: u64,
    /// Where the earliest counted line begins.
    begin: u64,
    /// First bytes of the line being walked, in reverse; only its head decides what it is.
    line: Vec<u8>,
}

impl TailCounter {
    /// True when enough were found.
    fn step(&mut self, offset: u64, byte: u8) -> bool {
        if byte != b'\n' {
            // Backwards the head comes last: keep the last bytes that were pushed.
            if self.line.len() == 2 * HEAD_MAX {
                self.line.drain(..HEAD_MAX);
            }
            self.line.push(byte);
            return false;
        }
        self.end_line(offset + 1);
        self.found == self.wanted
    }

    fn finish(&mut self) {
        self.end_line(0);
    }

    fn end_line(&mut self, begin: u64) {
        let head: Vec<u8> = self.line.drain(..).rev().take(HEAD_MAX).collect();
        let seen = decode_head(&head).is_some_and(|(head, _)| is_seen(head.tag));
        if seen {
            self.found += 1;
            self.begin = begin;
        }
    }
}
