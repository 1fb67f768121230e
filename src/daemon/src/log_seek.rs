//! Where in a file of a log a time is, found by halving.
use gitproc_core::logline::{IDENTIFIER_MAX, RECORD_MAX, decode_head};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Ranges that are read rather than halved, in bytes.
const NEAR: u64 = 64 * 1024;
/// Bytes that hold a whole record and the head of the next, wherever one begins to read.
const WINDOW: u64 = 2 * (RECORD_MAX + IDENTIFIER_MAX + 64) as u64;

/// Where a line begins before which all lines are from before `since_us`; what follows may hold some
/// more of these. Lines are taken to be in order of time.
pub fn offset_before(file: &mut File, since_us: u64) -> std::io::Result<u64> {
    let mut low = 0;
    let mut high = file.seek(SeekFrom::End(0))?;
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        match record_after(file, middle)? {
            Some((begin, time_us)) if begin < high && time_us < since_us => low = begin,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// µs since the epoch of the first record of the file; `None` when it has none.
pub fn first_time(file: &mut File) -> std::io::Result<Option<u64>> {
    let window = read(file, 0)?;
    Ok(decode_head(&window).map(|(head, _)| head.time_us))
}

/// The first record that begins after `offset`: where, and its time.
fn record_after(file: &mut File, offset: u64) -> std::io::Result<Option<(u64, u64)>> {
    let window = read(file, offset)?;
    let mut at = 0;
    while let Some(end) = window[at..].iter().position(|byte| *byte == b'\n') {
        at += end + 1;
        if let Some((head, _)) = decode_head(&window[at..]) {
            return Ok(Some((offset + at as u64, head.time_us)));
        }
    }
    Ok(None)
}

fn read(file: &mut File, offset: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut window = Vec::new();
    file.take(WINDOW).read_to_end(&mut window)?;
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn no_line_of_the_time_is_passed_over_and_few_others_are_read() {
        let root = TempDir::new("seek");
        let path = root.path().join("log");
        // Lines of all lengths, several of one time, and garbage in between.
        let mut text = Vec::new();
        let mut first = std::collections::BTreeMap::new();
        for number in 0..20_000_u64 {
            let time = 1000 + number / 3;
            first.entry(time).or_insert(text.len() as u64);
            let length = if number % 1000 == 0 { RECORD_MAX } else { 40 };
            text.extend_from_slice(format!("{time} o {}\n", "x".repeat(length)).as_bytes());
            if number % 7 == 0 {
                text.extend_from_slice(b"garbage\n\n");
            }
        }
        std::fs::write(&path, &text).expect("writable");
        let mut file = File::open(&path).expect("there");
        assert_eq!(first_time(&mut file).expect("readable"), Some(1000));
        for (time, begin) in &first {
            let found = offset_before(&mut file, *time).expect("readable");
            assert!(found <= *begin, "{time}: {found}, {begin}");
            assert!(begin - found <= NEAR + WINDOW, "{time}: {found}, {begin}");
            assert!(found == 0 || text[found as usize - 1] == b'\n');
        }
        assert_eq!(offset_before(&mut file, 0).expect("readable"), 0);
        let end = offset_before(&mut file, u64::MAX).expect("readable");
        assert!(text.len() as u64 - end <= NEAR + WINDOW);
        std::fs::write(&path, "").expect("writable");
        assert_eq!(offset_before(&mut file, 5).expect("readable"), 0);
        assert_eq!(first_time(&mut file).expect("readable"), None);
    }
}
