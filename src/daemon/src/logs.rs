//! The logs of several units, merged by time. Blocking; [`crate::methods::logs`] runs it on a thread of
//! its own.
use crate::log_filter::LogFilter;
use crate::log_reader::{LogReader, Start};
use gitproc_rpc::api::LogEntry;
use gitproc_unit::UnitName;
use std::path::PathBuf;
use std::sync::Arc;

/// Several logs, merged by time.
#[derive(Debug)]
pub struct MergedLogs {
    readers: Vec<(LogReader, Option<LogEntry>)>,
    /// Entries to leave out, so that the last ones of all units together remain.
    skip: u64,
}

impl MergedLogs {
    /// Of `units`, with their files; the last `lines` of all together.
    pub fn open(
        units: Vec<(UnitName, PathBuf)>,
        lines: Option<u64>,
    ) -> std::io::Result<MergedLogs> {
        let start = lines.map_or(Start::Beginning, Start::Last);
        let (mut logs, total) = MergedLogs::at(start, units, &Arc::default())?;
        logs.skip = total.saturating_sub(lines.unwrap_or(total));
        Ok(logs)
    }

    /// The same of what `filter` wants.
    pub fn open_filtered(
        units: Vec<(UnitName, PathBuf)>,
        lines: Option<u64>,
        filter: LogFilter,
    ) -> std::io::Result<MergedLogs> {
        if filter.is_all() {
            return MergedLogs::open(units, lines);
        }
        let start = match filter.since_us {
            None => Start::Beginning,
            Some(since_us) if filter.asks_for_context() => Start::FileOf(since_us),
            Some(since_us) => Start::Near(since_us),
        };
        let filter = Arc::new(filter);
        let mut skip = 0;
        if let Some(lines) = lines {
            // Counted rather than kept, so that it takes no memory.
            let (mut all, _) = MergedLogs::at(start, units.clone(), &filter)?;
            while all.next_entry()?.is_some() {
                skip += 1;
            }
            skip = u64::saturating_sub(skip, lines);
        }
        let (mut logs, _) = MergedLogs::at(start, units, &filter)?;
        logs.skip = skip;
        Ok(logs)
    }

    fn at(
        start: Start,
        units: Vec<(UnitName, PathBuf)>,
        filter: &Arc<LogFilter>,
    ) -> std::io::Result<(MergedLogs, u64)> {
        let mut readers = Vec::new();
        let mut total = 0;
        for (unit, path) in units {
            let (reader, count) = LogReader::open(unit, path, start, filter.clone())?;
            total += count;
            readers.push((reader, None));
        }
        Ok((MergedLogs { readers, skip: 0 }, total))
    }

    /// The next entry; `None` at the end of what is written so far.
    pub fn next_entry(&mut self) -> std::io::Result<Option<LogEntry>> {
        loop {
            for (reader, ahead) in &mut self.readers {
                if ahead.is_none() {
                    *ahead = reader.next_entry()?;
                }
            }
            let earliest = self
                .readers
                .iter_mut()
                .filter(|(_, ahead)| ahead.is_some())
                .min_by_key(|(_, ahead)| ahead.as_ref().map(|entry| entry.time_us));
            let Some((_, ahead)) = earliest else {
                return Ok(None);
            };
            let entry = ahead.take();
            match self.skip {
                0 => return Ok(entry),
                _ => self.skip -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use gitproc_core::log_files;
    use gitproc_core::log_policy::INFO;
    use gitproc_core::logline::{Record, Tag, encode};
    use gitproc_rpc::api::LogBytes;
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    fn unit(name: &str) -> UnitName {
        UnitName::parse(name).expect("a name")
    }

    fn write(path: &Path, times: impl IntoIterator<Item = u64>) {
        let mut bytes = Vec::new();
        for time_us in times {
            let tag = Tag::Stdout { partial: false };
            encode(
                Record {
                    time_us,
                    tag,
                    level: INFO,
                    identifier: Some("somewhat-longer-than-the-head-of-a-record"),
                    bytes: format!("line {time_us}").as_bytes(),
                },
                &mut bytes,
            );
            encode(
                Record {
                    time_us,
                    tag: Tag::Invocation,
                    level: INFO,
                    identifier: None,
                    bytes: b"x -",
                },
                &mut bytes,
            );
        }
        File::options()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(&bytes))
            .expect("writable");
    }

    fn times(logs: &mut MergedLogs) -> Vec<u64> {
        std::iter::from_fn(|| logs.next_entry().expect("readable"))
            .map(|entry| entry.time_us)
            .collect()
    }

    #[test]
    fn the_last_lines_are_found_whatever_the_size_of_the_file() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        write(&path, 1..=20_000);
        for lines in [0, 1, 7, 5_000, 20_000, 30_000] {
            let files = vec![(unit("a.service"), path.clone())];
            let mut logs = MergedLogs::open(files, Some(lines)).expect("readable");
            let expected: Vec<u64> = (20_001 - lines.min(20_000)..=20_000).collect();
            assert_eq!(times(&mut logs), expected, "the last {lines}");
        }
    }

    #[test]
    fn units_are_merged_by_time_and_the_last_of_all_together_remain() {
        let root = TempDir::new("logs");
        let paths = ["a.service", "b.service"].map(|name| (unit(name), root.path().join(name)));
        write(&paths[0].1, [1, 3, 5, 7]);
        write(&paths[1].1, [2, 4, 6]);
        let mut all = MergedLogs::open(paths.to_vec(), None).expect("readable");
        assert_eq!(times(&mut all), [1, 2, 3, 4, 5, 6, 7]);
        let mut last = MergedLogs::open(paths.to_vec(), Some(3)).expect("readable");
        assert_eq!(times(&mut last), [5, 6, 7]);
    }

    #[test]
    fn following_goes_on_across_torn_writes_and_rotation() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        let mut logs =
            MergedLogs::open(vec![(unit("a.service"), path.clone())], Some(5)).expect("empty");
        assert_eq!(times(&mut logs), [0; 0]);
        write(&path, [1]);
        assert_eq!(times(&mut logs), [1]);
        let mut file = File::options().append(true).open(&path).expect("there");
        file.write_all(b"2 o half").expect("writable");
        assert_eq!(times(&mut logs), [0; 0]);
        file.write_all(b" a line\n").expect("writable");
        assert_eq!(times(&mut logs), [2]);
        std::fs::rename(&path, root.path().join("a.service.log.1")).expect("ours");
        write(&path, [3]);
        assert_eq!(times(&mut logs), [3]);
    }

    /// As a helper does it, which keeps three.
    fn rotate(path: &Path) {
        for number in (0..3).rev() {
            let _ = std::fs::rename(
                log_files::nth(path, number),
                log_files::nth(path, number + 1),
            );
        }
    }

    #[test]
    fn the_last_lines_are_found_in_older_files_too() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        for first in [1, 11, 21] {
            write(&path, first..first + 10);
            rotate(&path);
        }
        // The live file is not made yet; then it is.
        for newest in [30, 31] {
            for lines in [0, 1, 10, 11, 25, 40] {
                let files = vec![(unit("a.service"), path.clone())];
                let mut logs = MergedLogs::open(files, Some(lines)).expect("readable");
                let first = (newest + 1_u64).saturating_sub(lines).max(1);
                let expected: Vec<u64> = (first..=newest).collect();
                assert_eq!(times(&mut logs), expected, "the last {lines} of {newest}");
            }
            let files = vec![(unit("a.service"), path.clone())];
            let mut logs = MergedLogs::open(files, None).expect("readable");
            assert_eq!(times(&mut logs), (1..=newest).collect::<Vec<u64>>());
            if newest == 30 {
                write(&path, [31]);
            }
        }
    }

    #[test]
    fn following_misses_no_file_however_many_rotations_went_by() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        write(&path, [1]);
        let files = vec![(unit("a.service"), path.clone())];
        let mut logs = MergedLogs::open(files, Some(0)).expect("readable");
        assert_eq!(times(&mut logs), [0; 0]);
        write(&path, [2]);
        rotate(&path);
        assert_eq!(times(&mut logs), [2]);
        write(&path, [3]);
        rotate(&path);
        write(&path, [4]);
        rotate(&path);
        write(&path, [5]);
        assert_eq!(times(&mut logs), [3, 4, 5]);
        // More than are kept: what is left goes on.
        for time in 6..12 {
            rotate(&path);
            write(&path, [time]);
        }
        assert_eq!(times(&mut logs), [8, 9, 10, 11]);
    }

    #[test]
    fn what_is_asked_for_is_found_in_all_files() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        for first in [1_u64, 10_001, 20_001] {
            if first > 1 {
                rotate(&path);
            }
            let id = format!("{} i id{first} commit{first}\n", first - 1);
            std::fs::write(&path, id).expect("writable");
            let mut bytes = Vec::new();
            for time_us in first..first + 10_000 {
                let text = format!("line {time_us}");
                let record = Record {
                    time_us,
                    tag: Tag::Stdout { partial: false },
                    level: (time_us % 8) as u8,
                    identifier: None,
                    bytes: text.as_bytes(),
                };
                encode(record, &mut bytes);
            }
            let mut file = File::options().append(true).open(&path).expect("there");
            file.write_all(&bytes).expect("writable");
        }
        let found = |lines, filter: LogFilter| {
            let files = vec![(unit("a.service"), path.clone())];
            let mut logs = MergedLogs::open_filtered(files, lines, filter).expect("readable");
            times(&mut logs)
        };
        let between = |since_us, until_us| LogFilter {
            since_us: Some(since_us),
            until_us: Some(until_us),
            ..LogFilter::default()
        };
        for (since, until) in [(0, 3), (9_990, 10_010), (15_000, 15_001), (29_999, 40_000)] {
            let expected: Vec<u64> = (since.max(1)..=until.min(30_000)).collect();
            assert_eq!(found(None, between(since, until)), expected);
            let last = expected.last().copied().into_iter().collect::<Vec<_>>();
            assert_eq!(found(Some(1), between(since, until)), last);
        }
        let of = |since_us, commit: &str| LogFilter {
            since_us,
            commit: Some(gitproc_core::CommitId(commit.to_owned())),
            ..LogFilter::default()
        };
        let second: Vec<u64> = (10_001..=20_000).collect();
        assert_eq!(found(None, of(None, "commit10001")), second);
        assert_eq!(
            found(None, of(Some(15_000), "commit10001")),
            second[4_999..]
        );
        assert_eq!(found(None, of(None, "commit7")), [0; 0]);
        let urgent = LogFilter {
            priority: Some(0),
            ..LogFilter::default()
        };
        assert_eq!(found(Some(2), urgent), [29_992, 30_000]);
    }

    #[test]
    fn bytes_that_are_no_text_come_as_numbers_and_torn_lines_are_left_out() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        std::fs::write(&path, b"garbage\n1 o \xff\n").expect("writable");
        let (mut reader, _) =
            LogReader::open(unit("a.service"), path, Start::Beginning, Arc::default())
                .expect("readable");
        let entry = reader.next_entry().expect("readable").expect("one record");
        assert_eq!(entry.message, LogBytes::Bytes(vec![0xff]));
    }
}
